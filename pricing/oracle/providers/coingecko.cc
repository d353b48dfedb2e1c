#include "pricing/oracle/providers/coingecko.h"

#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "pricing/oracle/providers/geckoterminal.h"
#include "pricing/oracle/providers/json_price.h"
#include "simdjson.h"

namespace tokenwatch::pricing {
namespace {

using Json = simdjson::dom::element;

// https://docs.coingecko.com/docs/common-errors-rate-limit
constexpr int64_t kRateLimit = 429;
// Missing, wrong and misplaced keys, and plans that do not include it.
constexpr int64_t kFirstKeyError = 10'002;
constexpr int64_t kLastKeyError = 10'011;

ProviderAnswer OfError(int64_t code, absl::string_view message) {
  ProviderAnswer answer;
  answer.outcome = code == kRateLimit                                ? Outcome::kRateLimited
                   : code >= kFirstKeyError && code <= kLastKeyError ? Outcome::kRefused
                                                                     : Outcome::kBadAnswer;
  answer.detail = absl::StrCat("error ", code, message.empty() ? "" : ": ", message.substr(0, 120));
  return answer;
}

}  // namespace

bool CoinGeckoProvider::Serves(const chain::TokenRef& token) const { return !GeckoNetwork(token.chain).empty(); }

common::HttpRequest CoinGeckoProvider::Request(const std::vector<chain::TokenRef>& tokens) const {
  std::string addresses;
  for (const chain::TokenRef& token : tokens) {
    absl::StrAppend(&addresses, addresses.empty() ? "" : ",", token.address.text());
  }
  common::HttpRequest request;
  request.url = absl::StrCat(options().base_url, "/onchain/simple/networks/", GeckoNetwork(tokens.front().chain),
                             "/token_price/", addresses, "?include_total_reserve_in_usd=true");
  request.headers = {{"Accept", "application/json"}};
  if (!options().api_key.empty()) {
    const bool is_pro = absl::StrContains(options().base_url, "://pro-api.");
    request.headers.Add(is_pro ? "x-cg-pro-api-key" : "x-cg-demo-api-key", options().api_key);
  }
  return request;
}

std::vector<ProviderAnswer> CoinGeckoProvider::Read(const std::vector<chain::TokenRef>& tokens, const std::string& body,
                                                    absl::Time heard_at) const {
  return ReadTokenPrices(tokens, body, heard_at);
}

std::vector<ProviderAnswer> ReadTokenPrices(const std::vector<chain::TokenRef>& tokens, const std::string& body,
                                            absl::Time heard_at) {
  simdjson::dom::parser parser;
  Json root;
  if (parser.parse(body).get(root) != simdjson::SUCCESS) {
    return Answers::ForAll(tokens.size(), Outcome::kBadAnswer, "the answer is not JSON");
  }
  if (const std::optional<int64_t> code = ReadInteger(root["status"]["error_code"]); code.value_or(0) != 0) {
    return {tokens.size(), OfError(*code, ReadText(root["status"]["error_message"]))};
  }
  const auto attributes = root["data"]["attributes"];
  simdjson::dom::object prices;
  if (attributes["token_prices"].get(prices) != simdjson::SUCCESS) {
    return Answers::ForAll(tokens.size(), Outcome::kBadAnswer, "the answer has no token_prices");
  }
  const chain::Chain chain = tokens.front().chain;
  Answers answers(tokens);
  for (const auto [key, value] : prices) {
    const std::optional<chain::Address> address = chain::ParseAddress(chain, View(key));
    ProviderAnswer* const answer = address.has_value() ? answers.Find({chain, *address}) : nullptr;
    if (answer == nullptr) continue;
    PriceField price = ReadPrice(Json(value));
    if (price.kind == PriceField::Kind::kAbsent) {
      Answers::NoPrice(*answer, "it has no price");
    } else if (price.kind == PriceField::Kind::kWrong) {
      Answers::NoPrice(*answer, "its token price is no price", Outcome::kBadAnswer);
    } else {
      Observation observation;
      observation.usd = std::move(price.text);
      observation.value = price.value;
      observation.heard_at = heard_at;
      observation.liquidity_usd = ReadAmount(attributes["total_reserve_in_usd"][key]);
      Answers::Add(*answer, std::move(observation));
    }
  }
  return answers.Take();
}

}  // namespace tokenwatch::pricing
