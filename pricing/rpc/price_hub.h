// Prices as they change, to many streams.
//
// The fold only notes which tokens changed; a thread of the hub tells the streams. What a stream has not been sent yet
// is kept as the names of tokens, never as prices: a stream that comes back late gets the newest price of each. A
// stream of named tokens keeps at most one mark for each; the streams of all tokens share one list of what changed last
// and keep a position in it. So a stream that never reads costs its marks and the one message in flight.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/rpc/pull_stream.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"
#include "grpcpp/support/byte_buffer.h"
#include "pricing/fold/fold.h"
#include "pricing/fold/hot_set.h"
#include "pricing/price_view.h"
#include "pricing/rpc/change_list.h"

namespace tokenwatch::pricing {

// Thread-safe. Outlives the fold it listens to and the streams of its sources.
class PriceHub final : public FoldListener {
 public:
  struct Options {
    // Changes are told at most so often; what changes several times between is told once. Waking many streams makes the
    // pause longer, by so much for each: otherwise they would be sent ever smaller messages, ever later.
    absl::Duration interval = absl::Milliseconds(5);
    absl::Duration interval_per_stream = absl::Microseconds(20);
    // Prices of one message, which is what a stream that does not read costs: about 100 kB.
    size_t message_prices = 200;
    // Tokens in the list that the streams of all tokens share. A stream that is further behind is cut off.
    size_t list_capacity = 200'000;
  };
  struct Counts {
    size_t streams = 0;
    // Tokens told of, and prices sent.
    uint64_t changes = 0;
    uint64_t prices = 0;
    uint64_t messages = 0;
    // Prices that streams were too slow for.
    uint64_t conflated = 0;
  };

  PriceHub(const Options& options, const HotSet& hot, const PriceView& view, common::Clock& clock);
  ~PriceHub() override;

  void OnPrices(absl::Span<const chain::TokenRef> tokens) override TW_EXCLUDES(inbox_mutex_);

  // Messages of StreamPrices in wire form: of the tokens named (each once), or of all when none is.
  std::unique_ptr<common::PullSource<grpc::ByteBuffer>> Open(std::vector<chain::TokenRef> tokens, bool with_present)
      TW_EXCLUDES(mutex_);

  Counts counts() const;

 private:
  class Subscriber;
  class Source;
  struct Interest {
    std::shared_ptr<Subscriber> subscriber;
    // Which of its tokens.
    uint32_t index;
  };

  void Run(const std::stop_token& stop) TW_EXCLUDES(inbox_mutex_, mutex_);
  // Gives the number of streams woken.
  size_t Tell(const std::vector<chain::TokenRef>& tokens) TW_EXCLUDES(mutex_);
  void Close(const std::shared_ptr<Subscriber>& subscriber) TW_EXCLUDES(mutex_);
  // The present prices of the tokens, as a message. False when none has one.
  bool MakeMessage(const std::vector<chain::TokenRef>& tokens, uint64_t conflated, grpc::ByteBuffer* out);

  const Options options_;
  const HotSet& hot_;
  const PriceView& view_;
  common::Clock& clock_;

  common::Mutex inbox_mutex_;
  common::CondVar inbox_filled_;
  std::vector<chain::TokenRef> inbox_ TW_GUARDED_BY(inbox_mutex_);

  mutable common::Mutex mutex_;
  absl::flat_hash_map<chain::TokenRef, std::vector<Interest>> interests_ TW_GUARDED_BY(mutex_);
  // Streams of all tokens.
  absl::flat_hash_set<std::shared_ptr<Subscriber>> for_all_ TW_GUARDED_BY(mutex_);
  ChangeList changes_ TW_GUARDED_BY(mutex_);

  std::atomic<size_t> streams_{0};
  std::atomic<uint64_t> changes_told_{0};
  std::atomic<uint64_t> prices_sent_{0};
  std::atomic<uint64_t> messages_sent_{0};
  std::atomic<uint64_t> conflated_{0};

  std::jthread thread_;
};

}  // namespace tokenwatch::pricing
