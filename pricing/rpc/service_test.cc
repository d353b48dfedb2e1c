// Prices, one and many, live and past.
#include "pricing/rpc/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/testing/wait_for.h"
#include "pricing/rpc/service_for_test.h"

namespace tokenwatch::pricing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

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
