// A market in memory for tests: a log of trades, the real fold over it, and a store that is flushed to. What the reads
// and the service answer can be held against the trades themselves.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/sync/executor.h"
#include "common/sync/mutex.h"
#include "common/time/fake_clock.h"
#include "pricing/decimals.h"
#include "pricing/detector.h"
#include "pricing/fold/fold.h"
#include "pricing/fold/hot_set.h"
#include "pricing/oracle/oracle.h"
#include "pricing/price_view.h"
#include "pricing/reference.h"
#include "pricing/service_state.h"
#include "pricing/testing/fake_store.h"

namespace tokenwatch::pricing {

chain::TokenRef TestToken(uint64_t number);
// Wrapped SOL.
chain::Address TestQuote();
chain::Address TestUsdc();
// 2026-07-03 14:00:00 UTC: begins a chunk of candles.
absl::Time TestTime();

// The log. Thread-safe.
class FakeLog final : public Detector {
 public:
  // Gives the trade its cursor.
  Trade Append(Trade trade) TW_EXCLUDES(mutex_);
  // Forgets the trades up to a cursor, as retention does.
  void Drop(uint64_t cursor) TW_EXCLUDES(mutex_);
  void SetDecimals(const chain::TokenRef& token, int decimals) TW_EXCLUDES(mutex_);
  void Fail(const absl::Status& status) TW_EXCLUDES(mutex_);
  // The next stream that is not scripted yet ends with `status` after so many trades.
  void EndTail(size_t trades, const absl::Status& status) TW_EXCLUDES(mutex_);
  // What Head tells, whatever there is.
  void SetHead(std::optional<uint64_t> head) TW_EXCLUDES(mutex_);
  // The cursors that streams began after.
  std::vector<uint64_t> tails() const TW_EXCLUDES(mutex_);
  // Those after a cursor.
  std::vector<Trade> trades(uint64_t after = 0) const TW_EXCLUDES(mutex_);
  uint64_t head() const TW_EXCLUDES(mutex_);
  int reads() const TW_EXCLUDES(mutex_);
  int lookups() const TW_EXCLUDES(mutex_);

  absl::Status Tail(uint64_t cursor, const std::function<absl::Status(TradeBatch&&)>& handle,
                    const std::stop_token& stop) override;
  absl::StatusOr<std::vector<Trade>> GetTrades(absl::Span<const uint64_t> cursors, absl::Time deadline) override;
  absl::StatusOr<std::vector<Trade>> ReadTrades(const chain::TokenRef& token, uint64_t first, uint64_t last, int limit,
                                                absl::Time deadline) override;
  absl::StatusOr<std::vector<TokenDecimals>> GetDecimals(absl::Span<const chain::TokenRef> tokens,
                                                         absl::Time deadline) override;
  absl::StatusOr<std::vector<chain::TokenRef>> SeenSince(absl::Span<const chain::TokenRef> tokens, absl::Time since,
                                                         absl::Time deadline) override;
  absl::StatusOr<uint64_t> Head(absl::Time deadline) override;
  absl::Status Acknowledge(const std::string& consumer, uint64_t cursor, absl::Time deadline) override;

 private:
  mutable common::Mutex mutex_;
  absl::Status failure_ TW_GUARDED_BY(mutex_);
  uint64_t dropped_ TW_GUARDED_BY(mutex_) = 0;
  std::vector<Trade> trades_ TW_GUARDED_BY(mutex_);
  std::map<chain::TokenRef, int> decimals_ TW_GUARDED_BY(mutex_);
  int reads_ TW_GUARDED_BY(mutex_) = 0;
  int lookups_ TW_GUARDED_BY(mutex_) = 0;
  std::deque<std::pair<size_t, absl::Status>> tail_ends_ TW_GUARDED_BY(mutex_);
  std::optional<uint64_t> told_head_ TW_GUARDED_BY(mutex_);
  std::vector<uint64_t> tails_ TW_GUARDED_BY(mutex_);
};

// Answers what a test puts in. Thread-safe.
class FakeOracle final : public Oracle {
 public:
  // A source that knows the token.
  void Set(const chain::TokenRef& token, const std::string& source, double usd,
           std::optional<absl::Time> event_time = std::nullopt) TW_EXCLUDES(mutex_);
  // A source that was asked in vain.
  void SetFailure(const chain::TokenRef& token, const std::string& source, Outcome outcome) TW_EXCLUDES(mutex_);
  std::vector<OracleQuestion> questions() const TW_EXCLUDES(mutex_);

  void Ask(const OracleQuestion& question, OracleCallback done) override TW_EXCLUDES(mutex_);
  void AskMany(const std::vector<OracleQuestion>& questions,
               std::function<void(std::vector<OracleAnswer>)> done) override TW_EXCLUDES(mutex_);
  std::vector<ProviderState> providers() const override;

 private:
  OracleAnswer Answer(const OracleQuestion& question) TW_REQUIRES(mutex_);

  mutable common::Mutex mutex_;
  std::map<chain::TokenRef, std::vector<SourceReport>> reports_ TW_GUARDED_BY(mutex_);
  std::vector<OracleQuestion> questions_ TW_GUARDED_BY(mutex_);
};

// One thread but for the reads.
class World final : public FoldHistory, public FoldListener, public StateSource {
 public:
  explicit World(const FoldOptions& options = {});
  ~World() override;

  // A trade that leaves the given reserves behind, at TestTime() + `at`; not yet folded.
  Trade Add(const chain::TokenRef& token, absl::Duration at, uint64_t quote_reserve, uint64_t token_reserve,
            const std::function<void(Trade&)>& change = nullptr);
  // Folds what was added.
  void Fold();
  // Writes what is due; with `everything`, all.
  void Flush(bool everything);
  // Told of what changes.
  void SetListener(FoldListener* listener) { listener_ = listener; }
  Reference AddReference(absl::Duration at, const std::string& usd, const chain::Address& asset = TestQuote());

  pricing::Fold& fold() { return *fold_; }
  std::vector<uint64_t> Parked(const SeriesKey& key) const { return fold_->ParkedCursors(key); }
  ServiceState state() const override;

  // FoldHistory and FoldListener.
  absl::StatusOr<std::vector<Series>> LoadSeries(absl::Span<const SeriesKey> keys) override;
  absl::StatusOr<std::vector<ChunkRow>> LoadChunks(absl::Span<const std::pair<SeriesKey, absl::Time>> chunks) override;
  absl::StatusOr<std::vector<Trade>> GetTrades(absl::Span<const uint64_t> cursors) override;
  absl::StatusOr<std::vector<chain::TokenRef>> SeenSince(absl::Span<const chain::TokenRef> tokens,
                                                         absl::Time since) override;
  void OnPrices(absl::Span<const chain::TokenRef> tokens) override;

  // Stands a minute after TestTime() at first.
  common::FakeClock clock{TestTime() + absl::Minutes(1)};
  FakeLog log;
  FakeStore store;
  FakeOracle oracle;
  HotSet hot;
  ReferenceBook references{10'000};
  common::Executor executor{{.name = "world", .threads = 2, .queue_capacity = 2000}};
  DecimalsBook decimals{{},
                        [this](absl::Span<const chain::TokenRef> tokens, absl::Time deadline) {
                          return log.GetDecimals(tokens, deadline);
                        },
                        executor,
                        clock};
  PriceView view{{}, hot, references, decimals};

 private:
  FoldListener* listener_ = nullptr;
  std::unique_ptr<pricing::Fold> fold_;
  uint64_t folded_ = 0;
  uint64_t flushes_ = 0;
};

}  // namespace tokenwatch::pricing
