// What a process holds that has seen a million series, of which 50,000 are active, and whether that grows while twenty
// million trades of these are folded. In a program of its own, because what counts is all that it has from the system.
//
// The active series trade on their curves for eighty hours of the log's time, so that candles are begun, completed,
// written and dropped as they are in the service; what is written is thrown away, so none of them may leave memory.
// What the benchmark holds to make the trades is taken off. TOKENWATCH_BENCH_TRADES changes the number of trades.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "pricing/fold/fold.h"
#include "pricing/testing/crowded_market.h"
#include "tests/load/bench_report.h"

namespace tokenwatch::pricing {
namespace {

using load::Report;

constexpr uint64_t kSeen = 1'000'000;
constexpr uint64_t kActive = 50'000;
constexpr size_t kWallets = 20'000;
constexpr size_t kBatch = 1000;

void Must(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "memory_bench: %s\n", status.ToString().c_str());
  std::exit(1);
}

// In MB.
double Resident() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (absl::StartsWith(line, "VmRSS:")) return std::strtod(line.c_str() + 6, nullptr) * 1024 / 1e6;
  }
  return 0;
}

// What is looked up here was never to leave memory.
class NoHistory : public FoldHistory {
 public:
  absl::StatusOr<std::vector<Series>> LoadSeries(absl::Span<const SeriesKey>) override { return Fail(); }
  absl::StatusOr<std::vector<ChunkRow>> LoadChunks(absl::Span<const std::pair<SeriesKey, absl::Time>>) override {
    return Fail();
  }
  absl::StatusOr<std::vector<Trade>> GetTrades(absl::Span<const uint64_t>) override { return Fail(); }
  absl::StatusOr<std::vector<chain::TokenRef>> SeenSince(absl::Span<const chain::TokenRef>, absl::Time) override {
    return Fail();
  }

 private:
  static absl::Status Fail() { return absl::InternalError("an active series has left memory"); }
};

class Nobody : public FoldListener {
  void OnPrices(absl::Span<const chain::TokenRef>) override {}
};

class Bench {
 public:
  Bench() { fold_.Begin({}); }

  void See(uint64_t tokens) {
    market_.See(tokens);
    for (uint64_t i = 0; i < 3 * tokens; ++i) Add(market_.Next());
    // Those that were seen leave when they have been idle for long enough, and their trades are parked.
    for (int i = 0; i < 2; ++i) {
      Add(market_.Next());
      flushed_ = absl::InfinitePast();
      Apply();
    }
  }
  void Trade(uint64_t trades) {
    for (uint64_t i = 0; i < trades; ++i) Add(market_.Next());
    Apply();
  }

  FoldCounts counts() const { return fold_.counts(); }
  // In MB, without what makes the trades.
  double resident() const { return Resident() - static_cast<double>(market_.memory()) / 1e6; }

 private:
  void Add(const pricing::Trade& trade) {
    batch_.trades.push_back(trade);
    batch_.cursor = trade.cursor;
    if (batch_.trades.size() == kBatch) Apply();
  }
  void Apply() {
    if (batch_.trades.empty()) return;
    for (absl::Status status = fold_.Apply(batch_); !status.ok(); status = fold_.Apply(batch_)) {
      if (!absl::IsResourceExhausted(status)) Must(status);
      Flush();
    }
    const absl::Time now = batch_.trades.back().event_time;
    batch_.trades.clear();
    if (now - flushed_ < absl::Minutes(1) && !fold_.wants_flush()) return;
    flushed_ = now;
    while (Flush()) continue;
  }
  // Whether there may be more.
  bool Flush() {
    const pricing::Flush flush = fold_.CollectFlush(flushes_++, 5000, false);
    fold_.FlushWritten(flush);
    return flush.rows() * 2 >= 5000;
  }

  testing::CrowdedMarket market_{kActive, kWallets};
  NoHistory history_;
  Nobody nobody_;
  HotSet hot_;
  Fold fold_{{}, hot_, nullptr, history_, nobody_};
  uint64_t flushes_ = 0;
  absl::Time flushed_;
  TradeBatch batch_;
};

int Main() {
  uint64_t trades = 20'000'000;
  if (const char* text = std::getenv("TOKENWATCH_BENCH_TRADES"); text != nullptr && !absl::SimpleAtoi(text, &trades)) {
    Must(absl::InvalidArgumentError("TOKENWATCH_BENCH_TRADES is no number"));
  }
  Bench bench;
  const double before = bench.resident();
  bench.See(kSeen);
  std::fprintf(stderr, "%zu parked, %zu hot: %.1f MB, of which %.1f before\n", bench.counts().parked,
               bench.counts().hot, bench.resident(), before);
  double most = 0, after_fifth = 0, now = 0;
  for (int fifth = 1; fifth <= 5; ++fifth) {
    for (int i = 0; i < 20; ++i) {
      bench.Trade(trades / 100);
      most = std::max(most, bench.resident());
    }
    now = bench.resident();
    if (fifth == 1) after_fifth = now;
    const FoldCounts counts = bench.counts();
    std::fprintf(stderr, "%.1f million trades, %zu hot (%.1f MB as counted), %zu parked, %zu kept: %.1f MB\n",
                 static_cast<double>(counts.trades) / 1e6, counts.hot, static_cast<double>(counts.hot_bytes) / 1e6,
                 counts.parked, counts.kept, now);
  }
  if (bench.counts().hot < kActive) Must(absl::InternalError("fewer series are active than there should be"));
  Report({"pricing_memory_1m_seen_50k_active", most, "MB", "<= 200"});
  Report({"pricing_memory_growth_over_last_16m_trades_percent", 100 * (now / after_fifth - 1), "%", "<= 5"});
  return 0;
}

}  // namespace
}  // namespace tokenwatch::pricing

int main() { return tokenwatch::pricing::Main(); }
