// Bodies that were damaged on their way: whatever is read from them, it is a price or none.
#include <cmath>
#include <functional>
#include <random>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "chain/solana/programs.h"
#include "chain/testing/fixtures.h"
#include "pricing/oracle/providers/coingecko.h"
#include "pricing/oracle/providers/coinmarketcap.h"
#include "pricing/oracle/providers/dexscreener.h"
#include "pricing/oracle/providers/geckoterminal.h"
#include "pricing/oracle/providers/jupiter.h"
#include "pricing/oracle/providers/onchain_solana.h"

namespace tokenwatch::pricing {
namespace {

using Tokens = std::vector<chain::TokenRef>;
using Reader = std::function<std::vector<ProviderAnswer>(const Tokens&, const std::string&)>;

constexpr int kMutations = 3'000;
const absl::Time kNow = absl::FromUnixSeconds(1'783'000'000);

chain::TokenRef Solana(absl::string_view address) {
  return {chain::Chain::kSolana, chain::Address::ParseSolana(address).value()};
}
const Tokens kTokens = {Solana("DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263"),
                        Solana("So11111111111111111111111111111111111111112"),
                        Solana("HS4DWjgJ2h51PCnhh95saqgLQ21Zps6VABK1vi9gpump")};

std::string Recorded(absl::string_view path) {
  return boost::json::serialize(boost::json::parse(chain::testing::ReadFixture(path)).at("body"));
}

std::string Mutate(std::string body, std::mt19937_64& random) {
  static constexpr char kBytes[] = "\"{}[],:-+.eE0129nulltrue\\\x80\xff";
  const auto at = [&] { return static_cast<size_t>(random() % body.size()); };
  for (uint64_t changes = 1 + random() % 8; changes > 0 && !body.empty(); --changes) {
    switch (random() % 5) {
      case 0:
        body[at()] = kBytes[random() % (sizeof kBytes - 1)];
        break;
      case 1:
        body.erase(at(), random() % 40);
        break;
      case 2:
        body.insert(at(), body.substr(at(), random() % 40));
        break;
      case 3:
        body[at()] = static_cast<char>(random());
        break;
      default:
        if (random() % 20 == 0) body.resize(at());
    }
  }
  return body;
}

void Check(const std::vector<ProviderAnswer>& answers, size_t count) {
  ASSERT_EQ(answers.size(), count);
  for (const ProviderAnswer& answer : answers) {
    EXPECT_EQ(answer.outcome == Outcome::kFound, !answer.observations.empty());
    for (const Observation& observation : answer.observations) {
      ASSERT_TRUE(std::isfinite(observation.value) && observation.value > 0) << observation.usd;
      ASSERT_FALSE(observation.usd.empty());
      ASSERT_TRUE(!observation.liquidity_usd.has_value() ||
                  (std::isfinite(*observation.liquidity_usd) && *observation.liquidity_usd >= 0));
    }
  }
}

void Damage(const Reader& read, const std::string& body) {
  std::mt19937_64 random(11);
  const std::vector<ProviderAnswer> whole = read(kTokens, body);
  Check(whole, kTokens.size());
  int found = 0;
  int different = 0;
  for (int i = 0; i < kMutations; ++i) {
    const std::vector<ProviderAnswer> answers = read(kTokens, Mutate(body, random));
    Check(answers, kTokens.size());
    for (size_t j = 0; j < answers.size(); ++j) {
      if (answers[j].outcome == Outcome::kFound) ++found;
      if (answers[j].outcome != whole[j].outcome) ++different;
    }
  }
  // The damage was neither none nor complete.
  EXPECT_GT(found, 0);
  EXPECT_GT(different, kMutations / 10);
}

TEST(DamagedBodies, DexScreener) {
  // Cut to its first pairs, so that most changes hit something.
  boost::json::value body = boost::json::parse(Recorded("dexscreener/latest_dex_tokens_bonk.json"));
  body.at("pairs").as_array().resize(2);
  Damage([](const Tokens& tokens, const std::string& text) { return ReadPairs(tokens, text, kNow); },
         boost::json::serialize(body));
}

TEST(DamagedBodies, GeckoTerminal) {
  boost::json::value body = boost::json::parse(Recorded("price_apis/geckoterminal_trending_pools.json"));
  body.at("data").as_array().resize(2);
  Damage([](const Tokens& tokens, const std::string& text) { return ReadGeckoTerminal(tokens, text, kNow); },
         boost::json::serialize(body));
}

TEST(DamagedBodies, Jupiter) {
  Damage([](const Tokens& tokens, const std::string& text) { return ReadJupiterPrices(tokens, text, kNow); },
         Recorded("price_apis/jupiter_price_v3.json"));
}

TEST(DamagedBodies, CoinGecko) {
  Damage([](const Tokens& tokens, const std::string& text) { return ReadTokenPrices(tokens, text, kNow); },
         absl::StrCat(R"({"data":{"attributes":{"token_prices":{")", kTokens[0].address.text(), R"(":"0.0000045",")",
                      kTokens[1].address.text(), R"(":81.5},"total_reserve_in_usd":{")", kTokens[0].address.text(),
                      R"(":"7000.5"}}}})"));
}

TEST(DamagedBodies, CoinMarketCap) {
  Damage([](const Tokens& tokens, const std::string& text) { return ReadQuotes(tokens, text, kNow); },
         R"({"status":{"error_code":0,"error_message":null},"data":{"5426":{"id":5426,"quote":{"USD":{"price":81.5,)"
         R"("last_updated":"2022-06-16T07:10:00.000Z"}}}}})");
}

TEST(DamagedBodies, BondingCurves) {
  const QuoteUsd usd = [](const chain::TokenRef& quote) {
    return std::optional<Reference>(Reference{quote, kNow, "80", Word("test")});
  };
  std::string accounts;
  const auto recorded = chain::testing::RecordedCurveAccounts();
  for (size_t i = 0; i < kTokens.size(); ++i) {
    const auto& data = recorded[i].data;
    absl::StrAppend(&accounts, i == 0 ? "" : ",", R"({"owner":")", chain::kPumpProgram, R"(","data":[")",
                    absl::Base64Escape(std::string(data.begin(), data.end())), R"(","base64"]})");
  }
  Damage([&](const Tokens& tokens, const std::string& text) { return ReadCurves(tokens, text, usd, kNow); },
         absl::StrCat(R"({"result":{"value":[)", accounts, "]}}"));
}

}  // namespace
}  // namespace tokenwatch::pricing
