// Measures the fold alone, in memory: trades a second on one core over a simulated market, what a packed candle takes,
// what a process with a million series seen and 50,000 active holds, and reads of the hot set.
// TOKENWATCH_BENCH_TRADES changes the number of trades.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <malloc.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "pricing/fold/fold.h"
#include "pricing/testing/fake_database.h"
#include "pricing/testing/trades.h"
#include "tests/load/bench_report.h"
#include "tests/sim/market.h"

namespace tokenwatch::pricing {
namespace {

using load::Report;

constexpr size_t kBatch = 1000;

void Must(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "fold_bench: %s\n", status.ToString().c_str());
  std::exit(1);
}

uint64_t Setting(const char* name, uint64_t by_default) {
  const char* text = std::getenv(name);
  uint64_t value = by_default;
  if (text != nullptr && !absl::SimpleAtoi(text, &value))
    Must(absl::InvalidArgumentError(absl::StrCat(name, " is no number")));
  return value;
}

// Resident memory of this process in MiB.
double ResidentMiB() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (absl::StartsWith(line, "VmRSS:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  }
  return 0;
}
double HeapMiB() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd) / 1048576;
}

class Listener : public FoldListener {
 public:
  void OnPrices(absl::Span<const chain::TokenRef> tokens) override { told += tokens.size(); }
  uint64_t told = 0;
};

std::optional<double> Usd(const chain::TokenRef&, absl::Time) { return 150; }

// A simulated market of pump.fun as the detector's log tells of it.
class MarketLog {
 public:
  MarketLog(uint64_t tokens, uint64_t trades, uint64_t trades_per_second)
      : market_(Options(tokens, trades, trades_per_second)) {}

  std::vector<Trade> Next(size_t count) {
    std::vector<Trade> trades;
    trades.reserve(count + 4);
    while (trades.size() < count && market_.Next(transaction_)) {
      for (const sim::Trade& from : transaction_.trades) trades.push_back(Convert(from));
    }
    return trades;
  }
  size_t tokens() const { return tokens_.size(); }

 private:
  static sim::Options Options(uint64_t tokens, uint64_t trades, uint64_t trades_per_second) {
    sim::Options options;
    options.launches = tokens;
    options.trades = trades;
    options.wallets = 20'000;
    options.trades_per_second = trades_per_second;
    return options;
  }
  static const chain::Address& AddressOf(std::vector<chain::Address>& known, size_t index, const chain::Pubkey& key) {
    if (known.size() <= index) known.resize(index + 1);
    if (known[index].empty()) known[index] = key.ToAddress();
    return known[index];
  }
  Trade Convert(const sim::Trade& from) {
    Trade trade;
    trade.cursor = ++cursor_;
    trade.token = {chain::Chain::kSolana, AddressOf(tokens_, from.token, market_.tokens()[from.token].mint)};
    trade.quote = sol_;
    trade.trader = AddressOf(wallets_, from.trader == sim::kMayhemAgent ? 0 : from.trader + 1, market_.TraderKey(from));
    trade.is_buy = from.is_buy;
    trade.venue = Word("pump");
    trade.token_amount = from.fill.tokens;
    trade.quote_amount = from.fill.lamports;
    trade.reserves = Reserves{from.fill.after.virtual_tokens, from.fill.after.virtual_lamports};
    trade.pool_quote = from.fill.after.real_lamports;
    // As in the program's events.
    trade.event_time = absl::FromUnixSeconds(transaction_.timestamp_s());
    trade.transaction = *chain::TransactionId::FromCanonical(absl::StrCat("5hk8YzxPqVnRc3oWmTgJ", cursor_));
    return trade;
  }

  sim::Market market_;
  sim::Transaction transaction_;
  uint64_t cursor_ = 0;
  chain::Address sol_ = testing::Canonical(testing::kSol);
  std::vector<chain::Address> tokens_;
  std::vector<chain::Address> wallets_;
};

