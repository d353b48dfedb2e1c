// All background work of pricing, on threads of its own, around the fold.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "pricing/fold/fold.h"
#include "pricing/loops/context.h"
#include "pricing/loops/follow_loop.h"
#include "pricing/loops/history.h"
#include "pricing/loops/reference_loop.h"
#include "pricing/loops/request_loop.h"
#include "pricing/loops/upkeep_loop.h"
#include "pricing/loops/write_loop.h"
#include "pricing/price_request_listener.h"
#include "pricing/price_view.h"
#include "pricing/service_state.h"

namespace tokenwatch::pricing {

// Restore, Start and Stop by one thread; after Restore the rest is for any.
class Loops final : public StateSource {
 public:
  struct Parts {
    HotSet& hot;
    const PriceView& view;
    FoldListener& prices;
    PriceRequestListener& requests;
    // Called about every second.
    std::function<void()> every_second;
  };

  // All parts outlive this.
  Loops(const LoopContext& context, Parts parts);
  // Stop() without writing anything more.
  ~Loops() override;

  // Makes the fold as the database has it. After an error, which is the database's, it may be called again.
  absl::Status Restore(absl::Time deadline);
  // After a Restore that succeeded.
  void Start();
  // Ends following the log, then writes what is not written yet, within `drain_limit`, and joins. Idempotent.
  void Stop(absl::Duration drain_limit);

  ServiceState state() const override;
  std::vector<uint64_t> Parked(const SeriesKey& key) const { return fold_->ParkedCursors(key); }
  void SetWatched(const chain::TokenRef& token, bool watched) { fold_->SetWatched(token, watched); }
  void WakeRequests() { requests_.Wake(); }

 private:
  const LoopContext context_;
  const Parts parts_;
  LoopHistory history_;
  std::unique_ptr<Fold> fold_;
  std::optional<WriteLoop> write_;
  std::optional<FollowLoop> follow_;
  std::optional<UpkeepLoop> upkeep_;
  ReferenceLoop references_;
  RequestLoop requests_;

  std::stop_source stop_;
  std::vector<std::thread> threads_;
};

}  // namespace tokenwatch::pricing
