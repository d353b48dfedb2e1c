// Prices, highs and candles against a recomputation from the log with plain SQL, and against the simulator's truth.
#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "chain/base58.h"
#include "tests/functional/pricing_bed.h"
#include "tests/sim/recording.h"
#include "tests/sim/simulator.h"

namespace tokenwatch::functional {
namespace {

using Pricing = pricing_pb::PricingService;
using Rows = std::vector<std::vector<std::string>>;

constexpr char kSol[] = "So11111111111111111111111111111111111111112";
// Orders prices exactly: the quotient has more digits than two ratios of 256 bits need to differ.
constexpr char kRatio[] = "virtual_quote_reserve * 1e160::numeric / virtual_token_reserve";

std::string KeyText(const chain::Pubkey& key) {
  char text[chain::kMaxBase58Size32];
  return std::string(text, chain::EncodeBase58(key.bytes, text));
}

std::string RatioText(const pricing_pb::Ratio& ratio) {
  return absl::StrCat(ratio.quote_units(), "/", ratio.token_units());
}

class PricingTruthTest : public ::testing::Test {
 protected:
  // Hours of a thin market, so that there are many minutes, several chunks, and tokens with few trades.
  static void SetUpTestSuite() {
    sim::Options options;
    options.launches = 120;
    options.trades = 12'000;
    options.wallets = 300;
    options.trades_per_second = 1;
    simulator_ = new sim::Simulator(options);
    Session session;
    for (sim::Frame frame; simulator_->Next(&frame);) {
      std::string& line = session.lines.emplace_back();
      sim::AppendRecordingLine(frame, &line);
      line.pop_back();
    }
    bed_ = new PricingBed(session);
    if (bed_->ok()) bed_->FoldAll();
    if (bed_->ok()) pricing_ = bed_->Start().release();
    if (pricing_ != nullptr) stub_ = PricingStubFor(*pricing_).release();
  }
  static void TearDownTestSuite() {
    delete stub_;
    delete pricing_;
    delete bed_;
    delete simulator_;
  }
  void SetUp() override { ASSERT_NE(stub_, nullptr); }

  static Rows Query(const std::string& sql) {
    const auto rows = bed_->platform().cluster().Query("platform", sql);
    EXPECT_TRUE(rows.ok()) << rows.status() << "\n" << sql;
    return rows.ok() ? *rows : Rows();
  }
  static std::vector<std::string> Tokens() {
    std::vector<std::string> tokens;
    for (const auto& row : Query("SELECT DISTINCT token FROM detector.trades ORDER BY 1")) tokens.push_back(row[0]);
    return tokens;
  }
  static pricing_pb::GetPriceResponse GetPrice(const std::string& token, grpc::Status* status,
                                               const std::string& at_micros = "") {
    pricing_pb::GetPriceRequest request;
    request.mutable_token()->set_chain("solana");
    request.mutable_token()->set_address(token);
    request.set_policy(pricing_pb::PRICE_POLICY_LOG_ONLY);
    if (!at_micros.empty()) {
      const int64_t micros = std::stoll(at_micros);
      request.mutable_at()->set_seconds(micros / 1'000'000);
      request.mutable_at()->set_nanos(static_cast<int32_t>(micros % 1'000'000 * 1000));
    }
    return CallPricing(*stub_, &Pricing::Stub::GetPrice, request, status);
  }