void Flush(Fold& fold, testing::FakeDatabase& database, bool everything) {
  while (true) {
    const pricing::Flush flush = fold.CollectFlush(database.checkpoint.flush, 5000, everything);
    Must(database.Write(flush));
    fold.FlushWritten(flush);
    if (flush.rows() == 0 && flush.parked.empty()) return;
  }
}

void BenchSpeed(uint64_t tokens, uint64_t trades, double* bytes_per_candle) {
  const std::vector<Trade> no_log;
  testing::FakeDatabase database(no_log);
  HotSet hot;
  Listener listener;
  Fold fold({}, hot, Usd, database, listener);
  fold.Begin({});
  MarketLog market(tokens, trades + tokens, std::max<uint64_t>(tokens / 20, 200));
  absl::Duration applying, flushing;
  uint64_t folded = 0;
  absl::Time flushed;
  for (;;) {
    TradeBatch batch{market.Next(kBatch), 0, 0};
    if (batch.trades.empty()) break;
    batch.cursor = batch.trades.back().cursor;
    folded += batch.trades.size();
    const absl::Time begin = absl::Now();
    Must(fold.Apply(batch));
    applying += absl::Now() - begin;
    if (batch.trades.back().event_time - flushed < absl::Minutes(1)) continue;
    flushed = batch.trades.back().event_time;
    const absl::Time flush_begin = absl::Now();
    Flush(fold, database, false);
    flushing += absl::Now() - flush_begin;
  }
  const FoldCounts counts = fold.counts();
  Report({absl::StrCat("fold_trades_per_s_", tokens, "_series"),
          static_cast<double>(folded) / absl::ToDoubleSeconds(applying), "trades/s", ">= 1000000"});
  std::fprintf(stderr, "%zu series in memory, %.0f bytes each; %zu kept; flushes took %s\n", counts.hot,
               static_cast<double>(counts.hot_bytes) / static_cast<double>(counts.hot), counts.kept,
               absl::FormatDuration(flushing).c_str());
  // Reads of those that are there, in no order.
  std::vector<chain::TokenRef> some;
  hot.ForEach([&](const Series& series) { some.push_back(series.key.token); });
  std::mt19937_64 random(1);
  std::shuffle(some.begin(), some.end(), random);
  const size_t asked = std::min<size_t>(some.size(), 500);
  uint64_t read = 0;
  double sum = 0;
  const absl::Time begin = absl::Now();
  for (size_t at = 0; absl::Now() - begin < absl::Seconds(1); at = (at + asked) % (some.size() - asked + 1)) {
    hot.ReadMany(absl::MakeConstSpan(some).subspan(at, asked), [&](size_t, const Series& series) {
      ++read;
      sum += ToDouble(series.last->ratio, 6, 9);
    });
  }
  Report({absl::StrCat("hot_set_reads_per_s_", tokens, "_series"),
          static_cast<double>(read) / absl::ToDoubleSeconds(absl::Now() - begin) + (sum < 0 ? 1 : 0), "series/s"});
  Flush(fold, database, true);
  size_t bytes = 0, candles = 0, by_trades = 0;
  for (const auto& [key, packed] : database.chunks) {
    bytes += packed.size();
    for (const Candle& candle : CandleChunk::Decode(key.second, packed)->Candles()) {
      ++candles;
      by_trades += candle.trades;
    }
  }
  *bytes_per_candle = static_cast<double>(bytes) / static_cast<double>(candles);
  Report({absl::StrCat("candle_bytes_", tokens, "_series"), *bytes_per_candle, "bytes"});
  std::fprintf(stderr, "%zu candles in %zu chunks, %.1f trades each\n", candles, database.chunks.size(),
               static_cast<double>(by_trades) / static_cast<double>(candles));
}

