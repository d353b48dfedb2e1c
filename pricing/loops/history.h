// What the fold takes from the database and from the log.
#pragma once

#include <utility>
#include <vector>

#include "pricing/fold/fold.h"
#include "pricing/loops/context.h"

namespace tokenwatch::pricing {

// Thread-safe. Failures are told to the conditions; the fold's caller tries again.
class LoopHistory final : public FoldHistory {
 public:
  explicit LoopHistory(const LoopContext& context) : context_(context) {}

  absl::StatusOr<std::vector<Series>> LoadSeries(absl::Span<const SeriesKey> keys) override {
    auto series = context_.store.LoadSeries(keys, LoopDeadline(context_));
    TellDatabase(context_, series.status(), "load series");
    return series;
  }
  absl::StatusOr<std::vector<ChunkRow>> LoadChunks(absl::Span<const std::pair<SeriesKey, absl::Time>> chunks) override {
    auto rows = context_.store.LoadChunks(chunks, LoopDeadline(context_));
    TellDatabase(context_, rows.status(), "load candles");
    return rows;
  }
  absl::StatusOr<std::vector<Trade>> GetTrades(absl::Span<const uint64_t> cursors) override {
    auto trades = context_.detector.GetTrades(cursors, LoopDeadline(context_));
    TellDetector(context_, trades.status(), "get parked trades");
    return trades;
  }
  absl::StatusOr<std::vector<chain::TokenRef>> SeenSince(absl::Span<const chain::TokenRef> tokens,
                                                         absl::Time since) override {
    auto seen = context_.detector.SeenSince(tokens, since, LoopDeadline(context_));
    TellDetector(context_, seen.status(), "ask when tokens were seen first");
    return seen;
  }

 private:
  const LoopContext context_;
};

}  // namespace tokenwatch::pricing
