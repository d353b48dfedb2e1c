#include "pricing/oracle/providers/coinmarketcap.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "pricing/oracle/providers/json_price.h"
#include "simdjson.h"

namespace tokenwatch::pricing {
namespace {

using chain::Chain;
using Json = simdjson::dom::element;

struct Asset {
  Chain chain;
  absl::string_view address;
  int64_t id;
};
constexpr int64_t kSol = 5426;
constexpr int64_t kEther = 1027;
constexpr int64_t kBnb = 1839;
constexpr int64_t kUsdc = 3408;
constexpr int64_t kTether = 825;
constexpr Asset kAssets[] = {
    {Chain::kSolana, "So11111111111111111111111111111111111111112", kSol},
    {Chain::kSolana, "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", kUsdc},
    {Chain::kSolana, "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB", kTether},
    {Chain::kEthereum, "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", kEther},
    {Chain::kEthereum, "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", kUsdc},
    {Chain::kEthereum, "0xdac17f958d2ee523a2206206994597c13d831ec7", kTether},
    {Chain::kBase, "0x4200000000000000000000000000000000000006", kEther},
    {Chain::kBase, "0x833589fcd6edb6e08f4c7c32d4f71b54bda02913", kUsdc},
    {Chain::kBsc, "0xbb4cdb9cbd36b01bd1cbaebf2de08d9173bc095c", kBnb},
    {Chain::kBsc, "0x55d398326f99059ff775485246999027b3197955", kTether},
    {Chain::kBsc, "0x8ac76a51cc950d9822d68b83fe1ad97b32cd580d", kUsdc},
};

// https://coinmarketcap.com/api/documentation/v1/#section/Errors-and-Rate-Limits: 1008 a minute's, 1009 a day's and
// 1010 a month's limit, 1011 that of the address; 1001 to 1007 are about the key and its plan.
constexpr int64_t kFirstLimit = 1'008;
constexpr int64_t kLastLimit = 1'011;
constexpr int64_t kFirstKeyError = 1'001;
constexpr int64_t kLastKeyError = 1'007;

struct Quote {
  int64_t id = 0;
  PriceField price;
  std::optional<absl::Time> event_time;
};

void ReadCoin(const Json& coin, std::vector<Quote>& quotes) {
  const std::optional<int64_t> id = ReadInteger(coin["id"]);
  if (!id.has_value()) return;
  const auto usd = coin["quote"]["USD"];
  quotes.push_back({*id, ReadPrice(usd["price"]), ReadTime(usd["last_updated"])});
}

}  // namespace

std::optional<int64_t> CoinMarketCapId(const chain::TokenRef& token) {
  for (const Asset& asset : kAssets) {
    if (asset.chain == token.chain && asset.address == token.address.text()) return asset.id;
  }
  return std::nullopt;
}

common::HttpRequest CoinMarketCapProvider::Request(const std::vector<chain::TokenRef>& tokens) const {
  std::set<int64_t> ids;
  for (const chain::TokenRef& token : tokens) {
    if (const std::optional<int64_t> id = CoinMarketCapId(token)) ids.insert(*id);
  }
  common::HttpRequest request;
  request.url =
      absl::StrCat(options().base_url, "/v2/cryptocurrency/quotes/latest?id=", absl::StrJoin(ids, ","), "&convert=USD");
  request.headers = {{"Accept", "application/json"}};
  if (!options().api_key.empty()) request.headers.Add("X-CMC_PRO_API_KEY", options().api_key);
  return request;
}

std::vector<ProviderAnswer> CoinMarketCapProvider::Read(const std::vector<chain::TokenRef>& tokens,
                                                        const std::string& body, absl::Time heard_at) const {
  return ReadQuotes(tokens, body, heard_at);
}

std::vector<ProviderAnswer> ReadQuotes(const std::vector<chain::TokenRef>& tokens, const std::string& body,
                                       absl::Time heard_at) {
  simdjson::dom::parser parser;
  Json root;
  if (parser.parse(body).get(root) != simdjson::SUCCESS) {
    return Answers::ForAll(tokens.size(), Outcome::kBadAnswer, "the answer is not JSON");
  }
  const std::optional<int64_t> code = ReadInteger(root["status"]["error_code"]);
  if (code.value_or(0) != 0) {
    const Outcome outcome = *code >= kFirstLimit && *code <= kLastLimit         ? Outcome::kRateLimited
                            : *code >= kFirstKeyError && *code <= kLastKeyError ? Outcome::kRefused
                                                                                : Outcome::kBadAnswer;
    return Answers::ForAll(
        tokens.size(), outcome,
        absl::StrCat("error ", *code, ": ", ReadText(root["status"]["error_message"]).substr(0, 120)));
  }
  simdjson::dom::object data;
  if (!code.has_value() || root["data"].get(data) != simdjson::SUCCESS) {
    return Answers::ForAll(tokens.size(), Outcome::kBadAnswer, "the answer has no status and data");
  }
  std::vector<Quote> quotes;
  for (const auto [key, value] : data) {
    simdjson::dom::array coins;
    if (value.get(coins) == simdjson::SUCCESS) {
      for (const Json coin : coins) ReadCoin(coin, quotes);
    } else {
      ReadCoin(value, quotes);
    }
  }
  std::vector<ProviderAnswer> answers(tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    const std::optional<int64_t> id = CoinMarketCapId(tokens[i]);
    for (const Quote& quote : quotes) {
      if (quote.id != id || answers[i].outcome == Outcome::kFound) continue;
      if (quote.price.kind == PriceField::Kind::kAbsent) {
        Answers::NoPrice(answers[i], "it has no price");
      } else if (quote.price.kind == PriceField::Kind::kWrong) {
        Answers::NoPrice(answers[i], "its price is no price", Outcome::kBadAnswer);
      } else {
        Observation observation;
        observation.usd = quote.price.text;
        observation.value = quote.price.value;
        observation.event_time = quote.event_time;
        observation.heard_at = heard_at;
        Answers::Add(answers[i], std::move(observation));
      }
    }
  }
  return answers;
}

}  // namespace tokenwatch::pricing
