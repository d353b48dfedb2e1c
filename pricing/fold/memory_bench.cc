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
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "chain/solana/pumpfun_curve.h"
#include "pricing/fold/fold.h"
#include "pricing/pg_store/samples_for_test.h"
#include "pricing/testing/trades.h"
#include "tests/load/bench_report.h"

namespace tokenwatch::pricing {
namespace {

using load::Report;

constexpr uint64_t kSeen = 1'000'000;
constexpr uint64_t kActive = 50'000;
constexpr size_t kWallets = 20'000;
constexpr size_t kBatch = 1000;
// Of the log's time, while the active ones trade.
constexpr int kTradesPerSecond = 70;

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
  Bench() : curves_(kActive, chain::kFreshCurve) {
    fold_.Begin({});
    for (size_t i = 0; i < kWallets; ++i) wallets_.push_back(testing::WalletNumber(i));
    for (uint64_t token = 0; token < kActive; ++token) active_.push_back(SampleToken(token));
  }
  // In MB.
  double own() const {
    return static_cast<double>(kActive * (sizeof active_[0] + sizeof curves_[0]) + kWallets * sizeof wallets_[0]) / 1e6;
  }

  // Three trades each, never again.
  void See(uint64_t tokens) {
    for (uint64_t token = 0; token < tokens; ++token) {
      const chain::TokenRef ref = SampleToken(kActive + token);
      chain::CurveReserves curve = chain::kFreshCurve;
      for (int i = 0; i < 3; ++i) Add(ref, curve, absl::Milliseconds(50));
    }
    Apply();
    // They leave when they have been idle for long enough, and their trades are parked.
    now_ += absl::Hours(3);
    for (int i = 0; i < 2; ++i) {
      Add(active_[0], curves_[0], absl::ZeroDuration());
      flushed_ = absl::InfinitePast();
      Apply();
    }
  }

  // Half of the trades go round, so that none is idle for long; the others prefer the first.
  void Trade(uint64_t trades) {
    std::uniform_real_distribution<double> uniform(0, 1);
    for (uint64_t i = 0; i < trades; ++i) {
      const double u = uniform(random_);
      const auto preferred = static_cast<size_t>(u * u * u * kActive);
      const size_t token = i % 2 == 0 ? next_++ % kActive : preferred;
      Add(active_[token], curves_[token], absl::Seconds(1) / kTradesPerSecond);
    }
    Apply();
  }

  FoldCounts counts() const { return fold_.counts(); }

 private:
  // Somebody buys for 0.001 to 1 SOL, or sells up to a third of what was sold; too little USD to be worth rows by that.
  void Add(const chain::TokenRef& token, chain::CurveReserves& curve, absl::Duration step) {
    constexpr chain::CurveFees kFees{95, 30};
    now_ += step;
    const uint64_t sold = chain::kFreshCurve.real_tokens - curve.real_tokens;
    std::optional<chain::CurveTrade> done;
    const bool is_buy = sold < 1'000'000'000 || random_() % 2 == 0;
    if (is_buy) done = chain::BuyExactLamportsIn(curve, 1'000'000 << random_() % 11, kFees);
    if (!done || done->completes) done = chain::SellExactTokens(curve, 1 + random_() % (sold / 3 + 1), kFees);
    if (!done) Must(absl::InternalError("nothing can be traded on a curve"));
    curve = done->after;
    pricing::Trade& trade = batch_.trades.emplace_back();
    trade.cursor = ++batch_.cursor;
    trade.token = token;
    trade.quote = SampleQuote();
    trade.trader = wallets_[random_() % kWallets];
    trade.is_buy = is_buy;
    trade.venue = Word("pump");
    trade.token_amount = done->tokens;
    trade.quote_amount = done->lamports;
    trade.reserves = Reserves{curve.virtual_tokens, curve.virtual_lamports};
    trade.pool_quote = curve.real_lamports;
    // As the chain tells it.
    trade.event_time = absl::FromUnixSeconds(absl::ToUnixSeconds(now_));
    trade.transaction = *chain::TransactionId::FromCanonical(
        absl::StrCat("5hk8YzxPqVnRc3oWmTgJ5hk8YzxPqVnRc3oWmTgJ5hk8YzxPqVnRc3oWmTgJ5hk8YzxPqVnR", trade.cursor));
    if (batch_.trades.size() == kBatch) Apply();
  }

  void Apply() {
    for (absl::Status status = fold_.Apply(batch_); !status.ok(); status = fold_.Apply(batch_)) {
      if (!absl::IsResourceExhausted(status)) Must(status);
      Flush();
    }
    batch_.trades.clear();
    if (now_ - flushed_ < absl::Minutes(1) && !fold_.wants_flush()) return;
    flushed_ = now_;
    while (Flush()) continue;
  }
  // Whether there may be more.
  bool Flush() {
    const pricing::Flush flush = fold_.CollectFlush(flushes_++, 5000, false);
    fold_.FlushWritten(flush);
    return flush.rows() * 2 >= 5000;
  }

  NoHistory history_;
  Nobody nobody_;
  HotSet hot_;
  Fold fold_{{}, hot_, nullptr, history_, nobody_};
  uint64_t flushes_ = 0;
  absl::Time now_ = testing::Start();
  absl::Time flushed_ = testing::Start();
  TradeBatch batch_;
  std::mt19937_64 random_{1};
  std::vector<chain::Address> wallets_;
  std::vector<chain::TokenRef> active_;
  std::vector<chain::CurveReserves> curves_;
  size_t next_ = 0;
};

int Main() {
  uint64_t trades = 20'000'000;
  if (const char* text = std::getenv("TOKENWATCH_BENCH_TRADES"); text != nullptr && !absl::SimpleAtoi(text, &trades)) {
    Must(absl::InvalidArgumentError("TOKENWATCH_BENCH_TRADES is no number"));
  }
  const double before = Resident();
  Bench bench;
  bench.See(kSeen);
  std::fprintf(stderr, "%zu parked, %zu hot: %.1f MB, of which %.1f before, and %.1f the benchmark's\n",
               bench.counts().parked, bench.counts().hot, Resident(), before, bench.own());
  double most = 0, after_fifth = 0, now = 0;
  for (int fifth = 1; fifth <= 5; ++fifth) {
    for (int i = 0; i < 20; ++i) {
      bench.Trade(trades / 100);
      most = std::max(most, Resident() - bench.own());
    }
    now = Resident() - bench.own();
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
