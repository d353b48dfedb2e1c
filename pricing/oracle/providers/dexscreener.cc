#include "pricing/oracle/providers/dexscreener.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "pricing/oracle/providers/json_price.h"
#include "pricing/oracle/providers/pools.h"
#include "simdjson.h"

namespace tokenwatch::pricing {
namespace {

constexpr size_t kMaxPoolText = 160;

void ReadPair(const simdjson::dom::element& pair, absl::Time heard_at, Answers& answers) {
  const chain::Chain chain = chain::ParseChain(ReadText(pair["chainId"]));
  const std::optional<chain::Address> base = chain::ParseAddress(chain, ReadText(pair["baseToken"]["address"]));
  if (!base.has_value()) return;
  ProviderAnswer* const answer = answers.Find({chain, *base});
  if (answer == nullptr) return;
  PriceField price = ReadPrice(pair["priceUsd"]);
  if (price.kind == PriceField::Kind::kAbsent) return Answers::NoPrice(*answer, "its pairs have no price in USD");
  if (price.kind == PriceField::Kind::kWrong) {
    return Answers::NoPrice(*answer, "priceUsd is no price", Outcome::kBadAnswer);
  }
  Observation observation;
  observation.usd = std::move(price.text);
  observation.value = price.value;
  observation.heard_at = heard_at;
  observation.liquidity_usd = ReadAmount(pair["liquidity"]["usd"]);
  if (const absl::string_view dex = ReadText(pair["dexId"]); dex.size() <= Word::kMaxSize)
    observation.venue = Word(dex);
  // Some are several addresses in one text.
  if (const absl::string_view pool = ReadText(pair["pairAddress"]); pool.size() <= kMaxPoolText) {
    observation.pool = std::string(pool);
  }
  Answers::Add(*answer, std::move(observation));
}

}  // namespace

common::HttpRequest DexScreenerProvider::Request(const std::vector<chain::TokenRef>& tokens) const {
  std::string addresses;
  for (const chain::TokenRef& token : tokens) {
    absl::StrAppend(&addresses, addresses.empty() ? "" : ",", token.address.text());
  }
  common::HttpRequest request;
  request.url = absl::StrCat(options().base_url, "/tokens/v1/", chain::ChainName(tokens.front().chain), "/", addresses);
  request.headers = {{"Accept", "application/json"}};
  return request;
}

std::vector<ProviderAnswer> DexScreenerProvider::Read(const std::vector<chain::TokenRef>& tokens,
                                                      const std::string& body, absl::Time heard_at) const {
  return ReadPairs(tokens, body, heard_at);
}

std::vector<ProviderAnswer> ReadPairs(const std::vector<chain::TokenRef>& tokens, const std::string& body,
                                      absl::Time heard_at) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(body).get(root) != simdjson::SUCCESS) {
    return Answers::ForAll(tokens.size(), Outcome::kBadAnswer, "the answer is not JSON");
  }
  simdjson::dom::element list = root;
  if (root.is_object() && root["pairs"].get(list) != simdjson::SUCCESS) {
    return Answers::ForAll(tokens.size(), Outcome::kBadAnswer, "the answer has no pairs");
  }
  Answers answers(tokens);
  simdjson::dom::array pairs;
  if (!list.is_null()) {
    if (list.get(pairs) != simdjson::SUCCESS) {
      return Answers::ForAll(tokens.size(), Outcome::kBadAnswer, "the pairs are no array");
    }
    for (const simdjson::dom::element pair : pairs) ReadPair(pair, heard_at, answers);
  }
  std::vector<ProviderAnswer> result = answers.Take();
  for (ProviderAnswer& answer : result) RankPools(answer.observations);
  return result;
}

}  // namespace tokenwatch::pricing
