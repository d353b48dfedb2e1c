// Stores what rounds brought, tells who waits, and gives tokens back to the detector: first the own tables, then the
// detector, then the note that it knows. A name that the detector did not acknowledge is reported again, also after a
// restart.
#pragma once

#include <functional>
#include <stop_token>
#include <utility>
#include <vector>

#include "resolver/loops/context.h"

namespace tokenwatch::resolver {

// Run by one thread.
class FinishLoop {
 public:
  // `on_room` is called after rounds have been stored.
  FinishLoop(const LoopContext& context, std::function<void()> on_room)
      : context_(context), on_room_(std::move(on_room)) {}

  // Until `stop`, and then until every round has ended and is stored, or cannot be within the drain limit.
  void Run(const std::stop_token& stop);

 private:
  bool Store(const std::vector<Finished>& finished, const std::stop_token& stop);
  void Report(const std::vector<Finished>& finished);
  // Completes and notes the names among them. False when the detector or the database did not answer.
  bool Complete(const std::vector<Completion>& completions);
  void ReportAgain();
  absl::Time RetryAt(const Resolution& resolution) const;

  const LoopContext context_;
  const std::function<void()> on_room_;
  // Names may be unacknowledged: look when this time has come.
  absl::Time next_look_ = absl::InfinitePast();
  absl::Time drain_until_ = absl::InfiniteFuture();
};

}  // namespace tokenwatch::resolver