// A process that has seen a million series, of which 50,000 are active.
void BenchMemory() {
  constexpr uint64_t kSeen = 1'000'000;
  constexpr uint64_t kActive = 50'000;
  malloc_trim(0);
  const double resident_before = ResidentMiB();
  const std::vector<Trade> no_log;
  testing::FakeDatabase database(no_log);
  Listener listener;
  auto hot = std::make_unique<HotSet>();
  auto owned = std::make_unique<Fold>(FoldOptions(), *hot, Usd, database, listener);
  Fold& fold = *owned;
  fold.Begin({});
  // Three trades each, then never again: about 50,000 of them are in memory at any time.
  TradeBatch batch;
  absl::Time now = testing::Start();
  const auto apply = [&] {
    Must(fold.Apply(batch));
    batch.trades.clear();
    const pricing::Flush flush = fold.CollectFlush(database.checkpoint.flush, 5000, false);
    Must(database.Write(flush));
    // What is parked in the database is not what is measured.
    database.parked = {};
    fold.FlushWritten(flush);
  };
  const auto trade = [&](uint64_t token) {
    Trade& added = batch.trades.emplace_back(testing::SomeTrade(++batch.cursor, token));
    added.event_time = now;
    added.trader = testing::WalletNumber(batch.cursor % 9973);
    added.quote_amount = 1000;
    if (batch.trades.size() == kBatch) apply();
  };
  for (uint64_t token = 0; token < kSeen; ++token) {
    for (int i = 0; i < 3; ++i) trade(token);
    now += absl::Milliseconds(150);
  }
  apply();
  now += absl::Hours(3);
  trade(kSeen);
  apply();
  trade(kSeen);
  apply();
  const FoldCounts parked = fold.counts();
  malloc_trim(0);
  const double heap_parked = HeapMiB();
  std::fprintf(stderr, "%zu parked, %zu hot, heap %.1f MiB, resident %.1f MiB more than at first\n", parked.parked,
               parked.hot, heap_parked, ResidentMiB() - resident_before);
  // A busy hour and a half of 50,000 of pump.fun's curves, most of them quiet.
  MarketLog market(kActive, 1'000'000, 185);
  for (;;) {
    std::vector<Trade> trades = market.Next(kBatch);
    if (trades.empty()) break;
    for (Trade& each : trades) {
      each.cursor += 10'000'000;
      each.event_time += absl::Hours(24 * 30);
    }
    batch.cursor = trades.back().cursor;
    batch.trades = std::move(trades);
    apply();
    database.rows.clear();
    database.chunks.clear();
  }
  const FoldCounts active = fold.counts();
  std::fprintf(stderr, "%zu hot taking %.1f MiB as counted, %zu parked, %zu kept, %zu dirty; resident %.1f MiB\n",
               active.hot, static_cast<double>(active.hot_bytes) / 1048576, active.parked, active.kept, active.dirty,
               ResidentMiB());
  // The market and the rest of this program take memory too: what the fold holds is what it gives back.
  const double heap_all = HeapMiB();
  owned.reset();
  const double heap_hot = HeapMiB();
  hot.reset();
  const double heap_none = HeapMiB();
  Report({"fold_memory_1m_parked", heap_all - heap_hot, "MiB", "<= 60"});
  Report({"fold_memory_50k_active_bytes_each", (heap_hot - heap_none) * 1048576 / static_cast<double>(active.hot),
          "bytes"});
  Report({"fold_memory_1m_seen_50k_active", heap_all - heap_none, "MiB", "<= 160"});
}

int Main() {
  const uint64_t trades = Setting("TOKENWATCH_BENCH_TRADES", 1'000'000);
  double bytes_per_candle = 0;
  BenchMemory();
  for (uint64_t tokens : {2'000u, 10'000u, 50'000u}) BenchSpeed(tokens, trades, &bytes_per_candle);
  return 0;
}

}  // namespace
}  // namespace tokenwatch::pricing

int main() { return tokenwatch::pricing::Main(); }