  static sim::Simulator* simulator_;
  static PricingBed* bed_;
  static Service* pricing_;
  static Pricing::Stub* stub_;
};
sim::Simulator* PricingTruthTest::simulator_ = nullptr;
PricingBed* PricingTruthTest::bed_ = nullptr;
Service* PricingTruthTest::pricing_ = nullptr;
Pricing::Stub* PricingTruthTest::stub_ = nullptr;

TEST_F(PricingTruthTest, RowsAreThoseOfAllSeriesWithEnoughTrades) {
  const Rows kept = Query("SELECT address, quote FROM pricing.token_prices ORDER BY 1, 2");
  const Rows expected =
      Query("SELECT token, quote_address FROM detector.trades GROUP BY 1, 2 HAVING count(*) >= 10 ORDER BY 1, 2");
  EXPECT_EQ(kept, expected);
  // The session has both kinds.
  EXPECT_GT(expected.size(), 10u);
  EXPECT_LT(expected.size(), Query("SELECT DISTINCT token, quote_address FROM detector.trades").size());
}

TEST_F(PricingTruthTest, RowsEqualPlainSql) {
  const std::string expected = absl::Substitute(
      "WITH priced AS (SELECT * FROM detector.trades WHERE virtual_quote_reserve > 0 AND virtual_token_reserve > 0), "
      "totals AS (SELECT token, quote_address, count(*) n, count(*) FILTER (WHERE side = 1) b, sum(quote_amount) q, "
      "sum(token_amount) t, max(cursor) c FROM detector.trades GROUP BY 1, 2 HAVING count(*) >= 10), "
      "last AS (SELECT DISTINCT ON (token, quote_address) * FROM priced ORDER BY token, quote_address, event_time "
      "DESC, "
      "cursor DESC), "
      "high AS (SELECT DISTINCT ON (token, quote_address) * FROM priced ORDER BY token, quote_address, $0 DESC, "
      "event_time, cursor) "
      "SELECT token, quote_address, n, b, q, t, c, l.virtual_quote_reserve, l.virtual_token_reserve, l.event_time, "
      "l.transaction, h.virtual_quote_reserve, h.virtual_token_reserve, h.event_time, h.cursor, h.transaction, h.venue "
      "FROM totals JOIN last l USING (token, quote_address) JOIN high h USING (token, quote_address) ORDER BY 1, 2",
      kRatio);
  const Rows rows = Query(
      "SELECT address, quote, trades, buys, quote_volume, token_volume, cursor, last_quote_units, last_token_units, "
      "last_at, last_transaction, high_quote_units, high_token_units, high_at, high_cursor, high_transaction, "
      "high_venue FROM pricing.token_prices ORDER BY 1, 2");
  ASSERT_FALSE(rows.empty());
  EXPECT_EQ(rows, Query(expected));
}

TEST_F(PricingTruthTest, ChunksSayHowManyMinutesTheyHold) {
  EXPECT_EQ(Query("SELECT address, quote, sum(minutes) FROM pricing.candles GROUP BY 1, 2 ORDER BY 1, 2"),
            Query("SELECT token, quote_address, count(DISTINCT date_trunc('minute', event_time)) FROM detector.trades "
                  "WHERE virtual_quote_reserve > 0 AND virtual_token_reserve > 0 GROUP BY 1, 2 HAVING count(*) >= 10 "
                  "ORDER BY 1, 2"));
}

TEST_F(PricingTruthTest, HighsAreTheSimulatorsOwn) {
  std::map<std::string, std::string> highs;
  for (const auto& row :
       Query("SELECT address, high_quote_units || '/' || high_token_units FROM pricing.token_prices")) {
    highs[row[0]] = row[1];
  }
  size_t compared = 0;
  for (const sim::Token& token : simulator_->market().tokens()) {
    const auto found = highs.find(KeyText(token.mint));
    if (found == highs.end()) continue;
    EXPECT_EQ(found->second, absl::StrCat(token.high_virtual_lamports, "/", token.high_virtual_tokens)) << found->first;
    ++compared;
  }
  EXPECT_EQ(compared, highs.size());
}

TEST_F(PricingTruthTest, EveryTokenHasThePriceOfItsNewestTrade) {
  const Rows newest = Query(
      "SELECT DISTINCT ON (token) token, virtual_quote_reserve, virtual_token_reserve, cursor, transaction FROM "
      "detector.trades WHERE virtual_quote_reserve > 0 AND virtual_token_reserve > 0 ORDER BY token, event_time DESC, "
      "cursor DESC");
  ASSERT_FALSE(newest.empty());
  for (const auto& row : newest) {
    grpc::Status status;
    const pricing_pb::Price price = GetPrice(row[0], &status).price();
    ASSERT_TRUE(status.ok()) << row[0] << " " << status.error_message();
    EXPECT_EQ(price.quote_units(), row[1]);
    EXPECT_EQ(price.token_units(), row[2]);
    EXPECT_EQ(absl::StrCat(price.cursor()), row[3]);
    EXPECT_EQ(price.transaction(), row[4]);
    EXPECT_EQ(price.quote_address(), kSol);
    EXPECT_EQ(price.basis(), pricing_pb::PRICE_BASIS_RESERVES);
    // lamports and millionths of a token.
    EXPECT_DOUBLE_EQ(price.price(), std::stod(row[1]) / std::stod(row[2]) / 1000);
    // Nobody said what SOL is worth.
    EXPECT_FALSE(price.has_price_usd());
    EXPECT_NE(price.unknown_reason(), "");
  }
}

TEST_F(PricingTruthTest, PricesAsOfATimeAreTheNewestTradesUntilThen) {
  const std::vector<std::string> tokens = Tokens();
  const Rows span = Query(
      "SELECT (extract(epoch FROM min(event_time)) * 1e6)::bigint, (extract(epoch FROM max(event_time)) * 1e6)::bigint "
      "FROM detector.trades");
  std::mt19937_64 random(7);
  std::uniform_int_distribution<int64_t> moments(std::stoll(span[0][0]) - 60'000'000,
                                                 std::stoll(span[0][1]) + 60'000'000);
  int found = 0;
  for (int i = 0; i < 300; ++i) {
    const std::string& token = tokens[random() % tokens.size()];
    const std::string at = absl::StrCat(moments(random));
    const Rows expected = Query(absl::Substitute(
        "SELECT virtual_quote_reserve, virtual_token_reserve, cursor FROM detector.trades WHERE token = '$0' AND "
        "virtual_quote_reserve > 0 AND virtual_token_reserve > 0 AND event_time <= timestamptz 'epoch' + $1 * interval "
        "'1 microsecond' ORDER BY event_time DESC, cursor DESC LIMIT 1",
        token, at));
    grpc::Status status;
    const pricing_pb::Price price = GetPrice(token, &status, at).price();
    if (expected.empty()) {
      EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND)
          << token << " at " << at << ": " << status.error_message();
      continue;
    }
    ASSERT_TRUE(status.ok()) << token << " at " << at << ": " << status.error_message();
    EXPECT_EQ(price.quote_units(), expected[0][0]) << token << " at " << at;
    EXPECT_EQ(price.token_units(), expected[0][1]) << token << " at " << at;
    EXPECT_EQ(absl::StrCat(price.cursor()), expected[0][2]) << token << " at " << at;
    ++found;
  }
  EXPECT_GT(found, 50);
}

struct IntervalCase {
  pricing_pb::CandleInterval interval;
  int64_t seconds;
};

class PricingCandlesTest : public PricingTruthTest, public ::testing::WithParamInterface<IntervalCase> {};

TEST_P(PricingCandlesTest, EqualPlainSql) {
  const std::string sql = absl::Substitute(
      "SELECT token, (floor(extract(epoch FROM event_time) / $0) * $0)::bigint, "
      "(array_agg(virtual_quote_reserve || '/' || virtual_token_reserve ORDER BY event_time, cursor))[1], "
      "(array_agg(virtual_quote_reserve || '/' || virtual_token_reserve ORDER BY $1 DESC, event_time, cursor))[1], "
      "(array_agg(virtual_quote_reserve || '/' || virtual_token_reserve ORDER BY $1, event_time, cursor))[1], "
      "(array_agg(virtual_quote_reserve || '/' || virtual_token_reserve ORDER BY event_time DESC, cursor DESC))[1], "
      "sum(quote_amount), sum(token_amount), count(*), count(*) FILTER (WHERE side = 1) FROM detector.trades "
      "WHERE virtual_quote_reserve > 0 AND virtual_token_reserve > 0 GROUP BY 1, 2 ORDER BY 1, 2",
      GetParam().seconds, kRatio);
  std::map<std::string, Rows> expected;
  for (const auto& row : Query(sql)) expected[row[0]].push_back(row);
  ASSERT_FALSE(expected.empty());
  for (const auto& [token, candles] : expected) {
    Rows listed;
    pricing_pb::ListCandlesRequest request;
    request.mutable_token()->set_chain("solana");
    request.mutable_token()->set_address(token);
    request.set_interval(GetParam().interval);
    request.mutable_from()->set_seconds(std::stoll(candles.front()[1]));
    request.mutable_to()->set_seconds(std::stoll(candles.back()[1]));
    request.set_page_size(200);
    do {
      const auto page = CallPricing(*stub_, &Pricing::Stub::ListCandles, request);
      for (const pricing_pb::Candle& candle : page.candles()) {
        listed.push_back({token, absl::StrCat(candle.start().seconds()), RatioText(candle.open()),
                          RatioText(candle.high()), RatioText(candle.low()), RatioText(candle.close()),
                          candle.quote_volume(), candle.token_volume(), absl::StrCat(candle.trades()),
                          absl::StrCat(candle.buys())});
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty() && listed.size() <= candles.size());
    ASSERT_EQ(listed, candles) << token;
  }
}

INSTANTIATE_TEST_SUITE_P(Intervals, PricingCandlesTest,
                         ::testing::Values(IntervalCase{pricing_pb::CANDLE_INTERVAL_1S, 1},
                                           IntervalCase{pricing_pb::CANDLE_INTERVAL_1M, 60},
                                           IntervalCase{pricing_pb::CANDLE_INTERVAL_5M, 300},
                                           IntervalCase{pricing_pb::CANDLE_INTERVAL_1H, 3600},
                                           IntervalCase{pricing_pb::CANDLE_INTERVAL_1D, 86400}),
                         [](const auto& test) { return absl::StrCat("Of", test.param.seconds, "s"); });

}  // namespace
}  // namespace tokenwatch::functional
