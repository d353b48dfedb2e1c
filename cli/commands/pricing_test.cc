// Commands about prices, against a pricing service that answers what a test puts in.
#include <string>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "cli/testing/harness.h"

namespace tokenwatch::cli {
namespace {

namespace v1 = pricing::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kSol[] = "So11111111111111111111111111111111111111112";
// 2026-07-09 12:34:50 UTC, seven seconds before the harness's clock.
constexpr int64_t kTime = 1'783'600'490;

v1::Price MakePrice(const std::string& mint, double price) {
  v1::Price made;
  made.mutable_token()->set_chain("solana");
  made.mutable_token()->set_address(mint);
  made.set_quote_address(kSol);
  made.set_quote_units("30000000000");
  made.set_token_units("1073000000000000");
  made.set_price(price);
  made.set_price_usd(price * 143.25);
  made.mutable_reference()->set_asset(absl::StrCat("solana:", kSol));
  made.mutable_reference()->set_price_usd("143.25");
  made.mutable_reference()->set_source("recorded");
  made.mutable_reference()->mutable_event_time()->set_seconds(kTime - 60);
  made.set_basis(v1::PRICE_BASIS_RESERVES);
  made.set_grade(v1::PRICE_GRADE_A);
  made.mutable_event_time()->set_seconds(kTime);
  made.mutable_age()->set_seconds(6);
  made.set_confidence_bps(6.668);
  made.set_liquidity("12500000000");
  made.set_cursor(7);
  made.set_venue("pump");
  made.set_transaction("sig");
  return made;
}

class PricingTest : public CommandTest {
 protected:
  FakePricing& pricing() { return server_.pricing; }
};

TEST_F(PricingTest, ShowsAPriceWithWhereItComesFrom) {
  pricing().prices["Mint1"] = MakePrice("Mint1", 2.79594e-8);
  EXPECT_EQ(Run({"price", "solana:Mint1"}), 0);
  EXPECT_EQ(out_.text,
            "token         solana:Mint1\n"
            "price         0.0000000279594 SOL\n"
            "in USD        0.00000400518 USD  (SOL at 143.25 USD of 2026-07-09 12:33:50.000Z by recorded)\n"
            "grade         A  (the pool's own reserves)\n"
            "made at       2026-07-09 12:34:50.000Z  (6s before)\n"
            "uncertain by  6.668 basis points\n"
            "in the pool   12.5 SOL\n"
            "exact ratio   30000000000 / 1073000000000000  base units, quote / token\n"
            "venue         pump\n"
            "transaction   sig\n"
            "cursor        7\n");
  EXPECT_EQ(pricing().price_request.policy(), v1::PRICE_POLICY_FIRST_GOOD);
  EXPECT_FALSE(pricing().price_request.has_at());
  EXPECT_FALSE(pricing().price_request.has_max_age());
}

TEST_F(PricingTest, PassesOnWhatIsAskedOfAPrice) {
  pricing().prices["Mint1"] = MakePrice("Mint1", 1);
  EXPECT_EQ(Run({"price", "solana:Mint1", "--at", "2026-07-03T14:45:30.5Z", "--max-age", "2d", "--policy", "aggregate",
                 "--min-sources", "3", "--quote", "Q"}),
            0);
  const v1::GetPriceRequest& request = pricing().price_request;
  EXPECT_EQ(request.at().seconds(), 1'783'089'930);
  EXPECT_EQ(request.at().nanos(), 500'000'000);
  EXPECT_EQ(request.max_age().seconds(), 172'800);
  EXPECT_EQ(request.policy(), v1::PRICE_POLICY_AGGREGATE);
  EXPECT_EQ(request.min_sources(), 3);
  EXPECT_EQ(request.quote_address(), "Q");
  EXPECT_EQ(Run({"price", "solana:Nobody"}), 2);
  EXPECT_THAT(err_.text, HasSubstr("pricing at "));
}

TEST_F(PricingTest, ShowsWhatIsNotKnownAndWhoWasHeard) {
  v1::Price price = MakePrice("Mint1", 1);
  price.clear_price();
  price.clear_quote_units();
  price.clear_reference();
  price.clear_confidence_bps();
  price.set_basis(v1::PRICE_BASIS_ORACLE);
  price.set_grade(v1::PRICE_GRADE_B);
  price.set_unknown_reason("oracles tell USD \x1b[31monly");
  v1::PriceSource& used = *price.add_sources();
  used.set_name("jupiter");
  used.set_price_usd("143.25");
  used.set_used(true);
  v1::PriceSource& unused = *price.add_sources();
  unused.set_name("dexscreener");
  unused.set_reason("rate_limited");
  pricing().prices["Mint1"] = price;
  EXPECT_EQ(Run({"price", "solana:Mint1"}), 0);
  EXPECT_THAT(out_.text, HasSubstr("not known    oracles tell USD \uFFFD[31monly\n"));
  EXPECT_THAT(out_.text, HasSubstr("grade        B  (one source, or sources that differ)\n"));
  EXPECT_THAT(out_.text, HasSubstr("SOURCE          USD  USED  LIQUIDITY USD  SAYS OF  REASON\n"
                                   "jupiter      143.25  yes               -  -        -\n"
                                   "dexscreener       -  no                -  -        rate_limited\n"));
  EXPECT_EQ(Run({"price", "solana:Mint1", "--json"}), 0);
  EXPECT_EQ(boost::json::parse(out_.text).at("sources").at(1).at("reason").as_string(), "rate_limited");
}

TEST_F(PricingTest, WatchesPricesAndOpensALostStreamAgain) {
  v1::StreamPricesResponse first;
  *first.add_prices() = MakePrice("Mint1", 0.5);
  v1::StreamPricesResponse second;
  *second.add_prices() = MakePrice("Mint1", 0.25);
  *second.add_prices() = MakePrice("Mint2", 4);
  second.set_conflated(3);
  pricing().price_streams = {{{first}, grpc::Status(grpc::StatusCode::UNAVAILABLE, "restart")},
                             {{second, second}, grpc::Status::OK}};
  detector::v1::Token token;
  token.mutable_token()->set_chain("solana");
  token.mutable_token()->set_address("Mint2");
  token.set_symbol("TWO");
  server_.detector.tokens = {token};
  terminal_.is_terminal = true;
  EXPECT_EQ(Run({"prices", "watch", "solana:Mint1", "solana:Mint2", "--limit", "3"}), 0);
  EXPECT_THAT(out_.text, HasSubstr("0.5 SOL"));
  EXPECT_THAT(out_.text, HasSubstr("0.25 SOL"));
  EXPECT_THAT(out_.text, HasSubstr("TWO"));
  EXPECT_THAT(err_.text, HasSubstr("; opening it again in 250ms (attempt 1 of 8)"));
  EXPECT_THAT(err_.text, HasSubstr("3 prices between these were passed over"));
  ASSERT_THAT(pricing().stream_requests, SizeIs(2));
  EXPECT_TRUE(pricing().stream_requests[1].with_present());
  EXPECT_THAT(pricing().stream_requests[1].tokens(), SizeIs(2));
}

TEST_F(PricingTest, WatchedPricesAsJson) {
  v1::StreamPricesResponse response;
  for (const char* mint : {"A", "B", "C"}) *response.add_prices() = MakePrice(mint, 1);
  pricing().price_streams = {{{response}, grpc::Status::OK}};
  EXPECT_EQ(Run({"prices", "watch", "--limit", "2", "--json"}), 0);
  EXPECT_EQ(std::count(out_.text.begin(), out_.text.end(), '\n'), 2);
  EXPECT_THAT(pricing().stream_requests[0].tokens(), IsEmpty());
}

class CandlesTest : public PricingTest {
 protected:
  CandlesTest() {
    pricing().quote_address = kSol;
    const double prices[][4] = {{1, 4, 1, 3}, {3, 3, 2, 2}, {2, 2, 2, 2}};
    for (int i = 0; i < 3; ++i) {
      v1::Candle& candle = pricing().candles.emplace_back();
      // The third comes after a gap of a minute.
      candle.mutable_start()->set_seconds(kTime / 60 * 60 + (i == 2 ? 180 : i * 60));
      candle.set_open_price(prices[i][0]);
      candle.set_high_price(prices[i][1]);
      candle.set_low_price(prices[i][2]);
      candle.set_close_price(prices[i][3]);
      candle.mutable_open()->set_quote_units("1000");
      candle.mutable_open()->set_token_units("3");
      candle.mutable_close()->set_quote_units("2000");
      candle.mutable_close()->set_token_units("3");
      candle.set_quote_volume(absl::StrCat(i + 1, "500000000"));
      candle.set_token_volume("77");
      candle.set_trades(i + 5);
      candle.set_buys(i + 1);
      candle.set_is_open(i == 2);
    }
  }
};

TEST_F(CandlesTest, AsATable) {
  EXPECT_EQ(Run({"candles", "solana:Mint1"}), 0);
  EXPECT_EQ(out_.text,
            "START                 OPEN  HIGH  LOW  CLOSE SOL   VOLUME  TRADES  BUYS  NOTE\n"
            "2026-07-09 12:34:00Z     1     4    1          3  1.5 SOL       5     1  -\n"
            "2026-07-09 12:35:00Z     3     3    2          2  2.5 SOL       6     2  -\n"
            "2026-07-09 12:37:00Z     2     2    2          2  3.5 SOL       7     3  still open\n");
  ASSERT_THAT(pricing().candle_requests, SizeIs(1));
  EXPECT_EQ(pricing().candle_requests[0].interval(), v1::CANDLE_INTERVAL_1M);
  EXPECT_EQ(pricing().candle_requests[0].page_size(), 100);
  EXPECT_FALSE(pricing().candle_requests[0].has_from());
}

TEST_F(CandlesTest, AsData) {
  EXPECT_EQ(Run({"candles", "solana:Mint1", "--csv", "--interval", "1h", "--from", "-1h", "--to", "2026-07-09"}), 0);
  EXPECT_THAT(out_.text, HasSubstr("\n2026-07-09T12:34:00Z,1,4,1,3,1500000000,77,5,1,1000,3,2000,3,false\n"));
  EXPECT_EQ(std::count(out_.text.begin(), out_.text.end(), '\n'), 4);
  EXPECT_EQ(pricing().candle_requests[0].interval(), v1::CANDLE_INTERVAL_1H);
  EXPECT_EQ(pricing().candle_requests[0].from().seconds(), 1'783'596'896);
  EXPECT_EQ(pricing().candle_requests[0].to().seconds(), 1'783'555'200);
  EXPECT_EQ(Run({"candles", "solana:Mint1", "--json"}), 0);
  EXPECT_EQ(std::count(out_.text.begin(), out_.text.end(), '\n'), 3);
  EXPECT_THAT(out_.text, HasSubstr("\"quote_units\":\"1000\""));
}

TEST_F(CandlesTest, AllPagesUpToTheLimit) {
  for (int i = 0; i < 6'000; ++i) pricing().candles.push_back(pricing().candles[0]);
  EXPECT_EQ(Run({"candles", "solana:Mint1", "--limit", "5500", "--csv"}), 0);
  EXPECT_EQ(std::count(out_.text.begin(), out_.text.end(), '\n'), 5'501);
  ASSERT_THAT(pricing().candle_requests, SizeIs(2));
  EXPECT_EQ(pricing().candle_requests[0].page_size(), 5'000);
  EXPECT_EQ(pricing().candle_requests[1].page_size(), 500);
}

TEST_F(CandlesTest, AsAChart) {
  terminal_ = {.is_terminal = true, .colour = false, .width = 60, .height = 14};
  EXPECT_EQ(Run({"candles", "solana:Mint1", "--plot"}), 0);
  EXPECT_THAT(out_.text, HasSubstr("solana:Mint1  1m  2 SOL +100.0%  high 4  low 1\n"));
  EXPECT_EQ(std::count(out_.text.begin(), out_.text.end(), '\n'), 13);
  EXPECT_THAT(out_.text, HasSubstr("12:34"));
  EXPECT_THAT(out_.text, Not(HasSubstr("\x1b")));
  EXPECT_EQ(pricing().candle_requests[0].page_size(), 60) << "as many as there is room for";
  terminal_.colour = true;
  EXPECT_EQ(Run({"candles", "solana:Mint1", "--plot"}), 0);
  EXPECT_THAT(out_.text, HasSubstr("\x1b[32m"));
  EXPECT_THAT(out_.text, HasSubstr("\x1b[31m"));
  pricing().candles[1].clear_open_price();
  EXPECT_EQ(Run({"candles", "solana:Mint1", "--plot"}), 1);
  EXPECT_THAT(err_.text, HasSubstr("decimals"));
}

TEST_F(PricingTest, HotTokens) {
  for (int i = 0; i < 30; ++i) {
    v1::HotToken& hot = pricing().hot.emplace_back();
    hot.set_rank(i + 1);
    hot.set_score(100.0 / (i + 1));
    *hot.mutable_price() = MakePrice(absl::StrCat("Mint", i), 0.5);
    hot.set_trades(40);
    hot.set_traders(12);
    hot.set_traders_estimated(i == 0);
    hot.set_quote_volume("2500000000");
    hot.mutable_high()->set_quote_units("60000000000");
    hot.mutable_high()->set_token_units("1073000000000000");
    hot.mutable_first_trade_at()->set_seconds(kTime);
  }
  EXPECT_EQ(Run({"hot", "--limit", "2"}), 0);
  EXPECT_EQ(out_.text,
            "RANK  TOKEN         SYMBOL  SCORE    PRICE     USD  TRADES  TRADERS   VOLUME  OFF HIGH  FIRST TRADE\n"
            "   1  solana:Mint0  -         100  0.5 SOL  71.625      40      ~12  2.5 SOL    -50.0%  2026-07-09 "
            "12:34:50.000Z\n"
            "   2  solana:Mint1  -          50  0.5 SOL  71.625      40       12  2.5 SOL    -50.0%  2026-07-09 "
            "12:34:50.000Z\n");
  EXPECT_EQ(Run({"hot", "--json"}), 0);
  EXPECT_EQ(std::count(out_.text.begin(), out_.text.end(), '\n'), 20);
}

TEST_F(PricingTest, Markets) {
  v1::Market& market = pricing().markets.emplace_back();
  market.set_venue("pump");
  market.set_source("log");
  *market.mutable_price() = MakePrice("Mint1", 0.5);
  market.set_quote_address(kSol);
  market.set_quote_volume("2500000000");
  market.set_liquidity_usd("900.5");
  market.set_trades(3);
  market.set_pool("Curve");
  EXPECT_EQ(Run({"markets", "solana:Mint1", "--refresh"}), 0);
  EXPECT_EQ(pricing().refreshes, 1);
  EXPECT_EQ(out_.text,
            "VENUE  SOURCE    PRICE     USD  LIQUIDITY USD   VOLUME  TRADES  UPDATED  POOL\n"
            "pump   log     0.5 SOL  71.625          900.5  2.5 SOL       3  -        Curve\n");
}

TEST_F(PricingTest, History) {
  v1::TradingHistory& history = pricing().histories.emplace_back();
  history.set_quote_address(kSol);
  history.set_trades(1200);
  history.set_traders(37);
  history.set_traders_estimated(true);
  history.set_quote_volume("2500000000");
  history.mutable_high()->set_price(0.5);
  history.mutable_high()->mutable_at()->set_seconds(kTime);
  history.mutable_high()->set_transaction("Tx1");
  history.mutable_low()->set_price(0.25);
  history.mutable_low()->mutable_at()->set_seconds(kTime);
  history.mutable_first_trade_at()->set_seconds(kTime);
  history.mutable_newest_trade_at()->set_seconds(kTime);
  history.set_is_partial(true);
  EXPECT_EQ(Run({"history", "solana:Mint1"}), 0);
  EXPECT_EQ(out_.text,
            "   HIGH  HIGH AT                        LOW  LOW AT                    TRADES  TRADERS   VOLUME  "
            "FIRST TRADE               NEWEST                    COMPLETE  HIGH TRANSACTION\n"
            "0.5 SOL  2026-07-09 12:34:50.000Z  0.25 SOL  2026-07-09 12:34:50.000Z   1,200      ~37  2.5 SOL  "
            "2026-07-09 12:34:50.000Z  2026-07-09 12:34:50.000Z  no        Tx1\n");
  EXPECT_EQ(Run({"history", "solana:Mint1", "--json"}), 0);
  EXPECT_EQ(std::count(out_.text.begin(), out_.text.end(), '\n'), 1);
}

v1::PriceRequest MakeRequest(const std::string& id, v1::PriceRequestState state) {
  v1::PriceRequest request;
  request.set_request_id(id);
  request.mutable_token()->set_chain("solana");
  request.mutable_token()->set_address("Mint1");
  request.set_state(state);
  request.mutable_created_at()->set_seconds(kTime);
  request.mutable_expires_at()->set_seconds(kTime + 86'400);
  request.mutable_next_attempt_at()->set_seconds(kTime + 16);
  request.set_attempts(2);
  return request;
}

TEST_F(PricingTest, ListsRequests) {
  pricing().requests = {MakeRequest("r1", v1::PRICE_REQUEST_STATE_WAITING),
                        MakeRequest("r2", v1::PRICE_REQUEST_STATE_ANSWERED)};
  *pricing().requests[1].mutable_price() = MakePrice("Mint1", 0.5);
  EXPECT_EQ(Run({"requests", "list"}), 0);
  EXPECT_EQ(out_.text,
            "REQUEST  TOKEN         STATE     CREATED                     ENDS  ATTEMPTS   NEXT    PRICE     USD  "
            "REASON\n"
            "r1       solana:Mint1  waiting   2026-07-09 12:34:50.000Z  in 23h         2  in 9s        -       -  -\n"
            "r2       solana:Mint1  answered  2026-07-09 12:34:50.000Z       -         2      -  0.5 SOL  71.625  -\n");
  EXPECT_EQ(Run({"requests", "list", "--state", "waiting", "--json"}), 0);
  EXPECT_EQ(std::count(out_.text.begin(), out_.text.end(), '\n'), 1);
}

TEST_F(PricingTest, AddsARequestAndWaitsForItsAnswer) {
  v1::PriceRequest answered = MakeRequest("request-1", v1::PRICE_REQUEST_STATE_ANSWERED);
  *answered.mutable_price() = MakePrice("Mint1", 0.5);
  pricing().request_streams = {{{MakeRequest("request-1", v1::PRICE_REQUEST_STATE_WAITING)},
                                grpc::Status(grpc::StatusCode::UNAVAILABLE, "restart")},
                               {{answered}, grpc::Status::OK}};
  EXPECT_EQ(Run({"requests", "add", "solana:Mint1", "--lifetime", "1h"}), 0);
  EXPECT_THAT(out_.text, HasSubstr("request request-1: waiting, 2 attempts, the next in 9s\n"
                                   "request request-1: answered\n"
                                   "token         solana:Mint1\n"));
  ASSERT_THAT(pricing().added_requests, SizeIs(2));
  EXPECT_EQ(pricing().added_requests[1].request_id(), "request-1") << "the same request, not another";
  EXPECT_EQ(pricing().added_requests[0].lifetime().seconds(), 3'600);
}

TEST_F(PricingTest, ARequestThatExpiresAndOneThatIsNotWaitedFor) {
  v1::PriceRequest expired = MakeRequest("mine", v1::PRICE_REQUEST_STATE_EXPIRED);
  expired.set_reason("no source had a price\nin time");
  pricing().request_streams = {{{expired}, grpc::Status::OK},
                               {{MakeRequest("mine", v1::PRICE_REQUEST_STATE_WAITING)}, grpc::Status::OK}};
  EXPECT_EQ(Run({"requests", "add", "solana:Mint1", "--id", "mine"}), 2);
  EXPECT_EQ(out_.text, "request mine: expired: no source had a price\uFFFDin time\n");
  EXPECT_EQ(Run({"requests", "add", "solana:Mint1", "--id", "mine", "--no-wait"}), 0);
}

}  // namespace
}  // namespace tokenwatch::cli
