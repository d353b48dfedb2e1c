#include "pricing/oracle/providers/geckoterminal.h"

#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "pricing/oracle/providers/json_price.h"
#include "pricing/oracle/providers/pools.h"
#include "simdjson.h"

namespace tokenwatch::pricing {
namespace {

// Of the answer's version, so that a change of theirs is a change here.
constexpr char kAccept[] = "application/json;version=20230302";

using Json = simdjson::dom::element;

Observation Observe(PriceField price, absl::Time heard_at, std::optional<double> liquidity_usd) {
  Observation observation;
  observation.usd = std::move(price.text);
  observation.value = price.value;
  observation.heard_at = heard_at;
  observation.liquidity_usd = liquidity_usd;
  return observation;
}

void Take(const PriceField& price, absl::string_view field, Observation rest, ProviderAnswer& answer) {
  switch (price.kind) {
    case PriceField::Kind::kAbsent:
      return Answers::NoPrice(answer, "it has no price");
    case PriceField::Kind::kWrong:
      return Answers::NoPrice(answer, absl::StrCat(field, " is no price"), Outcome::kBadAnswer);
    case PriceField::Kind::kPrice:
      return Answers::Add(answer, std::move(rest));
  }
}

// "network_address".
std::optional<chain::TokenRef> ReadId(absl::string_view id, chain::Chain chain) {
  if (!absl::ConsumePrefix(&id, absl::StrCat(GeckoNetwork(chain), "_"))) return std::nullopt;
  const std::optional<chain::Address> address = chain::ParseAddress(chain, id);
  return address.has_value() ? std::optional<chain::TokenRef>({chain, *address}) : std::nullopt;
}

void ReadToken(const Json& resource, chain::Chain chain, absl::Time heard_at, Answers& answers) {
  const std::optional<chain::TokenRef> token = ReadId(ReadText(resource["id"]), chain);
  ProviderAnswer* const answer = token.has_value() ? answers.Find(*token) : nullptr;
  if (answer == nullptr) return;
  const PriceField price = ReadPrice(resource["attributes"]["price_usd"]);
  const std::optional<double> liquidity = ReadAmount(resource["attributes"]["total_reserve_in_usd"]);
  Observation observation = Observe(price, heard_at, liquidity);
  Take(price, "price_usd", std::move(observation), *answer);
}

void ReadPool(const Json& resource, chain::Chain chain, absl::Time heard_at, Answers& pools) {
  const auto attributes = resource["attributes"];
  const auto relationships = resource["relationships"];
  const std::optional<chain::TokenRef> base = ReadId(ReadText(relationships["base_token"]["data"]["id"]), chain);
  ProviderAnswer* const answer = base.has_value() ? pools.Find(*base) : nullptr;
  if (answer == nullptr) return;
  const PriceField price = ReadPrice(attributes["base_token_price_usd"]);
  Observation observation = Observe(price, heard_at, ReadAmount(attributes["reserve_in_usd"]));
  const absl::string_view dex = ReadText(relationships["dex"]["data"]["id"]);
  if (dex.size() <= Word::kMaxSize) observation.venue = Word(dex);
  if (const auto pool = chain::ParseAddress(chain, ReadText(attributes["address"]))) {
    observation.pool = std::string(pool->text());
  }
  Take(price, "base_token_price_usd", std::move(observation), *answer);
}

}  // namespace

absl::string_view GeckoNetwork(chain::Chain chain) {
  switch (chain) {
    case chain::Chain::kSolana:
      return "solana";
    case chain::Chain::kEthereum:
      return "eth";
    case chain::Chain::kBase:
      return "base";
    case chain::Chain::kBsc:
      return "bsc";
    case chain::Chain::kUnknown:
      break;
  }
  return "";
}

common::HttpRequest GeckoTerminalProvider::Request(const std::vector<chain::TokenRef>& tokens) const {
  std::string addresses;
  for (const chain::TokenRef& token : tokens) {
    absl::StrAppend(&addresses, addresses.empty() ? "" : ",", token.address.text());
  }
  common::HttpRequest request;
  request.url = absl::StrCat(options().base_url, "/networks/", GeckoNetwork(tokens.front().chain), "/tokens/multi/",
                             addresses, "?include=top_pools");
  request.headers = {{"Accept", kAccept}};
  return request;
}

std::vector<ProviderAnswer> GeckoTerminalProvider::Read(const std::vector<chain::TokenRef>& tokens,
                                                        const std::string& body, absl::Time heard_at) const {
  return ReadGeckoTerminal(tokens, body, heard_at);
}

std::vector<ProviderAnswer> ReadGeckoTerminal(const std::vector<chain::TokenRef>& tokens, const std::string& body,
                                              absl::Time heard_at) {
  simdjson::dom::parser parser;
  Json root;
  simdjson::dom::array data;
  if (parser.parse(body).get(root) != simdjson::SUCCESS || root["data"].get(data) != simdjson::SUCCESS) {
    return Answers::ForAll(tokens.size(), Outcome::kBadAnswer, "the answer has no data");
  }
  const chain::Chain chain = tokens.front().chain;
  Answers of_tokens(tokens);
  Answers of_pools(tokens);
  const auto read = [&](const Json& resource) {
    const absl::string_view type = ReadText(resource["type"]);
    if (type == "token") ReadToken(resource, chain, heard_at, of_tokens);
    if (type == "pool") ReadPool(resource, chain, heard_at, of_pools);
  };
  for (const Json resource : data) read(resource);
  simdjson::dom::array included;
  if (root["included"].get(included) == simdjson::SUCCESS) {
    for (const Json resource : included) read(resource);
  }
  std::vector<ProviderAnswer> answers = of_tokens.Take();
  std::vector<ProviderAnswer> pools = of_pools.Take();
  for (size_t i = 0; i < answers.size(); ++i) {
    RankPools(pools[i].observations);
    if (answers[i].outcome == Outcome::kNotFound) {
      answers[i] = std::move(pools[i]);
      continue;
    }
    // Its own price of the token goes before that of any pool.
    if (answers[i].outcome != Outcome::kFound) continue;
    std::move(pools[i].observations.begin(), pools[i].observations.end(), std::back_inserter(answers[i].observations));
  }
  return answers;
}

}  // namespace tokenwatch::pricing
