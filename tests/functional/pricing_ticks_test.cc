// Recorded ticks of real tokens, fed as trades through the detector: the highest, lowest and last price that pricing
// answers for each token are those of the recording.
//
// TICKS_EVERY=n takes every n-th token only.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/sync/mutex.h"
#include "tests/chaos/parameters.h"
#include "tests/functional/pricing_bed.h"
#include "tests/functional/recorded_ticks.h"
#include "tests/functional/streams.h"

namespace tokenwatch::functional {
namespace {

using Pricing = pricing_pb::PricingService;
using ::testing::IsEmpty;

constexpr size_t kTradesPerReport = 2000;
// All of the 1.1 million ticks, unless each costs ten times what it is worth.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kEvery = 20;
#else
constexpr uint64_t kEvery = 1;
#endif
constexpr int kCallers = 4;

// In 10^-18 SOL for one token. 0 when it is none of the two denominators that were fed in.
uint64_t PriceE18(const std::string& quote_units, const std::string& token_units) {
  Tick tick;
  if (!absl::SimpleAtoi(quote_units, &tick.quote_reserve) || !absl::SimpleAtoi(token_units, &tick.token_reserve)) {
    return 0;
  }
  const bool is_known = tick.token_reserve == 1'000'000'000 || tick.token_reserve == 1'000'000'000'000'000;
  return is_known ? tick.price_e18() : 0;
}
uint64_t PriceE18(const pricing_pb::Ratio& ratio) { return PriceE18(ratio.quote_units(), ratio.token_units()); }

// What differs, from several threads; the first few are kept.
class Differences {
 public:
  void Expect(const std::string& mint, const char* what, uint64_t expected, uint64_t found) TW_EXCLUDES(mutex_) {
    if (expected == found) return;
    common::MutexLock lock(mutex_);
    if (found_.size() < 10) found_.push_back(absl::StrCat(mint, ": ", what, " ", found, ", not ", expected));
  }
  std::vector<std::string> found() const TW_EXCLUDES(mutex_) {
    common::MutexLock lock(mutex_);
    return found_;
  }

