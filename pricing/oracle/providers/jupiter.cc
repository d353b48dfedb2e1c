#include "pricing/oracle/providers/jupiter.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "pricing/oracle/providers/json_price.h"
#include "simdjson.h"

namespace tokenwatch::pricing {

common::HttpRequest JupiterProvider::Request(const std::vector<chain::TokenRef>& tokens) const {
  std::string ids;
  for (const chain::TokenRef& token : tokens) absl::StrAppend(&ids, ids.empty() ? "" : ",", token.address.text());
  common::HttpRequest request;
  request.url = absl::StrCat(options().base_url, "/price/v3?ids=", ids);
  request.headers = {{"Accept", "application/json"}};
  if (!options().api_key.empty()) request.headers.Add("x-api-key", options().api_key);
  return request;
}

std::vector<ProviderAnswer> JupiterProvider::Read(const std::vector<chain::TokenRef>& tokens, const std::string& body,
                                                  absl::Time heard_at) const {
  return ReadJupiterPrices(tokens, body, heard_at);
}

std::vector<ProviderAnswer> ReadJupiterPrices(const std::vector<chain::TokenRef>& tokens, const std::string& body,
                                              absl::Time heard_at) {
  simdjson::dom::parser parser;
  simdjson::dom::object prices;
  if (parser.parse(body).get(prices) != simdjson::SUCCESS) {
    return Answers::ForAll(tokens.size(), Outcome::kBadAnswer, "the answer is no JSON object");
  }
  Answers answers(tokens);
  for (const auto [mint, price_of] : prices) {
    const std::optional<chain::Address> address = chain::Address::ParseSolana(View(mint));
    // Everything in a good answer is a mint; {"error": ...} and {"code": ..., "message": ...} are not.
    if (!address.has_value()) {
      return Answers::ForAll(tokens.size(), Outcome::kBadAnswer,
                             absl::StrCat("the answer holds \"", View(mint.substr(0, 40)), "\", which is no mint"));
    }
    ProviderAnswer* const answer = answers.Find({chain::Chain::kSolana, *address});
    if (answer == nullptr) continue;
    PriceField price = ReadPrice(price_of["usdPrice"]);
    if (price.kind == PriceField::Kind::kAbsent) {
      Answers::NoPrice(*answer, "it has no price");
    } else if (price.kind == PriceField::Kind::kWrong) {
      Answers::NoPrice(*answer, "usdPrice is no price", Outcome::kBadAnswer);
    } else {
      Observation observation;
      observation.usd = std::move(price.text);
      observation.value = price.value;
      observation.heard_at = heard_at;
      observation.liquidity_usd = ReadAmount(price_of["liquidity"]);
      Answers::Add(*answer, std::move(observation));
    }
  }
  return answers.Take();
}

}  // namespace tokenwatch::pricing
