// What is read from the bodies of providers, recorded and made up.
#include <cmath>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "chain/testing/fixtures.h"
#include "pricing/oracle/providers/coingecko.h"
#include "pricing/oracle/providers/coinmarketcap.h"
#include "pricing/oracle/providers/dexscreener.h"
#include "pricing/oracle/providers/geckoterminal.h"
#include "pricing/oracle/providers/json_price.h"
#include "pricing/oracle/providers/jupiter.h"
#include "pricing/oracle/providers/pools.h"

namespace tokenwatch::pricing {
namespace {

using chain::Chain;
using chain::TokenRef;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;
using ::testing::SizeIs;

constexpr char kAbsent[] = "the recorded data is not there (../shared/data)";
const absl::Time kNow = absl::FromUnixSeconds(1'783'000'000);

TokenRef Solana(absl::string_view address) { return {Chain::kSolana, chain::Address::ParseSolana(address).value()}; }
TokenRef Evm(Chain chain, absl::string_view address) { return {chain, chain::Address::ParseEvm(address).value()}; }

const TokenRef kBonk = Solana("DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263");
const TokenRef kSol = Solana("So11111111111111111111111111111111111111112");
const TokenRef kUsdc = Solana("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v");
// Its one recorded pair has no liquidity.
const TokenRef kLiberty = Solana("B3cHPmFf6pokbEi1Y5ZyLSUSnXfrLQjMS5kFLEz7pump");

// The answer in a recording's wrapper.
std::string Recorded(absl::string_view path) {
  return boost::json::serialize(boost::json::parse(chain::testing::ReadFixture(path)).at("body"));
}

// --- Prices as JSON spells them ---

PriceField Field(const std::string& value) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  EXPECT_EQ(parser.parse(absl::StrCat("{\"p\":", value, "}")).get(root), simdjson::SUCCESS) << value;
  return ReadPrice(root["p"]);
}

TEST(ReadPrice, TakesTextsAndNumbers) {
  struct Row {
    const char* json;
    const char* text;
    double value;
  };
  for (const Row& row :
       {Row{"\"0.9992\"", "0.9992", 0.9992}, Row{"0.9992", "0.9992", 0.9992}, Row{"2", "2", 2},
        Row{"4.492159735952627e-06", "0.000004492159735952627", 4.492159735952627e-06}, Row{"\"1e-7\"", "1e-7", 1e-7},
        Row{"18446744073709551615", "18446744073709551616", 0x1p64},
        Row{"\"0.000805910302258908958083940464947410226423267085551873325986091456\"",
            "0.000805910302258908958083940464947410226423267085551873325986091456", 0.00080591030225890896}}) {
    const PriceField field = Field(row.json);
    EXPECT_EQ(field.kind, PriceField::Kind::kPrice) << row.json;
    EXPECT_EQ(field.text, row.text);
    EXPECT_EQ(field.value, row.value) << row.json;
  }
}

TEST(ReadPrice, WhatIsNoPriceIsNone) {
  for (const char* absent : {"null", "\"\"", "0", "\"0\"", "\"0.000\"", "0.0", "\"-0\""}) {
    EXPECT_EQ(Field(absent).kind, PriceField::Kind::kAbsent) << absent;
  }
  for (const char* wrong : {"-1",       "\"-0.5\"", "\"NaN\"", "\"nan\"",    "\"Infinity\"", "\"inf\"",   "\"1e999\"",
                            "\"0x10\"", "\"1,5\"",  "\"$1\"",  "\" 1\"",     "\"1 \"",       "\"+1\"",    "\".5\"",
                            "true",     "[1]",      "{}",      "\"1e-320\"", "1e-320",       "\"1.2.3\"", "\"--1\""}) {
    EXPECT_EQ(Field(wrong).kind, PriceField::Kind::kWrong) << wrong;
  }
  EXPECT_EQ(Field(absl::StrCat("\"", std::string(1'000, '9'), "\"")).kind, PriceField::Kind::kWrong);
  simdjson::dom::parser parser;
  EXPECT_EQ(ReadPrice(parser.parse(std::string("{}"))["p"]).kind, PriceField::Kind::kAbsent);
}

// --- Pools ---

Observation Pool(double value, std::optional<double> liquidity) {
  Observation observation;
  observation.value = value;
  observation.liquidity_usd = liquidity;
  return observation;
}
double Believed(std::vector<Observation> pools) {
  RankPools(pools);
  return pools.front().value;
}

TEST(RankPools, TheMostLiquidThatAgreesWithTheOthersIsBelieved) {
  EXPECT_EQ(Believed({Pool(2, std::nullopt)}), 2);
  EXPECT_EQ(Believed({Pool(1, 10), Pool(2, 20)}), 2) << "of two the more liquid one";
  EXPECT_EQ(Believed({Pool(1, 10), Pool(1.01, 20), Pool(5'000, 1e9)}), 1.01);
  EXPECT_EQ(Believed({Pool(1, 100), Pool(1.01, 90), Pool(9, 80)}), 1);
  // Dust has no say, however much of it there is.
  std::vector<Observation> dust = {Pool(1, 1'000), Pool(1.01, 900), Pool(0.99, 800)};
  for (int i = 0; i < 100; ++i) dust.push_back(Pool(50, 1));
  EXPECT_EQ(Believed(dust), 1);
  std::vector<Observation> ranked = {Pool(1, 10), Pool(5'000, 1e9), Pool(1.01, 20)};
  RankPools(ranked);
  EXPECT_EQ(ranked[1].value, 5'000) << "the others by liquidity";
  EXPECT_EQ(ranked[2].value, 1);
}

// --- DexScreener ---

TEST(ReadPairs, TheRecordedPoolOfAMispricedTokenIsNotBelieved) {
  const auto answers = ReadPairs({kBonk, kSol}, Recorded("dexscreener/latest_dex_tokens_bonk.json"), kNow);
  ASSERT_THAT(answers, SizeIs(2));
  ASSERT_EQ(answers[0].outcome, Outcome::kFound);
  EXPECT_THAT(answers[0].observations, SizeIs(30));
  const Observation& best = answers[0].observations[0];
  EXPECT_EQ(best.usd, "0.000004502");
  EXPECT_EQ(best.liquidity_usd, 258546.03);
  EXPECT_EQ(best.heard_at, kNow);
  EXPECT_EQ(best.event_time, std::nullopt);
  // The largest: 112 million USD against a token whose own price is wrong.
  EXPECT_EQ(answers[0].observations[1].usd, "0.02169");
  EXPECT_EQ(answers[1].outcome, Outcome::kNotFound) << "it is the quote of some of them";
}

TEST(ReadPairs, AMissingLiquidityIsNoMissingPrice) {
  const auto answers = ReadPairs({kLiberty}, Recorded("dexscreener/latest_dex_search_SOL_first20.json"), kNow);
  ASSERT_EQ(answers[0].outcome, Outcome::kFound);
  EXPECT_EQ(answers[0].observations[0].usd, "0.000008201");
  EXPECT_EQ(answers[0].observations[0].liquidity_usd, std::nullopt);
  EXPECT_EQ(answers[0].observations[0].venue.text(), "pumpfun");
}

TEST(ReadPairs, StringsAndNumbersAndCompositeAddresses) {
  const auto body = chain::testing::ReadSharedData("1_dexscreener/token_pairs_v1_ethereum_trimmed.json");
  if (!body.has_value()) GTEST_SKIP() << kAbsent;
  const TokenRef tether = Evm(Chain::kEthereum, "0xdac17f958d2ee523a2206206994597c13d831ec7");
  const auto answers = ReadPairs({tether}, *body, kNow);
  ASSERT_THAT(answers[0].observations, SizeIs(2));
  for (const Observation& observation : answers[0].observations) EXPECT_EQ(observation.usd, "0.9992");
  EXPECT_THAT(answers[0].observations[1].pool, HasSubstr("-"));
}

constexpr char kPair[] =
    R"({"chainId":"$0","dexId":"raydium","baseToken":{"address":"$1"},"quoteToken":{"address":"$2"},"priceNative":"7"$3})";
std::string Pair(const TokenRef& base, const TokenRef& quote, const std::string& rest) {
  return absl::Substitute(kPair, chain::ChainName(base.chain), base.address.text(), quote.address.text(), rest);
}
ProviderAnswer OfPairs(const TokenRef& token, const std::string& pairs) {
  return ReadPairs({token}, absl::StrCat("[", pairs, "]"), kNow)[0];
}

TEST(ReadPairs, OnlyTheBaseTokenIsPriced) {
  const std::string pair = Pair(kLiberty, kSol, R"(,"priceUsd":"3")");
  EXPECT_EQ(OfPairs(kSol, pair).outcome, Outcome::kNotFound);
  EXPECT_EQ(OfPairs(kLiberty, pair).observations[0].usd, "3");
}

TEST(ReadPairs, AnotherChainsTokenOfTheSameAddressIsAnotherToken) {
  const std::string address = "0x6982508145454Ce325dDbE47a25d4ec3d2311933";
  const std::string pair = absl::Substitute(kPair, "ethereum", address, "x", R"(,"priceUsd":"3")");
  EXPECT_EQ(OfPairs(Evm(Chain::kBase, address), pair).outcome, Outcome::kNotFound);
  EXPECT_EQ(OfPairs(Evm(Chain::kEthereum, address), pair).outcome, Outcome::kFound);
}

TEST(ReadPairs, APairWithoutAPriceIsNoZero) {
  EXPECT_EQ(OfPairs(kLiberty, Pair(kLiberty, kSol, "")).outcome, Outcome::kNoPrice);
  EXPECT_EQ(OfPairs(kLiberty, Pair(kLiberty, kSol, R"(,"priceUsd":null)")).outcome, Outcome::kNoPrice);
  EXPECT_EQ(OfPairs(kLiberty, Pair(kLiberty, kSol, R"(,"priceUsd":"0")")).outcome, Outcome::kNoPrice);
  EXPECT_EQ(OfPairs(kLiberty, Pair(kLiberty, kSol, R"(,"priceUsd":"-1")")).outcome, Outcome::kBadAnswer);
  EXPECT_EQ(OfPairs(kLiberty, Pair(kLiberty, kSol, R"(,"priceUsd":"NaN")")).outcome, Outcome::kBadAnswer);
  // One of several with a price is enough, before or after.
  for (const char* order : {"$0,$1", "$1,$0"}) {
    const ProviderAnswer answer = OfPairs(
        kLiberty, absl::Substitute(order, Pair(kLiberty, kSol, ""), Pair(kLiberty, kSol, R"(,"priceUsd":2.5)")));
    EXPECT_EQ(answer.outcome, Outcome::kFound);
    EXPECT_EQ(answer.observations[0].usd, "2.5");
    EXPECT_TRUE(answer.detail.empty());
  }
}

TEST(ReadPairs, BadBodiesAreAnswersToo) {
  const auto outcome = [](const std::string& body) { return ReadPairs({kLiberty}, body, kNow)[0].outcome; };
  EXPECT_EQ(outcome(R"({"schemaVersion":"1.0.0","pairs":null})"), Outcome::kNotFound);
  EXPECT_EQ(outcome("[]"), Outcome::kNotFound);
  EXPECT_EQ(outcome("<!DOCTYPE html><html><body>Just a moment...</body></html>"), Outcome::kBadAnswer);
  EXPECT_EQ(outcome(""), Outcome::kBadAnswer);
  EXPECT_EQ(outcome(R"([{"chainId":"solana","baseToken":{"addr)"), Outcome::kBadAnswer);
  EXPECT_EQ(outcome("17"), Outcome::kBadAnswer);
  EXPECT_EQ(outcome("null"), Outcome::kNotFound);
  EXPECT_EQ(outcome(R"({"error":"x"})"), Outcome::kBadAnswer);
  EXPECT_EQ(outcome(R"({"pairs":{"a":1}})"), Outcome::kBadAnswer);
  EXPECT_EQ(outcome(std::string(2'000, '[')), Outcome::kBadAnswer);
  const std::string mixed = absl::StrCat(R"([null,7,"x",{"chainId":1},{"chainId":"solana","baseToken":[]},)",
                                         Pair(kLiberty, kSol, R"(,"priceUsd":"3","liquidity":"x")"), "]");
  EXPECT_EQ(outcome(mixed), Outcome::kFound);
}

// --- Jupiter ---

TEST(ReadJupiterPrices, RecordedNumbers) {
  const auto answers = ReadJupiterPrices({kBonk, kSol, kUsdc}, Recorded("price_apis/jupiter_price_v3.json"), kNow);
  EXPECT_EQ(answers[0].observations[0].usd, "0.000004492159735952627");
  EXPECT_EQ(answers[0].observations[0].value, 4.492159735952627e-06);
  EXPECT_DOUBLE_EQ(answers[0].observations[0].liquidity_usd.value(), 1195149.2606265605);
  EXPECT_EQ(answers[1].observations[0].usd, "81.63299710462975");
  EXPECT_EQ(answers[2].outcome, Outcome::kNotFound) << "unpriced mints are left out";
}

TEST(ReadJupiterPrices, ErrorsInA200) {
  const auto outcome = [](const std::string& body) { return ReadJupiterPrices({kSol}, body, kNow)[0].outcome; };
  EXPECT_EQ(outcome("{}"), Outcome::kNotFound);
  EXPECT_EQ(outcome(R"({"error":"internal"})"), Outcome::kBadAnswer);
  EXPECT_EQ(outcome(R"({"code":401,"message":"Unauthorized"})"), Outcome::kBadAnswer);
  EXPECT_EQ(outcome("[]"), Outcome::kBadAnswer);
  EXPECT_EQ(outcome("<html>"), Outcome::kBadAnswer);
  const std::string sol(kSol.address.text());
  EXPECT_EQ(outcome(absl::StrCat("{\"", sol, "\":null}")), Outcome::kNoPrice);
  EXPECT_EQ(outcome(absl::StrCat("{\"", sol, "\":{\"decimals\":9}}")), Outcome::kNoPrice);
  EXPECT_EQ(outcome(absl::StrCat("{\"", sol, "\":{\"usdPrice\":-2}}")), Outcome::kBadAnswer);
  EXPECT_EQ(outcome(absl::StrCat("{\"", sol, "\":{\"usdPrice\":\"81.5\"}}")), Outcome::kFound);
}

// --- GeckoTerminal ---

TEST(ReadGeckoTerminal, RecordedPoolsPriceTheirBaseToken) {
  const TokenRef lojak = Solana("HS4DWjgJ2h51PCnhh95saqgLQ21Zps6VABK1vi9gpump");
  const std::string body = Recorded("price_apis/geckoterminal_trending_pools.json");
  const auto answers = ReadGeckoTerminal({lojak, kSol}, body, kNow);
  ASSERT_EQ(answers[0].outcome, Outcome::kFound);
  EXPECT_EQ(answers[0].observations[0].usd, "0.000805910302258908958083940464947410226423267085551873325986091456");
  EXPECT_EQ(answers[0].observations[0].liquidity_usd, 90210.0468);
  EXPECT_EQ(answers[0].observations[0].venue.text(), "pumpswap");
  EXPECT_EQ(answers[0].observations[0].pool, "BfVhUY3Y2FuvzQZUPpyyHsaoh8CiYdVAXJ25zystWURu");
  EXPECT_EQ(answers[1].outcome, Outcome::kNotFound) << "it is the quote of all of them";
}

constexpr char kGecko[] = R"({"data":[{"id":"$0_$1","type":"token","attributes":{"price_usd":$2,)"
                          R"("total_reserve_in_usd":"1000.5"}}],"included":[{"id":"p","type":"pool","attributes":)"
                          R"({"base_token_price_usd":"5","reserve_in_usd":"10","address":"x"},"relationships":)"
                          R"({"base_token":{"data":{"id":"$0_$1"}},"dex":{"data":{"id":"uniswap_v2"}}}}]})";

TEST(ReadGeckoTerminal, TheTokensOwnPriceGoesBeforeItsPools) {
  const TokenRef token = Evm(Chain::kEthereum, "0x6982508145454ce325ddbe47a25d4ec3d2311933");
  const auto read = [&](absl::string_view network, absl::string_view price) {
    return ReadGeckoTerminal({token}, absl::Substitute(kGecko, network, token.address.text(), price), kNow)[0];
  };
  const ProviderAnswer own = read("eth", "\"4.5\"");
  ASSERT_THAT(own.observations, SizeIs(2));
  EXPECT_EQ(own.observations[0].usd, "4.5");
  EXPECT_EQ(own.observations[0].liquidity_usd, 1000.5);
  EXPECT_EQ(own.observations[1].usd, "5");
  EXPECT_EQ(own.observations[1].venue.text(), "uniswap_v2");
  EXPECT_EQ(read("eth", "null").outcome, Outcome::kNoPrice) << "it has decided not to tell one";
  EXPECT_EQ(read("eth", "\"-4\"").outcome, Outcome::kBadAnswer);
  EXPECT_EQ(read("base", "\"4.5\"").outcome, Outcome::kNotFound) << "another network's";
}

TEST(ReadGeckoTerminal, BadBodies) {
  const auto outcome = [](const std::string& body) { return ReadGeckoTerminal({kSol}, body, kNow)[0].outcome; };
  EXPECT_EQ(outcome(R"({"data":[]})"), Outcome::kNotFound);
  EXPECT_EQ(outcome(R"({"data":[null,3,{"type":"token"},{"type":"pool","relationships":[]}]})"), Outcome::kNotFound);
  EXPECT_EQ(outcome(R"({"errors":[{"status":"400","title":"bad"}]})"), Outcome::kBadAnswer);
  EXPECT_EQ(outcome(R"({"status":{"error_code":429}})"), Outcome::kBadAnswer);
  EXPECT_EQ(outcome("<html>"), Outcome::kBadAnswer);
  EXPECT_EQ(outcome(""), Outcome::kBadAnswer);
}

// --- CoinGecko ---

TEST(ReadTokenPrices, PricesByAddressOfAnyCase) {
  const TokenRef pepe = Evm(Chain::kEthereum, "0x6982508145454ce325ddbe47a25d4ec3d2311933");
  const TokenRef other = Evm(Chain::kEthereum, "0x6982508145454ce325ddbe47a25d4ec3d2311934");
  const auto answers = ReadTokenPrices(
      {pepe, other},
      R"({"data":{"id":"1","type":"simple_token_price","attributes":{"token_prices":{)"
      R"("0x6982508145454Ce325dDbE47a25d4ec3d2311933":"0.00001","0x6982508145454ce325ddbe47a25d4ec3d2311934":null},)"
      R"("total_reserve_in_usd":{"0x6982508145454Ce325dDbE47a25d4ec3d2311933":"7000.5"}}}})",
      kNow);
  EXPECT_EQ(answers[0].observations[0].usd, "0.00001");
  EXPECT_EQ(answers[0].observations[0].liquidity_usd, 7000.5);
  EXPECT_EQ(answers[1].outcome, Outcome::kNoPrice);
}

TEST(ReadTokenPrices, AnErrorInA200IsWhatItSays) {
  const auto outcome = [](const std::string& body) { return ReadTokenPrices({kSol}, body, kNow)[0].outcome; };
  EXPECT_EQ(outcome(R"({"status":{"error_code":429,"error_message":"You've exceeded the Rate Limit."}})"),
            Outcome::kRateLimited);
  EXPECT_EQ(outcome(R"({"status":{"error_code":10002,"error_message":"API Key Missing"}})"), Outcome::kRefused);
  EXPECT_EQ(outcome(R"({"status":{"error_code":500}})"), Outcome::kBadAnswer);
  EXPECT_EQ(outcome(R"({"errors":[{"status":"404"}]})"), Outcome::kBadAnswer);
  EXPECT_EQ(outcome(R"({"data":{"attributes":{"token_prices":{}}}})"), Outcome::kNotFound);
  EXPECT_EQ(outcome("<html>"), Outcome::kBadAnswer);
  EXPECT_EQ(outcome("[]"), Outcome::kBadAnswer);
  const auto recorded = chain::testing::ReadSharedData("5_price_apis/error_bodies_a.jsonl");
  if (!recorded.has_value()) GTEST_SKIP() << kAbsent;
  int seen = 0;
  for (const std::string& line : chain::testing::Lines(*recorded)) {
    const auto entry = boost::json::parse(line);
    const std::string body(entry.at("body").as_string());
    if (entry.at("provider").as_string() == "coingecko") {
      EXPECT_EQ(outcome(body), Outcome::kRateLimited) << body;
      ++seen;
    } else if (entry.at("provider").as_string() == "dexscreener") {
      EXPECT_EQ(ReadPairs({kSol}, body, kNow)[0].outcome, Outcome::kNotFound);
      ++seen;
    }
  }
  EXPECT_EQ(seen, 4);
}

// --- CoinMarketCap ---

constexpr char kCoin[] = R"({"id":$0,"quote":{"USD":{"price":$1,"last_updated":"2022-06-16T07:10:00.000Z"}}})";

TEST(ReadQuotes, CoinsByIdOrInArrays) {
  const std::string sol = absl::Substitute(kCoin, 5426, "81.5");
  for (const std::string& data : {absl::StrCat("{\"5426\":", sol, "}"), absl::StrCat("{\"SOL\":[", sol, "]}")}) {
    const auto answers =
        ReadQuotes({kSol, kUsdc}, absl::StrCat(R"({"status":{"error_code":0},"data":)", data, "}"), kNow);
    ASSERT_EQ(answers[0].outcome, Outcome::kFound) << data;
    EXPECT_EQ(answers[0].observations[0].usd, "81.5");
    EXPECT_EQ(answers[0].observations[0].event_time, absl::FromUnixSeconds(1'655'363'400));
    EXPECT_EQ(answers[1].outcome, Outcome::kNotFound);
  }
  EXPECT_EQ(CoinMarketCapId(kBonk), std::nullopt);
  EXPECT_EQ(CoinMarketCapId(Evm(Chain::kBase, "0x4200000000000000000000000000000000000006")), 1027);
}

TEST(ReadQuotes, TheStatusCountsEvenInA200) {
  const auto outcome = [](const std::string& body) { return ReadQuotes({kSol}, body, kNow)[0].outcome; };
  const auto status = [&](absl::string_view code) {
    return outcome(absl::StrCat(R"({"status":{"error_code":)", code, R"(,"error_message":"x"},"data":{}})"));
  };
  EXPECT_EQ(status("0"), Outcome::kNotFound);
  EXPECT_EQ(status("\"0\""), Outcome::kNotFound);
  for (const char* code : {"1008", "1009", "1010", "1011", "\"1008\""}) EXPECT_EQ(status(code), Outcome::kRateLimited);
  for (const char* code : {"1001", "1002", "1005"}) EXPECT_EQ(status(code), Outcome::kRefused);
  EXPECT_EQ(status("500"), Outcome::kBadAnswer);
  EXPECT_EQ(outcome("{}"), Outcome::kBadAnswer);
  EXPECT_EQ(outcome("<html>"), Outcome::kBadAnswer);
  EXPECT_EQ(outcome(absl::StrCat(R"({"status":{"error_code":0},"data":{"5426":)", absl::Substitute(kCoin, 5426, "null"),
                                 "}}")),
            Outcome::kNoPrice);
  EXPECT_EQ(
      outcome(absl::StrCat(R"({"status":{"error_code":0},"data":{"5426":)", absl::Substitute(kCoin, 5426, "-3"), "}}")),
      Outcome::kBadAnswer);
}

TEST(ReadQuotes, RecordedBodiesAreRead) {
  for (const char* name : {"slug", "symbol"}) {
    const auto body =
        chain::testing::ReadSharedData(absl::StrCat("5_price_apis/coinmarketcap_v2_by_", name, "_quotes_latest.json"));
    if (!body.has_value()) GTEST_SKIP() << kAbsent;
    // They are about Bitcoin, which is no token of the table.
    EXPECT_EQ(ReadQuotes({kSol}, *body, kNow)[0].outcome, Outcome::kNotFound);
    std::string as_sol = *body;
    const size_t id = as_sol.find("\"id\":1,");
    ASSERT_NE(id, std::string::npos);
    as_sol.replace(id, 7, "\"id\":5426,");
    const ProviderAnswer answer = ReadQuotes({kSol}, as_sol, kNow)[0];
    ASSERT_EQ(answer.outcome, Outcome::kFound) << name;
    EXPECT_NEAR(answer.observations[0].value, 21'900, 200);
    EXPECT_TRUE(answer.observations[0].event_time.has_value());
  }
}

}  // namespace
}  // namespace tokenwatch::pricing
