// The service over a real connection, with the real fold; log, store and oracle are fakes.
#include "pricing/rpc/service.h"

#include <chrono>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/metrics/registry.h"
#include "common/testing/wait_for.h"
#include "grpcpp/grpcpp.h"
#include "pricing/rpc/convert.h"
#include "pricing/testing/world.h"

namespace tokenwatch::pricing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class ServiceTest : public ::testing::Test {
 protected:
  ServiceTest() {
    world_.SetListener(&hub_);
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = v1::PricingService::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }
  ~ServiceTest() override {
    price_streams_.EndAll(absl::UnavailableError("the test ends"));
    request_streams_.EndAll(absl::UnavailableError("the test ends"));
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(5));
    calls_.Stop();
    streams_.Stop();
    world_.SetListener(nullptr);
  }

  template <typename Request, typename Response>
  using Method = grpc::Status (v1::PricingService::Stub::*)(grpc::ClientContext*, const Request&, Response*);
  template <typename Request, typename Response>
  grpc::Status Call(Method<Request, Response> method, const Request& request, Response* response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    response->Clear();
    return (*stub_.*method)(&context, request, response);
  }
  template <typename Request, typename Response>
  grpc::Status Call(Method<Request, Response> method, const Request& request) {
    Response response;
    return Call(method, request, &response);
  }

  static v1::GetPriceRequest PriceRequestOf(const chain::TokenRef& token) {
    v1::GetPriceRequest request;
    ToProto(token, request.mutable_token());
    return request;
  }
  void Trade(uint64_t token, absl::Duration at, uint64_t quote, const std::function<void(pricing::Trade&)>& change = {}) {
    world_.Add(TestToken(token), at, quote, 1'000'000, change);
    world_.Fold();
  }

  static constexpr auto kGetPrice = &v1::PricingService::Stub::GetPrice;
  static constexpr auto kBatch = &v1::PricingService::Stub::BatchGetPrices;
  static constexpr auto kCandles = &v1::PricingService::Stub::ListCandles;
  static constexpr auto kHot = &v1::PricingService::Stub::ListHotTokens;

  World world_;
  common::MetricRegistry registry_;
  ServingMetrics metrics_{registry_};
  common::Executor calls_{{.name = "calls", .threads = 3, .queue_capacity = 100}};
  common::Executor streams_{{.name = "streams", .threads = 2, .queue_capacity = 100}};
  common::StreamSet price_streams_{{.max_streams = 50}};
  common::StreamSet request_streams_{{.max_streams = 50}};
  PriceHub hub_{{.interval = absl::Milliseconds(1)}, world_.hot, world_.view, world_.clock};
  common::SystemClock system_clock_;
  RequestHub requests_{
      {.poll_interval = absl::Milliseconds(20), .max_poll_interval = absl::Milliseconds(100)}, world_.store, system_clock_};
  std::map<chain::TokenRef, bool> watched_;
  PricingServiceImpl service_{{.hot = world_.hot,
                               .view = world_.view,
                               .references = world_.references,
                               .store = world_.store,
                               .detector = world_.log,
                               .oracle = world_.oracle,
                               .hub = hub_,
                               .requests = requests_,
                               .state = world_,
                               .parked = [this](const SeriesKey& key) { return world_.Parked(key); },
                               .set_watched = [this](const chain::TokenRef& token, bool on) { watched_[token] = on; },
                               .metrics = metrics_,
                               .calls = calls_,
                               .streams = streams_,
                               .price_streams = price_streams_,
                               .request_streams = request_streams_,
                               .clock = world_.clock}};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::PricingService::Stub> stub_;
};

