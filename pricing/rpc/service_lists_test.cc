// Candles, the ranking, markets, watched tokens and stored requests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "pricing/rpc/service.h"
#include "pricing/rpc/service_for_test.h"

namespace tokenwatch::pricing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

TEST_F(ServiceTest, CandlesByPages) {
  for (int minute = 0; minute < 12; ++minute) {
    Trade(1, absl::Minutes(minute), 1'000'000'000 + static_cast<uint64_t>(minute));
    Trade(1, absl::Minutes(minute) + absl::Seconds(30), 2'000'000'000);
  }
  v1::ListCandlesRequest request;
  ToProto(TestToken(1), request.mutable_token());
  request.set_interval(v1::CANDLE_INTERVAL_1M);
  v1::ListCandlesResponse response;
  ASSERT_TRUE(Call(kCandles, request, &response).ok());
  ASSERT_THAT(response.candles(), SizeIs(12));
  EXPECT_EQ(response.quote_address(), TestQuote().text());
  const v1::Candle& first = response.candles(0);
  EXPECT_EQ(first.start().seconds(), absl::ToUnixSeconds(TestTime()));
  EXPECT_EQ(first.open().quote_units(), "1000000000");
  EXPECT_DOUBLE_EQ(first.open_price(), 1);
  EXPECT_DOUBLE_EQ(first.high_price(), 2);
  EXPECT_DOUBLE_EQ(first.low_price(), 1);
  EXPECT_DOUBLE_EQ(first.close_price(), 2);
  EXPECT_EQ(first.trades(), 2);
  EXPECT_FALSE(first.is_open());
  EXPECT_TRUE(response.candles(11).is_open());
  EXPECT_EQ(response.next_page_token(), "");

  // By default as far back as the page reaches.
  request.set_page_size(5);
  ASSERT_TRUE(Call(kCandles, request, &response).ok());
  ASSERT_THAT(response.candles(), SizeIs(5));
  EXPECT_EQ(response.candles(0).open().quote_units(), "1000000007");

  *request.mutable_from() = ToTimestamp(TestTime() + absl::Seconds(70));
  std::vector<std::string> opens;
  do {
    ASSERT_TRUE(Call(kCandles, request, &response).ok());
    for (const v1::Candle& candle : response.candles()) opens.push_back(candle.open().quote_units());
    request.set_page_token(response.next_page_token());
  } while (!response.next_page_token().empty());
  ASSERT_THAT(opens, SizeIs(11));
  EXPECT_EQ(opens.front(), "1000000001") << "from the minute that holds the time";

  request.set_page_token("nonsense");
  EXPECT_THAT(Call(kCandles, request).error_message(), StartsWith("page_token"));
  request.clear_page_token();
  request.clear_interval();
  EXPECT_THAT(Call(kCandles, request).error_message(), StartsWith("interval"));
  request.set_interval(v1::CANDLE_INTERVAL_1S);
  *request.mutable_to() = ToTimestamp(TestTime());
  EXPECT_THAT(Call(kCandles, request).error_message(), StartsWith("from"));
  request.clear_from();
  ASSERT_TRUE(Call(kCandles, request, &response).ok());
  EXPECT_THAT(response.candles(), SizeIs(1));
  request.set_page_size(5001);
  EXPECT_THAT(Call(kCandles, request).error_message(), StartsWith("page_size"));
  request.clear_page_size();
  request.set_quote_address(std::string(TestUsdc().text()));
  EXPECT_EQ(Call(kCandles, request).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ServiceTest, HotTokensInOrderAndByPages) {
  for (uint64_t token = 1; token <= 5; ++token) {
    Trade(token, absl::Seconds(1), 1'000'000'000, [&](pricing::Trade& trade) {
      trade.quote_amount = chain::Amount(token == 2 ? 4'000'000'000 : token * 1'000'000'000);
    });
  }
  Trade(1, absl::Seconds(2), 3'000'000'000, [](pricing::Trade& trade) { trade.quote_amount = 1; });
  v1::ListHotTokensRequest request;
  request.set_page_size(2);
  v1::ListHotTokensResponse response;
  std::vector<std::string> names;
  do {
    ASSERT_TRUE(Call(kHot, request, &response).ok());
    EXPECT_EQ(response.as_of().seconds(), absl::ToUnixSeconds(TestTime()) + 2);
    for (const v1::HotToken& token : response.tokens()) {
      names.push_back(token.price().token().address());
      EXPECT_EQ(token.rank(), static_cast<int>(names.size()));
    }
    request.set_page_token(response.next_page_token());
  } while (!response.next_page_token().empty());
  const auto name = [](uint64_t token) { return std::string(TestToken(token).address.text()); };
  const bool second_first = TestToken(2) < TestToken(4);
  EXPECT_THAT(names, ElementsAre(name(5), name(second_first ? 2 : 4), name(second_first ? 4 : 2), name(3), name(1)));

  request.clear_page_token();
  request.set_page_size(0);
  ASSERT_TRUE(Call(kHot, request, &response).ok());
  const v1::HotToken& last = response.tokens(4);
  EXPECT_EQ(last.trades(), 2);
  EXPECT_EQ(last.traders(), 2);
  EXPECT_EQ(last.quote_volume(), "1000000001");
  EXPECT_EQ(last.high().quote_units(), "3000000000");
  EXPECT_EQ(last.high_at().seconds(), absl::ToUnixSeconds(TestTime()) + 2);
  EXPECT_EQ(last.first_trade_at().seconds(), absl::ToUnixSeconds(TestTime()) + 1);
  request.set_chain("base");
  ASSERT_TRUE(Call(kHot, request, &response).ok());
  EXPECT_THAT(response.tokens(), IsEmpty());
  request.set_chain("mars");
  EXPECT_THAT(Call(kHot, request).error_message(), StartsWith("chain"));
}

TEST_F(ServiceTest, Markets) {
  world_.AddReference(absl::ZeroDuration(), "100");
  Trade(1, absl::Seconds(1), 1'000'000'000);
  Trade(1, absl::Seconds(2), 9'000'000'000, [](pricing::Trade& trade) { trade.venue = Word("pump-amm"); });
  world_.oracle.Set(TestToken(1), "dexscreener", 0.5);
  v1::RefreshMarketsRequest refresh;
  ToProto(TestToken(1), refresh.add_tokens());
  ToProto(TestToken(2), refresh.add_tokens());
  world_.oracle.SetFailure(TestToken(2), "dexscreener", Outcome::kNotFound);
  v1::RefreshMarketsResponse refreshed;
  ASSERT_TRUE(Call(&v1::PricingService::Stub::RefreshMarkets, refresh, &refreshed).ok());
  ASSERT_THAT(refreshed.tokens(), SizeIs(2));
  EXPECT_DOUBLE_EQ(refreshed.tokens(0).price().price_usd(), 0.5);
  EXPECT_FALSE(refreshed.tokens(1).has_price());
  EXPECT_EQ(refreshed.tokens(1).sources(0).reason(), "not_found");
  EXPECT_TRUE(world_.oracle.questions().back().refresh);
  refresh.set_policy(v1::PRICE_POLICY_LOG_ONLY);
  EXPECT_THAT(Call(&v1::PricingService::Stub::RefreshMarkets, refresh).error_message(), StartsWith("policy"));

  v1::GetMarketsRequest request;
  ToProto(TestToken(1), request.mutable_token());
  v1::GetMarketsResponse response;
  const size_t asked = world_.oracle.questions().size();
  ASSERT_TRUE(Call(&v1::PricingService::Stub::GetMarkets, request, &response).ok());
  EXPECT_THAT(world_.oracle.questions(), SizeIs(asked)) << "asks nobody";
  ASSERT_THAT(response.markets(), SizeIs(3));
  EXPECT_EQ(response.markets(0).source(), "dexscreener") << "10,000 USD";
  EXPECT_EQ(response.markets(0).pool(), "pool-of-dexscreener");
  EXPECT_EQ(response.markets(1).venue(), "pump-amm");
  EXPECT_EQ(response.markets(1).liquidity_usd(), "900") << "twice 4.5 SOL";
  EXPECT_EQ(response.markets(1).quote_reserve(), "9000000000");
  EXPECT_EQ(response.markets(2).venue(), "pump");
  EXPECT_THAT(response.markets(2).pool(), SizeIs(::testing::Ge(32u))) << "its curve's address follows from the mint";
  EXPECT_EQ(response.markets(2).trades(), 1);
  ASSERT_THAT(response.histories(), SizeIs(1)) << "two venues, one quote asset";
  const v1::TradingHistory& history = response.histories(0);
  EXPECT_EQ(history.trades(), 2);
  EXPECT_EQ(history.high().ratio().quote_units(), "9000000000");
  EXPECT_EQ(history.high().venue(), "pump-amm");
  EXPECT_GT(history.high().price(), history.low().price());
  EXPECT_EQ(history.low().venue(), "pump");
  EXPECT_EQ(history.low().at().seconds(), history.first_trade_at().seconds());
  EXPECT_EQ(history.high().at().seconds(), history.newest_trade_at().seconds());
  EXPECT_FALSE(history.high().transaction().empty());
  EXPECT_FALSE(history.is_partial());
}

TEST_F(ServiceTest, WatchedTokens) {
  v1::WatchTokenRequest watch;
  ToProto(TestToken(1), watch.mutable_token());
  v1::WatchTokenResponse watched;
  ASSERT_TRUE(Call(&v1::PricingService::Stub::WatchToken, watch, &watched).ok());
  EXPECT_TRUE(watched.added());
  ASSERT_TRUE(Call(&v1::PricingService::Stub::WatchToken, watch, &watched).ok());
  EXPECT_FALSE(watched.added());
  EXPECT_TRUE(watched_.at(TestToken(1)));
  v1::UnwatchTokenRequest unwatch;
  *unwatch.mutable_token() = watch.token();
  v1::UnwatchTokenResponse unwatched;
  ASSERT_TRUE(Call(&v1::PricingService::Stub::UnwatchToken, unwatch, &unwatched).ok());
  EXPECT_TRUE(unwatched.removed());
  EXPECT_FALSE(watched_.at(TestToken(1)));
}

TEST_F(ServiceTest, ARequestIsFollowedUntilItIsAnswered) {
  v1::RequestPriceRequest request;
  request.set_request_id("mine");
  ToProto(TestToken(1), request.mutable_token());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  auto stream = stub_->RequestPrice(&context, request);
  v1::RequestPriceResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.request().state(), v1::PRICE_REQUEST_STATE_WAITING);
  EXPECT_EQ(response.request().expires_at().seconds() - response.request().created_at().seconds(), 86'400);

  // An attempt in vain, which only the database tells of, as another replica made it.
  PriceRequest stored = world_.store.GetRequest("mine", absl::InfiniteFuture()).value();
  stored.attempts = 1;
  stored.reason = "no source has a price";
  world_.store.Finish(stored);
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.request().attempts(), 1);
  EXPECT_EQ(response.request().reason(), "no source has a price");

  Trade(1, absl::Seconds(1), 5'000'000'000);
  stored.state = RequestState::kAnswered;
  stored.reason.clear();
  stored.price = world_.view.Find(TestToken(1), chain::Address(), TestTime());
  world_.store.Finish(stored);
  requests_.OnRequests({&stored, 1});
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.request().state(), v1::PRICE_REQUEST_STATE_ANSWERED);
  EXPECT_EQ(response.request().price().quote_units(), "5000000000");
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_TRUE(stream->Finish().ok());

  // The same id again is the same request; for another token it is refused.
  grpc::ClientContext again;
  stream = stub_->RequestPrice(&again, request);
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.request().state(), v1::PRICE_REQUEST_STATE_ANSWERED);
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_TRUE(stream->Finish().ok());
  ToProto(TestToken(2), request.mutable_token());
  grpc::ClientContext other;
  stream = stub_->RequestPrice(&other, request);
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::ALREADY_EXISTS);
}

TEST_F(ServiceTest, RequestsAreChecked) {
  const auto refusal = [&](const std::function<void(v1::RequestPriceRequest&)>& spoil) {
    v1::RequestPriceRequest request;
    request.set_request_id("r");
    ToProto(TestToken(1), request.mutable_token());
    spoil(request);
    grpc::ClientContext context;
    auto stream = stub_->RequestPrice(&context, request);
    v1::RequestPriceResponse response;
    EXPECT_FALSE(stream->Read(&response));
    return stream->Finish().error_message();
  };
  using Request = v1::RequestPriceRequest;
  EXPECT_THAT(refusal([](Request& r) { r.clear_request_id(); }), StartsWith("request_id"));
  EXPECT_THAT(refusal([](Request& r) { r.set_request_id(std::string(65, 'x')); }), StartsWith("request_id"));
  EXPECT_THAT(refusal([](Request& r) { r.set_request_id("a\nb"); }), StartsWith("request_id"));
  EXPECT_THAT(refusal([](Request& r) { r.clear_token(); }), StartsWith("token.chain"));
  EXPECT_THAT(refusal([](Request& r) { r.mutable_lifetime()->set_nanos(1); }), StartsWith("lifetime"));
  EXPECT_THAT(refusal([](Request& r) { r.mutable_lifetime()->set_seconds(604'801); }), StartsWith("lifetime"));
}

TEST_F(ServiceTest, ListsRequestsNewestFirst) {
  for (int i = 0; i < 5; ++i) {
    PriceRequest request;
    request.request_id = absl::StrCat("r", i);
    request.token = TestToken(1);
    request.state = i == 3 ? RequestState::kExpired : RequestState::kWaiting;
    request.created_at = TestTime() + absl::Seconds(i / 2);
    request.expires_at = TestTime() + absl::Hours(1);
    request.next_attempt_at = TestTime();
    world_.store.Finish(request);
  }
  v1::ListPriceRequestsRequest request;
  request.set_page_size(2);
  v1::ListPriceRequestsResponse response;
  const auto list = &v1::PricingService::Stub::ListPriceRequests;
  std::vector<std::string> ids;
  do {
    ASSERT_TRUE(Call(list, request, &response).ok());
    for (const auto& each : response.requests()) ids.push_back(each.request_id());
    request.set_page_token(response.next_page_token());
  } while (!response.next_page_token().empty());
  EXPECT_THAT(ids, ElementsAre("r4", "r3", "r2", "r1", "r0"));
  request.set_state(v1::PRICE_REQUEST_STATE_EXPIRED);
  ASSERT_TRUE(Call(list, request, &response).ok());
  EXPECT_THAT(response.requests(), SizeIs(1));
  request.set_page_token("nonsense");
  EXPECT_THAT(Call(list, request).error_message(), StartsWith("page_token"));
}

}  // namespace
}  // namespace tokenwatch::pricing
