// Prices from reserves on chains.
#include <cmath>
#include <cstring>
#include <map>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "chain/solana/pda.h"
#include "chain/solana/programs.h"
#include "chain/testing/fixtures.h"
#include "common/time/fake_clock.h"
#include "pricing/oracle/providers/evm_abi.h"
#include "pricing/oracle/providers/onchain_evm.h"
#include "pricing/oracle/providers/onchain_solana.h"

namespace tokenwatch::pricing {
namespace {

using chain::Chain;
using chain::TokenRef;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const absl::Time kNow = absl::FromUnixSeconds(1'783'000'000);
const absl::Time kReferenceTime = kNow - absl::Seconds(7);

TokenRef Solana(absl::string_view address) { return {Chain::kSolana, chain::Address::ParseSolana(address).value()}; }
TokenRef Ethereum(absl::string_view address) { return {Chain::kEthereum, chain::Address::ParseEvm(address).value()}; }

const TokenRef kSol = Solana("So11111111111111111111111111111111111111112");
const TokenRef kMint = Solana("B3cHPmFf6pokbEi1Y5ZyLSUSnXfrLQjMS5kFLEz7pump");
const TokenRef kOther = Solana("DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263");
const TokenRef kWeth = Ethereum("0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2");
const TokenRef kUsdc = Ethereum("0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48");

QuoteUsd Usd(std::map<TokenRef, std::string> prices) {
  return [prices = std::move(prices)](const TokenRef& quote) -> std::optional<Reference> {
    const auto found = prices.find(quote);
    if (found == prices.end()) return std::nullopt;
    return Reference{quote, kReferenceTime, found->second, pricing::Word("test")};
  };
}

TEST(Divide, IsExactToTheLastPlace) {
  EXPECT_EQ(Divide(1, 3), 1.0 / 3);
  EXPECT_EQ(Divide(2, 1), 2);
  EXPECT_EQ(Divide(0, 5), 0);
  EXPECT_EQ(Divide(30'000'000'000, 1'073'000'000'000'000), 30'000'000'000.0 / 1'073'000'000'000'000.0);
  const WideInteger huge = WideInteger(1) << 600;
  EXPECT_EQ(Divide(huge, WideInteger(huge * 3)), 1.0 / 3);
  EXPECT_EQ(Divide(WideInteger(huge * 7), WideInteger(huge + 1)), 7);
  EXPECT_EQ(Divide(WideInteger(1) << 2'000, 1), HUGE_VAL);
  for (uint64_t n : {1u, 3u, 10u, 12'345u, 99'999'999u}) {
    for (uint64_t d : {7u, 9u, 1'000'003u}) {
      EXPECT_EQ(Divide(n, d), static_cast<double>(n) / static_cast<double>(d)) << n << "/" << d;
    }
  }
}

// --- Bonding curves ---

std::string Account(absl::string_view owner, const std::string& data) {
  return absl::StrCat(R"({"owner":")", owner, R"(","data":[")", absl::Base64Escape(data), R"(","base64"]})");
}
std::string Response(const std::string& accounts) {
  return absl::StrCat(R"({"jsonrpc":"2.0","id":1,"result":{"context":{"slot":1},"value":[)", accounts, "]}}");
}
std::string Text(const std::vector<uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

TEST(ReadCurves, RecordedCurvesHaveThePriceOfTheirReserves) {
  const auto accounts = chain::testing::RecordedCurveAccounts();
  ASSERT_THAT(accounts, SizeIs(17));
  int complete = 0;
  for (const auto& account : accounts) {
    const ProviderAnswer answer =
        ReadCurves({kMint}, Response(Account(chain::kPumpProgram, Text(account.data))), Usd({{kSol, "80"}}), kNow)[0];
    if (answer.outcome == Outcome::kNoPrice) {
      EXPECT_EQ(answer.detail, "its bonding curve is complete");
      ++complete;
      continue;
    }
    ASSERT_EQ(answer.outcome, Outcome::kFound) << answer.detail;
    uint64_t tokens = 0;
    uint64_t lamports = 0;
    std::memcpy(&tokens, account.data.data() + 8, sizeof tokens);
    std::memcpy(&lamports, account.data.data() + 16, sizeof lamports);
    // Lamports have nine decimals and tokens six.
    EXPECT_DOUBLE_EQ(answer.observations[0].value,
                     static_cast<double>(lamports) / static_cast<double>(tokens) / 1'000 * 80);
    EXPECT_EQ(answer.observations[0].event_time, kReferenceTime);
    EXPECT_EQ(answer.observations[0].venue.text(), "pump");
  }
  EXPECT_EQ(complete, 1) << "its reserves are zero";
}

TEST(ReadCurves, WhatIsNoCurveHasNoPrice) {
  const auto account = chain::testing::RecordedCurveAccounts().front();
  const std::string good = Account(chain::kPumpProgram, Text(account.data));
  const auto answer = [&](const std::string& body, const QuoteUsd& usd = Usd({{kSol, "80"}})) {
    return ReadCurves({kMint}, body, usd, kNow)[0];
  };
  EXPECT_EQ(answer(Response("null")).outcome, Outcome::kNotFound);
  EXPECT_EQ(answer(Response(Account(chain::kSplTokenProgram, Text(account.data)))).outcome, Outcome::kNotFound);
  EXPECT_EQ(answer(Response(Account(chain::kPumpProgram, "short"))).outcome, Outcome::kBadAnswer);
  EXPECT_EQ(answer(Response("7")).outcome, Outcome::kBadAnswer);
  EXPECT_EQ(answer(Response(R"({"owner":"x","data":["%%","base64"]})")).outcome, Outcome::kNotFound);
  EXPECT_EQ(answer(Response("")).outcome, Outcome::kBadAnswer);
  EXPECT_EQ(answer("<html>").outcome, Outcome::kBadAnswer);
  EXPECT_EQ(answer(R"({"error":{"code":429,"message":"Too many requests"}})").outcome, Outcome::kRateLimited);
  EXPECT_EQ(answer(R"({"error":{"code":-32005,"message":"limit"}})").outcome, Outcome::kRateLimited);
  EXPECT_EQ(answer(R"({"error":{"code":-32603,"message":"internal"}})").outcome, Outcome::kUnavailable);
  const ProviderAnswer unpriced = answer(Response(good), Usd({}));
  EXPECT_EQ(unpriced.outcome, Outcome::kNoPrice);
  EXPECT_THAT(unpriced.detail, HasSubstr("So1111"));
  EXPECT_EQ(answer(Response(good), Usd({{kSol, "0"}})).outcome, Outcome::kNoPrice);
  EXPECT_EQ(answer(Response(good), Usd({{kSol, "nan"}})).outcome, Outcome::kNoPrice);
}

TEST(ReadCurves, ACurveInAnotherAssetIsPricedInThat) {
  auto account = chain::testing::RecordedCurveAccounts().front();
  account.data.resize(151);
  const TokenRef usdc = Solana("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v");
  const auto key = chain::ParsePubkey(usdc.address.text()).value();
  std::copy(key.bytes.begin(), key.bytes.end(), account.data.begin() + 83);
  const std::string body = Response(Account(chain::kPumpProgram, Text(account.data)));
  EXPECT_EQ(ReadCurves({kMint}, body, Usd({{kSol, "80"}}), kNow)[0].outcome, Outcome::kNoPrice);
  const ProviderAnswer answer = ReadCurves({kMint}, body, Usd({{usdc, "1"}}), kNow)[0];
  ASSERT_EQ(answer.outcome, Outcome::kFound);
  // 30,000 USDC (6 decimals) where SOL (9 decimals) has 30.
  EXPECT_NEAR(answer.observations[0].value, 30'000 / 1.073e9, 1e-9);
  // An asset of unknown decimals.
  std::fill(account.data.begin() + 83, account.data.begin() + 115, uint8_t{9});
  const ProviderAnswer unknown =
      ReadCurves({kMint}, Response(Account(chain::kPumpProgram, Text(account.data))), Usd({{kSol, "80"}}), kNow)[0];
  EXPECT_EQ(unknown.outcome, Outcome::kNoPrice);
  EXPECT_THAT(unknown.detail, HasSubstr("decimals"));
}

class FakeFetcher final : public common::HttpFetcher {
 public:
  void Fetch(common::HttpRequest request, common::HttpCallback done) override {
    requests.push_back(request);
    done(answer(request));
  }
  std::vector<common::HttpRequest> requests;
  std::function<absl::StatusOr<common::HttpResponse>(const common::HttpRequest&)> answer;
};
common::HttpResponse Ok(std::string body) {
  common::HttpResponse response;
  response.status_code = 200;
  response.body = std::move(body);
  return response;
}

TEST(SolanaOnchainProvider, AsksForTheCurvesOfAllTokensAtOnce) {
  common::FakeClock clock;
  FakeFetcher http;
  http.answer = [](const common::HttpRequest&) { return Ok(Response("null,null")); };
  SolanaOnchainProvider provider({"https://rpc.example"}, Usd({}), http, clock);
  std::vector<ProviderAnswer> answers;
  provider.Ask({kMint, kOther}, kNow, [&](std::vector<ProviderAnswer> said) { answers = std::move(said); });
  ASSERT_THAT(answers, SizeIs(2));
  EXPECT_EQ(answers[1].outcome, Outcome::kNotFound);
  const auto body = boost::json::parse(http.requests[0].body);
  EXPECT_EQ(body.at("method").as_string(), "getMultipleAccounts");
  const auto& keys = body.at("params").at(0).as_array();
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(std::string(keys[0].as_string()),
            chain::BondingCurveAddress(chain::ParsePubkey(kMint.address.text()).value()).ToAddress().text());
  EXPECT_EQ(http.requests[0].max_redirects, 0);
}

// --- Uniswap and its like ---

TEST(EvmAbi, WordsAndAddresses) {
  EXPECT_EQ(
      evm::CallData(evm::kGetPool, {evm::Argument(kUsdc.address), evm::Argument(kWeth.address), evm::Argument(500)}),
      "0x1698ee82"
      "000000000000000000000000a0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
      "000000000000000000000000c02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
      "00000000000000000000000000000000000000000000000000000000000001f4");
  const auto words = evm::ReadWords(absl::StrCat("0x", evm::Argument(kUsdc.address), evm::Argument(7)));
  ASSERT_TRUE(words.has_value());
  ASSERT_THAT(*words, SizeIs(2));
  EXPECT_EQ(evm::ReadAddress((*words)[0]), kUsdc.address);
  EXPECT_EQ((*words)[1], 7);
  EXPECT_EQ(evm::ReadAddress(0), std::nullopt);
  EXPECT_EQ(evm::ReadAddress(WideInteger(1) << 160), std::nullopt);
  EXPECT_EQ(evm::ReadAddress(1)->text(), "0x0000000000000000000000000000000000000001");
  EXPECT_EQ(evm::ReadWords(""), std::nullopt);
  EXPECT_EQ(evm::ReadWords("0x12"), std::nullopt);
  EXPECT_EQ(evm::ReadWords(absl::StrCat("0x", std::string(64, 'z'))), std::nullopt);
  EXPECT_THAT(evm::ReadWords("0x").value(), SizeIs(0));
}

// Uniswap's primer on V3 mathematics (blog.uniswap.org/uniswap-v3-math-primer): this square root in USDC/WETH is
// 1,540.82 USDC a WETH.
TEST(EvmAbi, TheSquareRootOfAPrice) {
  const WideInteger root("2018382873588440326581633304624437");
  const evm::UnitRatio usdc = evm::OfSqrtPrice(root, true);
  EXPECT_NEAR(Divide(usdc.quote_units, usdc.token_units), 649'004'842.70137, 0.001);
  const evm::UnitRatio weth = evm::OfSqrtPrice(root, false);
  EXPECT_NEAR(Divide(WideInteger(weth.quote_units * 1'000'000'000'000), weth.token_units), 1'540.82, 0.005);
  // The largest square root a pool can have needs 320 bits.
  const WideInteger largest("1461446703485210103287273052203988822378723970342");
  const evm::UnitRatio extreme = evm::OfSqrtPrice(largest, true);
  EXPECT_GT(msb(extreme.quote_units), 318u);
  EXPECT_NEAR(std::log2(Divide(extreme.quote_units, extreme.token_units)), 128, 1e-3);
}

TEST(EvmExchanges, EveryConstantIsAnAddress) {
  for (const Chain chain : {Chain::kEthereum, Chain::kBase, Chain::kBsc}) {
    const evm::Exchanges& exchanges = evm::ExchangesOf(chain);
    EXPECT_THAT(exchanges.factories, SizeIs(2));
    EXPECT_THAT(exchanges.quotes, SizeIs(2));
    for (const auto& factory : exchanges.factories) {
      EXPECT_FALSE(factory.address.empty());
      EXPECT_EQ(factory.fees.empty(), factory.kind == evm::PoolKind::kV2);
      EXPECT_LE(factory.venue.size(), pricing::Word::kMaxSize);
    }
    for (const auto& quote : exchanges.quotes) EXPECT_FALSE(quote.address.empty());
  }
  EXPECT_TRUE(evm::ExchangesOf(Chain::kSolana).factories.empty());
}

// A node that knows the results of some calls, by "to:data"; the others are reverted.
class FakeNode {
 public:
  void Set(const chain::Address& to, const std::string& data, const std::string& result) {
    results_[absl::StrCat(to.text(), ":", data)] = result;
  }
  absl::StatusOr<common::HttpResponse> operator()(const common::HttpRequest& request) {
    boost::json::array answers;
    const boost::json::value batch = boost::json::parse(request.body);
    for (const boost::json::value& call : batch.as_array()) {
      ++calls;
      const boost::json::value& params = call.at("params").at(0);
      const auto found = results_.find(
          absl::StrCat(std::string(params.at("to").as_string()), ":", std::string(params.at("data").as_string())));
      boost::json::object answer{{"jsonrpc", "2.0"}, {"id", call.at("id")}};
      if (found == results_.end()) {
        answer["error"] = {{"code", 3}, {"message", "execution reverted"}};
      } else {
        answer["result"] = found->second;
      }
      // Nodes may answer in any order.
      answers.insert(answers.begin(), answer);
    }
    return Ok(boost::json::serialize(answers));
  }
  int calls = 0;

 private:
  std::map<std::string, std::string> results_;
};

std::string Hex(std::initializer_list<std::string> words) {
  std::string hex = "0x";
  for (const std::string& word : words) {
    std::string digits = WideInteger(word).str(0, std::ios_base::hex);
    absl::StrAppend(&hex, std::string(64 - digits.size(), '0'), digits);
  }
  return hex;
}
std::string HexOf(const chain::Address& address) { return absl::StrCat("0x", evm::Argument(address)); }

class EvmOnchainTest : public ::testing::Test {
 protected:
  EvmOnchainTest() {
    http_.answer = [this](const common::HttpRequest& request) { return node_(request); };
    const evm::Exchanges& exchanges = evm::ExchangesOf(Chain::kEthereum);
    v2_ = exchanges.factories[0].address;
    v3_ = exchanges.factories[1].address;
    provider_ = std::make_unique<EvmOnchainProvider>(Chain::kEthereum, HttpProviderOptions{"https://node.example"},
                                                     Usd({{kWeth, "2000"}, {kUsdc, "1"}}), http_, clock_);
  }
  void HasToken(const TokenRef& token, int decimals) {
    node_.Set(token.address, "0x313ce567", Hex({absl::StrCat(decimals)}));
  }
  void HasPair(const TokenRef& token, const TokenRef& quote, const TokenRef& pair, const std::string& reserve0,
               const std::string& reserve1) {
    node_.Set(v2_, evm::CallData(evm::kGetPair, {evm::Argument(token.address), evm::Argument(quote.address)}),
              HexOf(pair.address));
    node_.Set(pair.address, "0x0902f1ac", Hex({reserve0, reserve1, "1700000000"}));
  }
  ProviderAnswer Ask(const TokenRef& token) {
    EXPECT_TRUE(provider_->Admit().granted);
    ProviderAnswer answer;
    provider_->Ask({token}, kNow, [&](std::vector<ProviderAnswer> said) { answer = said.at(0); });
    return answer;
  }

  const TokenRef low_ = Ethereum("0x1111111111111111111111111111111111111111");
  const TokenRef high_ = Ethereum("0xffffffffffffffffffffffffffffffffffffffff");
  const TokenRef pair1_ = Ethereum("0x2222222222222222222222222222222222222222");
  const TokenRef pair2_ = Ethereum("0x3333333333333333333333333333333333333333");
  common::FakeClock clock_;
  FakeFetcher http_;
  FakeNode node_;
  chain::Address v2_;
  chain::Address v3_;
  std::unique_ptr<EvmOnchainProvider> provider_;
};

TEST_F(EvmOnchainTest, ReservesOfAV2Pair) {
  // 10 WETH against 1,000,000 tokens of 18 decimals: 0.02 USD each, whichever of the two is token0.
  HasToken(low_, 18);
  HasPair(low_, kWeth, pair1_, "1000000000000000000000000", "10000000000000000000");
  HasToken(high_, 9);
  HasPair(high_, kWeth, pair2_, "10000000000000000000", "1000000000000000");
  for (const TokenRef& token : {low_, high_}) {
    const ProviderAnswer answer = Ask(token);
    ASSERT_EQ(answer.outcome, Outcome::kFound) << answer.detail;
    EXPECT_EQ(answer.observations[0].value, 0.02);
    EXPECT_EQ(answer.observations[0].usd, "0.02");
    EXPECT_EQ(answer.observations[0].liquidity_usd, 40'000);
    EXPECT_EQ(answer.observations[0].venue.text(), "uniswap-v2");
    EXPECT_EQ(answer.observations[0].event_time, kReferenceTime);
  }
  EXPECT_EQ(Ask(low_).observations[0].pool, pair1_.address.text());
  // Finding the pools was one request, each price another.
  EXPECT_THAT(http_.requests, SizeIs(5));
  EXPECT_EQ(provider_->budget().used, 5);
}

TEST_F(EvmOnchainTest, TheSquareRootOfAV3Pool) {
  HasToken(kUsdc, 6);
  const std::string find =
      evm::CallData(evm::kGetPool, {evm::Argument(kUsdc.address), evm::Argument(kWeth.address), evm::Argument(500)});
  node_.Set(v3_, find, HexOf(pair1_.address));
  node_.Set(pair1_.address, "0x3850c7bd",
            Hex({"2018382873588440326581633304624437", "202919", "1", "1", "1", "0", "1"}));
  node_.Set(kWeth.address, evm::CallData(evm::kBalanceOf, {evm::Argument(pair1_.address)}),
            Hex({"50000000000000000000"}));
  const ProviderAnswer answer = Ask(kUsdc);
  ASSERT_EQ(answer.outcome, Outcome::kFound) << answer.detail;
  EXPECT_NEAR(answer.observations[0].value, 2'000 / 1'540.82, 1e-5);
  EXPECT_EQ(answer.observations[0].liquidity_usd, 200'000);
  EXPECT_EQ(answer.observations[0].venue.text(), "uniswap-v3");
}

TEST_F(EvmOnchainTest, APoolThatHoldsNothingSaysNothing) {
  HasToken(low_, 18);
  const std::string find =
      evm::CallData(evm::kGetPool, {evm::Argument(low_.address), evm::Argument(kWeth.address), evm::Argument(10'000)});
  node_.Set(v3_, find, HexOf(pair1_.address));
  // Somebody made a pool at a fancy price and put nothing in.
  node_.Set(pair1_.address, "0x3850c7bd", Hex({"2018382873588440326581633304624437", "1", "1", "1", "1", "0", "1"}));
  node_.Set(kWeth.address, evm::CallData(evm::kBalanceOf, {evm::Argument(pair1_.address)}), Hex({"0"}));
  const ProviderAnswer thin = Ask(low_);
  EXPECT_EQ(thin.outcome, Outcome::kNoPrice);
  EXPECT_EQ(thin.detail, "its pools hold next to nothing");
  HasToken(high_, 18);
  HasPair(high_, kWeth, pair2_, "0", "0");
  EXPECT_EQ(Ask(high_).detail, "the pool is empty");
}

TEST_F(EvmOnchainTest, TheMostLiquidOfSeveralPoolsIsBelieved) {
  HasToken(low_, 18);
  HasPair(low_, kWeth, pair1_, "1000000000000000000000000", "10000000000000000000");
  HasPair(low_, kUsdc, pair2_, "1000000000000000000000", "30000000");
  const ProviderAnswer answer = Ask(low_);
  ASSERT_EQ(answer.outcome, Outcome::kFound);
  EXPECT_EQ(answer.observations[0].value, 0.02) << "30 USD of liquidity are below the least";
  EXPECT_THAT(answer.observations, SizeIs(1));
}

TEST_F(EvmOnchainTest, WhatIsNoTokenOrHasNoPoolIsNotKnown) {
  EXPECT_EQ(Ask(low_).outcome, Outcome::kNotFound);
  // That is remembered, though not for ever.
  const int calls = node_.calls;
  HasToken(low_, 18);
  HasPair(low_, kWeth, pair1_, "1000000000000000000000000", "10000000000000000000");
  clock_.Advance(absl::Minutes(11));
  EXPECT_EQ(Ask(low_).outcome, Outcome::kFound);
  EXPECT_GT(node_.calls, calls);
  HasToken(high_, 77);
  HasPair(high_, kWeth, pair2_, "10000000000000000000", "1000000000000000");
  EXPECT_EQ(Ask(high_).outcome, Outcome::kNotFound) << "77 decimals";
}

TEST_F(EvmOnchainTest, ErrorsOfTheNode) {
  const auto outcome = [&](const absl::StatusOr<common::HttpResponse>& response) {
    http_.answer = [response](const common::HttpRequest&) { return response; };
    return Ask(low_).outcome;
  };
  EXPECT_EQ(outcome(absl::UnavailableError("")), Outcome::kUnavailable);
  EXPECT_EQ(outcome(Ok("<html>")), Outcome::kBadAnswer);
  EXPECT_EQ(outcome(Ok("[]")), Outcome::kBadAnswer);
  EXPECT_EQ(outcome(Ok("{}")), Outcome::kBadAnswer);
  EXPECT_EQ(outcome(Ok(R"({"error":{"code":-32000,"message":"x"}})")), Outcome::kUnavailable);
  EXPECT_EQ(outcome(Ok(R"({"error":{"code":-32005,"message":"daily request count exceeded"}})")),
            Outcome::kRateLimited);
  EXPECT_GT(provider_->budget().closed_until, clock_.Now()) << "a limit in a 200 closes the budget as well";
}

TEST_F(EvmOnchainTest, TheSecondCallNeedsBudgetToo) {
  HttpProviderOptions options{"https://node.example"};
  options.budget.requests = 1;
  EvmOnchainProvider poor(Chain::kEthereum, options, Usd({{kWeth, "2000"}}), http_, clock_);
  HasToken(low_, 18);
  HasPair(low_, kWeth, pair1_, "1000000000000000000000000", "10000000000000000000");
  const auto ask = [&] {
    ProviderAnswer answer;
    EXPECT_TRUE(poor.Admit().granted);
    poor.Ask({low_}, kNow, [&](std::vector<ProviderAnswer> said) { answer = said.at(0); });
    return answer;
  };
  EXPECT_EQ(ask().outcome, Outcome::kNoBudget);
  clock_.Advance(absl::Minutes(2));
  EXPECT_EQ(ask().outcome, Outcome::kFound) << "the pools are remembered";
}

}  // namespace
}  // namespace tokenwatch::pricing