TEST_F(ServiceTest, GetPriceFromMemory) {
  world_.AddReference(absl::ZeroDuration(), "100");
  Trade(1, absl::Seconds(10), 5'000'000'000);
  v1::GetPriceResponse response;
  ASSERT_TRUE(Call(kGetPrice, PriceRequestOf(TestToken(1)), &response).ok());
  const v1::Price& price = response.price();
  EXPECT_EQ(price.token().address(), TestToken(1).address.text());
  EXPECT_EQ(price.quote_units(), "5000000000");
  EXPECT_EQ(price.token_units(), "1000000");
  EXPECT_DOUBLE_EQ(price.price(), 5);
  EXPECT_DOUBLE_EQ(price.price_usd(), 500);
  EXPECT_EQ(price.reference().price_usd(), "100");
  EXPECT_EQ(price.basis(), v1::PRICE_BASIS_RESERVES);
  EXPECT_EQ(price.grade(), v1::PRICE_GRADE_A);
  EXPECT_EQ(price.age().seconds(), 50);
  EXPECT_EQ(price.cursor(), 1u);
  EXPECT_EQ(price.venue(), "pump");
  EXPECT_THAT(price.sources(), IsEmpty());
  EXPECT_EQ(metrics_.from_memory.Value(), 1);
  EXPECT_THAT(world_.oracle.questions(), IsEmpty());
}

TEST_F(ServiceTest, GetPriceSaysWhichFieldIsWrong) {
  const auto expect = [&](const std::function<void(v1::GetPriceRequest&)>& spoil, const std::string& field) {
    v1::GetPriceRequest request = PriceRequestOf(TestToken(1));
    spoil(request);
    const grpc::Status status = Call(kGetPrice, request);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << field;
    EXPECT_THAT(status.error_message(), StartsWith(field));
  };
  using Request = v1::GetPriceRequest;
  expect([](Request& r) { r.clear_token(); }, "token.chain");
  expect([](Request& r) { r.mutable_token()->set_address("x"); }, "token.address");
  expect([](Request& r) { r.mutable_at()->set_nanos(-1); }, "at");
  expect([](Request& r) { r.mutable_at()->set_seconds(4'000'000'000); }, "at");
  expect([](Request& r) { r.mutable_max_age()->set_nanos(2'000'000'000); }, "max_age");
  expect([](Request& r) { r.mutable_max_age()->set_seconds(0); }, "max_age");
  expect([](Request& r) { r.set_policy(static_cast<v1::PricePolicy>(9)); }, "policy");
  expect([](Request& r) { r.set_min_sources(8); }, "min_sources");
  expect([](Request& r) { r.set_min_sources(-1); }, "min_sources");
  expect([](Request& r) { r.set_quote_address("SOL"); }, "quote_address");
  expect(
      [](Request& r) {
        r.set_policy(v1::PRICE_POLICY_AGGREGATE);
        r.mutable_at()->set_seconds(1);
      },
      "at");
}

TEST_F(ServiceTest, OraclesAreAskedWhereTradesAreSilent) {
  // Never traded.
  v1::GetPriceResponse response;
  world_.oracle.Set(TestToken(1), "dexscreener", 0.5);
  ASSERT_TRUE(Call(kGetPrice, PriceRequestOf(TestToken(1)), &response).ok());
  EXPECT_EQ(response.price().basis(), v1::PRICE_BASIS_ORACLE);
  EXPECT_EQ(response.price().grade(), v1::PRICE_GRADE_B);
  EXPECT_DOUBLE_EQ(response.price().price_usd(), 0.5);
  EXPECT_EQ(response.price().sources(0).name(), "dexscreener");
  EXPECT_TRUE(response.price().sources(0).used());
  EXPECT_EQ(response.price().sources(0).price_usd(), "0.5");

  // Traded long ago: the oracle's price is newer. Without one the old price is better than none, and marked.
  Trade(2, absl::ZeroDuration(), 5'000'000'000);
  world_.clock.Set(TestTime() + absl::Hours(1));
  world_.oracle.Set(TestToken(2), "jupiter", 0.75, TestTime() + absl::Minutes(59));
  ASSERT_TRUE(Call(kGetPrice, PriceRequestOf(TestToken(2)), &response).ok());
  EXPECT_DOUBLE_EQ(response.price().price_usd(), 0.75);
  Trade(3, absl::ZeroDuration(), 5'000'000'000);
  ASSERT_TRUE(Call(kGetPrice, PriceRequestOf(TestToken(3)), &response).ok());
  EXPECT_EQ(response.price().basis(), v1::PRICE_BASIS_RESERVES);
  EXPECT_EQ(response.price().grade(), v1::PRICE_GRADE_C);

  // The caller says what is too old, and the log alone is not asked further.
  v1::GetPriceRequest request = PriceRequestOf(TestToken(3));
  request.mutable_max_age()->set_seconds(60);
  grpc::Status status = Call(kGetPrice, request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("is 1h old"));
  request = PriceRequestOf(TestToken(2));
  request.set_policy(v1::PRICE_POLICY_LOG_ONLY);
  ASSERT_TRUE(Call(kGetPrice, request, &response).ok());
  EXPECT_EQ(response.price().basis(), v1::PRICE_BASIS_RESERVES);
  const size_t asked = world_.oracle.questions().size();
  request.mutable_token()->set_address(std::string(TestToken(77).address.text()));
  EXPECT_EQ(Call(kGetPrice, request).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(world_.oracle.questions(), SizeIs(asked));

  // Nobody knows it: what each said.
  world_.oracle.SetFailure(TestToken(4), "dexscreener", Outcome::kNotFound);
  world_.oracle.SetFailure(TestToken(4), "jupiter", Outcome::kRateLimited);
  status = Call(kGetPrice, PriceRequestOf(TestToken(4)));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("dexscreener: not_found; jupiter: rate_limited"));
}

TEST_F(ServiceTest, AggregatesTheLogWithTheOracles) {
  world_.AddReference(absl::ZeroDuration(), "100");
  Trade(1, absl::Seconds(30), 5'000'000);  // 0.5 USD
  world_.oracle.Set(TestToken(1), "dexscreener", 0.501);
  world_.oracle.Set(TestToken(1), "jupiter", 0.499);
  world_.oracle.Set(TestToken(1), "coingecko", 5.0);
  v1::GetPriceRequest request = PriceRequestOf(TestToken(1));
  request.set_policy(v1::PRICE_POLICY_AGGREGATE);
  request.set_min_sources(3);
  v1::GetPriceResponse response;
  const grpc::Status status = Call(kGetPrice, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_NEAR(response.price().price_usd(), 0.5, 0.001);
  EXPECT_EQ(response.price().grade(), v1::PRICE_GRADE_A);
  EXPECT_TRUE(response.price().has_confidence_bps());
  ASSERT_THAT(response.price().sources(), SizeIs(4));
  std::map<std::string, std::string> reasons;
  for (const v1::PriceSource& source : response.price().sources()) {
    reasons[source.name()] = source.used() ? "used" : source.reason();
  }
  EXPECT_EQ(reasons["log"], "used");
  EXPECT_EQ(reasons["coingecko"], "outlier");

  // One source and the log are not three.
  Trade(2, absl::Seconds(30), 5'000'000);
  world_.oracle.Set(TestToken(2), "dexscreener", 0.5);
  ToProto(TestToken(2), request.mutable_token());
  EXPECT_EQ(Call(kGetPrice, request).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  request.set_min_sources(0);
  EXPECT_TRUE(Call(kGetPrice, request).ok()) << "they are two";
}

TEST_F(ServiceTest, PricesOfThePast) {
  for (int i = 0; i < 12; ++i) Trade(1, absl::Seconds(10 * i), 1'000 + static_cast<uint64_t>(i));
  world_.clock.Set(TestTime() + absl::Hours(1));
  v1::GetPriceRequest request = PriceRequestOf(TestToken(1));
  *request.mutable_at() = ToTimestamp(TestTime() + absl::Seconds(25));
  v1::GetPriceResponse response;
  ASSERT_TRUE(Call(kGetPrice, request, &response).ok());
  EXPECT_EQ(response.price().quote_units(), "1002");
  EXPECT_EQ(response.price().age().seconds(), 5) << "then, not now";
  EXPECT_EQ(response.price().grade(), v1::PRICE_GRADE_A) << "it was fresh";
  request.mutable_max_age()->set_seconds(4);
  EXPECT_EQ(Call(kGetPrice, request).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  *request.mutable_at() = ToTimestamp(TestTime() - absl::Seconds(1));
  EXPECT_EQ(Call(kGetPrice, request).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ServiceTest, Batches) {
  for (uint64_t token = 1; token <= 3; ++token) Trade(token, absl::Seconds(1), 1'000 + token);
  v1::BatchGetPricesRequest request;
  for (const uint64_t token : {3, 9, 1, 3}) ToProto(TestToken(token), request.add_tokens());
  v1::BatchGetPricesResponse response;
  ASSERT_TRUE(Call(kBatch, request, &response).ok());
  ASSERT_THAT(response.prices(), SizeIs(3));
  EXPECT_EQ(response.prices(0).quote_units(), "1003");
  EXPECT_EQ(response.prices(1).quote_units(), "1001");
  EXPECT_EQ(response.prices(2).quote_units(), "1003");
  ASSERT_THAT(response.missing(), SizeIs(1));
  EXPECT_EQ(response.missing(0).address(), TestToken(9).address.text());

  request.mutable_tokens(1)->set_address("no");
  grpc::Status status = Call(kBatch, request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), StartsWith("tokens[1].address"));
  request.mutable_tokens(1)->set_chain("mars");
  EXPECT_THAT(Call(kBatch, request).error_message(), StartsWith("tokens[1].chain"));
  request.clear_tokens();
  EXPECT_THAT(Call(kBatch, request).error_message(), StartsWith("tokens: has 0 entries"));
  for (uint64_t token = 0; token < 1001; ++token) ToProto(TestToken(token), request.add_tokens());
  EXPECT_THAT(Call(kBatch, request).error_message(), StartsWith("tokens: has 1001 entries"));
}

TEST_F(ServiceTest, ABatchFindsAddressesInAnySpelling) {
  const std::string lower = "0xdac17f958d2ee523a2206206994597c13d831ec7";
  world_.Add(TestToken(1), absl::Seconds(1), 1'000, 1'000, [&](pricing::Trade& trade) {
    trade.token = {chain::Chain::kEthereum, *chain::Address::ParseEvm(lower)};
    trade.quote = *chain::Address::ParseEvm("0x" + std::string(40, 'a'));
    trade.transaction = *chain::TransactionId::ParseEvm("0x" + std::string(64, 'b'));
    trade.venue = Word("uniswap-v2");
  });
  world_.Fold();
  v1::BatchGetPricesRequest request;
  request.add_tokens()->set_chain("ethereum");
  request.mutable_tokens(0)->set_address("0xdAC17F958D2ee523a2206206994597C13D831ec7");
  v1::BatchGetPricesResponse response;
  ASSERT_TRUE(Call(kBatch, request, &response).ok());
  ASSERT_THAT(response.prices(), SizeIs(1));
  EXPECT_EQ(response.prices(0).token().address(), lower);
}

TEST_F(ServiceTest, StreamsPrices) {
  Trade(1, absl::Seconds(1), 1'000);
  v1::StreamPricesRequest request;
  ToProto(TestToken(1), request.add_tokens());
  ToProto(TestToken(2), request.add_tokens());
  request.set_with_present(true);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  auto stream = stub_->StreamPrices(&context, request);
  v1::StreamPricesResponse response;
  ASSERT_TRUE(stream->Read(&response));
  ASSERT_THAT(response.prices(), SizeIs(1));
  EXPECT_EQ(response.prices(0).quote_units(), "1000");
  Trade(2, absl::Seconds(2), 2'000);
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.prices(0).quote_units(), "2000");
  context.TryCancel();
  while (stream->Read(&response)) {
  }
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(common::WaitFor([&] { return hub_.counts().streams == 0; }));

  request.mutable_tokens(1)->set_address("?");
  grpc::ClientContext other;
  auto refused = stub_->StreamPrices(&other, request);
  EXPECT_FALSE(refused->Read(&response));
  EXPECT_THAT(refused->Finish().error_message(), StartsWith("tokens[1].address"));
}

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
  EXPECT_EQ(last.traders(), 1);
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

TEST_F(ServiceTest, StatusAndDiagnosis) {
  world_.AddReference(absl::ZeroDuration(), "100");
  Trade(1, absl::Seconds(1), 1'000);
  v1::GetStatusResponse status;
  ASSERT_TRUE(Call(&v1::PricingService::Stub::GetStatus, v1::GetStatusRequest(), &status).ok());
  EXPECT_EQ(status.cursor(), 1u);
  EXPECT_EQ(status.log_head(), 1u);
  EXPECT_EQ(status.hot_tokens(), 1);
  EXPECT_EQ(status.rows_saved(), 89);
  EXPECT_EQ(status.newest_event().seconds(), absl::ToUnixSeconds(TestTime()) + 1);
  EXPECT_EQ(status.providers(0).name(), "dexscreener");
  EXPECT_EQ(status.providers(0).budget_remaining(), 59);
  EXPECT_EQ(status.references(0).asset(), absl::StrCat("solana:", TestQuote().text()));
  v1::DiagnoseResponse diagnosis;
  ASSERT_TRUE(Call(&v1::PricingService::Stub::Diagnose, v1::DiagnoseRequest(), &diagnosis).ok());
  EXPECT_EQ(diagnosis.database().tables(0).name(), "pricing.token_prices");
}

TEST_F(ServiceTest, ADatabaseThatIsAwayIsSaid) {
  Trade(1, absl::Seconds(1), 5'000'000'000);
  world_.store.Fail(absl::UnavailableError("the database is away"));
  EXPECT_TRUE(Call(kGetPrice, PriceRequestOf(TestToken(1))).ok()) << "memory needs no database";
  EXPECT_EQ(Call(kGetPrice, PriceRequestOf(TestToken(2))).error_code(), grpc::StatusCode::UNAVAILABLE);
  world_.oracle.Set(TestToken(2), "dexscreener", 0.5);
  EXPECT_TRUE(Call(kGetPrice, PriceRequestOf(TestToken(2))).ok()) << "an oracle's price is one all the same";
  EXPECT_EQ(Call(&v1::PricingService::Stub::GetStatus, v1::GetStatusRequest()).error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace tokenwatch::pricing