 private:
  mutable common::Mutex mutex_;
  std::vector<std::string> found_ TW_GUARDED_BY(mutex_);
};

// The last price of GetPrice, highest and lowest of the token's history, and all of them of the daily candles.
void CompareAnswers(Pricing::Stub& stub, const TickedToken& token, Differences& differences) {
  pricing_pb::GetPriceRequest ask;
  ask.mutable_token()->set_chain("solana");
  ask.mutable_token()->set_address(token.mint);
  ask.set_policy(pricing_pb::PRICE_POLICY_LOG_ONLY);
  grpc::Status status;
  const pricing_pb::Price price = CallPricing(stub, &Pricing::Stub::GetPrice, ask, &status).price();
  if (token.priced == 0) {
    differences.Expect(token.mint, "status of GetPrice", grpc::StatusCode::NOT_FOUND, status.error_code());
    return;
  }
  differences.Expect(token.mint, "status of GetPrice", grpc::StatusCode::OK, status.error_code());
  differences.Expect(token.mint, "last price", token.last_e18, PriceE18(price.quote_units(), price.token_units()));
  differences.Expect(token.mint, "time of the last price", token.last_unix_ms,
                     price.event_time().seconds() * 1000 + price.event_time().nanos() / 1'000'000);

  pricing_pb::GetMarketsRequest where;
  *where.mutable_token() = ask.token();
  const auto markets = CallPricing(stub, &Pricing::Stub::GetMarkets, where, &status);
  differences.Expect(token.mint, "histories", 1, static_cast<uint64_t>(markets.histories_size()));
  for (const pricing_pb::TradingHistory& history : markets.histories()) {
    differences.Expect(token.mint, "highest price of all", token.high_e18, PriceE18(history.high().ratio()));
    differences.Expect(token.mint, "lowest price of all", token.low_e18, PriceE18(history.low().ratio()));
    differences.Expect(token.mint, "trades", token.ticks, static_cast<uint64_t>(history.trades()));
    differences.Expect(token.mint, "is partial", 0, history.is_partial() ? 1 : 0);
  }

  pricing_pb::ListCandlesRequest list;
  *list.mutable_token() = ask.token();
  list.set_interval(pricing_pb::CANDLE_INTERVAL_1D);
  uint64_t high = 0;
  uint64_t low = UINT64_MAX;
  uint64_t last = 0;
  uint64_t trades = 0;
  do {
    const auto page = CallPricing(stub, &Pricing::Stub::ListCandles, list, &status);
    differences.Expect(token.mint, "status of ListCandles", grpc::StatusCode::OK, status.error_code());
    for (const pricing_pb::Candle& candle : page.candles()) {
      high = std::max(high, PriceE18(candle.high()));
      low = std::min(low, PriceE18(candle.low()));
      last = PriceE18(candle.close());
      trades += static_cast<uint64_t>(candle.trades());
    }
    list.set_page_token(page.next_page_token());
  } while (!list.page_token().empty());
  differences.Expect(token.mint, "highest price", token.high_e18, high);
  differences.Expect(token.mint, "lowest price", token.low_e18, low);
  differences.Expect(token.mint, "close of the last candle", token.last_e18, last);
  differences.Expect(token.mint, "priced trades", token.priced, trades);
}

void CompareRows(Platform& platform, const std::vector<TickedToken>& tokens, Differences& differences) {
  const auto rows = platform.cluster().Query(
      "platform",
      "SELECT address, high_quote_units, high_token_units, low_quote_units, low_token_units, last_quote_units, "
      "last_token_units, trades FROM pricing.token_prices");
  ASSERT_TRUE(rows.ok()) << rows.status();
  std::map<std::string, const TickedToken*> kept;
  for (const TickedToken& token : tokens) {
    if (token.ticks >= 10) kept[token.mint] = &token;
  }
  EXPECT_EQ(rows->size(), kept.size());
  for (const auto& row : *rows) {
    const auto found = kept.find(row[0]);
    ASSERT_NE(found, kept.end()) << row[0];
    const TickedToken& token = *found->second;
    differences.Expect(token.mint, "highest price of the row", token.high_e18, PriceE18(row[1], row[2]));
    differences.Expect(token.mint, "lowest price of the row", token.low_e18, PriceE18(row[3], row[4]));
    differences.Expect(token.mint, "last price of the row", token.last_e18, PriceE18(row[5], row[6]));
    differences.Expect(token.mint, "trades of the row", token.ticks, std::stoull(row[7]));
  }
}

// Prints how long it took.
void Timed(const char* what, const std::function<void()>& work) {
  const absl::Time begin = absl::Now();
  work();
  std::printf("%s: %.1f s\n", what, absl::ToDoubleSeconds(absl::Now() - begin));
}

TEST(PricingTicksTest, HighsLowsAndLastPricesAreThoseOfTheRecording) {
  std::vector<std::string> paths;
  for (const char* part : {"a", "b"}) {
    paths.push_back(DataPath(absl::StrCat("2_pumpfun/pump_price_ticks_", part, ".csv.gz")));
    if (!std::filesystem::exists(paths.back())) {
      GTEST_SKIP() << "there are no recorded ticks at " << paths.back() << "; set TOKENWATCH_DATA_DIR to their folder";
    }
  }
  const auto recorded = ReadTicks(paths, ChaosParameter("TICKS_EVERY", kEvery));
  ASSERT_TRUE(recorded.ok()) << recorded.status();
  std::printf("%zu ticks of %zu tokens\n", recorded->ticks.size(), recorded->tokens.size());
  ASSERT_GT(recorded->tokens.size(), 1000u);

  PricingBed bed;
  ASSERT_TRUE(bed.platform().ok());
  ASSERT_TRUE(bed.StartDetector());
  const auto pricing = bed.Start();
  ASSERT_NE(pricing, nullptr);
  Timed("fed in", [&] {
    const DetectorStub detector = StubFor(bed.detector());
    for (size_t i = 0; i < recorded->ticks.size();) {
      pb::ReportTradesRequest report;
      report.set_feeder("recorded-ticks");
      const size_t end = std::min(recorded->ticks.size(), i + kTradesPerReport);
      for (; i < end; ++i) {
        const Tick& tick = recorded->ticks[i];
        ToTrade(tick, recorded->tokens[tick.token], i, report.add_trades());
      }
      ASSERT_EQ(Call(*detector, &pb::DetectorService::Stub::ReportTrades, report).accepted(), report.trades_size());
    }
    ASSERT_TRUE(bed.AwaitFolded(*pricing));
  });

  Differences differences;
  Timed("asked", [&] {
    std::atomic<size_t> next{0};
    std::vector<std::thread> callers;
    for (int i = 0; i < kCallers; ++i) {
      callers.emplace_back([&] {
        const PricingStub stub = PricingStubFor(*pricing);
        for (size_t token = next++; token < recorded->tokens.size(); token = next++) {
          CompareAnswers(*stub, recorded->tokens[token], differences);
        }
      });
    }
    for (std::thread& caller : callers) caller.join();
  });
  EXPECT_THAT(differences.found(), IsEmpty());
  EXPECT_EQ(pricing->Terminate(absl::Seconds(60)), 0) << pricing->Log();
  ASSERT_NO_FATAL_FAILURE(CompareRows(bed.platform(), recorded->tokens, differences));
  EXPECT_THAT(differences.found(), IsEmpty());
}

}  // namespace
}  // namespace tokenwatch::functional
