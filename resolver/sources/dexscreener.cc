#include "resolver/sources/dexscreener.h"

#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "simdjson.h"

namespace tokenwatch::resolver {
namespace {

// Up to 30 pairs for each of 30 tokens, about 2 KiB each, and room.
constexpr size_t kMaxBodyBytes = size_t{8} << 20;

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

std::vector<Answer> ForAll(const std::vector<Question>& questions, Outcome outcome, const char* detail) {
  Answer answer;
  answer.outcome = outcome;
  answer.detail = detail;
  return std::vector<Answer>(questions.size(), answer);
}

}  // namespace

DexScreenerSource::DexScreenerSource(std::string base_url, const HttpSourceOptions& options, common::HttpFetcher& http,
                                     common::Clock& clock)
    : HttpSource(options, http, clock), base_url_(std::move(base_url)) {}

bool DexScreenerSource::Serves(const Question& question) const {
  // Its chain ids are those of this platform.
  return question.token.chain != chain::Chain::kUnknown;
}

common::HttpRequest DexScreenerSource::Request(const std::vector<Question>& questions) const {
  std::string addresses;
  for (const Question& question : questions) {
    absl::StrAppend(&addresses, addresses.empty() ? "" : ",", question.token.address.text());
  }
  common::HttpRequest request;
  request.url = absl::StrCat(base_url_, "/tokens/v1/", chain::ChainName(questions.front().token.chain), "/", addresses);
  request.headers = {{"Accept", "application/json"}};
  request.max_body_bytes = kMaxBodyBytes;
  return request;
}

std::vector<Answer> DexScreenerSource::Read(const std::vector<Question>& questions, const std::string& body) const {
  return ReadPairs(questions, body);
}

std::vector<Answer> ReadPairs(const std::vector<Question>& questions, const std::string& body) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(body).get(root) != simdjson::SUCCESS) {
    return ForAll(questions, Outcome::kBadAnswer, "the answer is not JSON");
  }
  simdjson::dom::element list = root;
  if (root.is_object() && root["pairs"].get(list) != simdjson::SUCCESS) {
    return ForAll(questions, Outcome::kBadAnswer, "the answer has no pairs");
  }
  std::vector<Answer> answers = ForAll(questions, Outcome::kNotFound, "no pair with the token as its base");
  if (list.is_null()) return answers;
  simdjson::dom::array pairs;
  if (list.get(pairs) != simdjson::SUCCESS) {
    return ForAll(questions, Outcome::kBadAnswer, "the pairs are no array");
  }
  absl::flat_hash_map<TokenRef, Answer*> by_token;
  for (size_t i = 0; i < questions.size(); ++i) by_token.emplace(questions[i].token, &answers[i]);

  for (const simdjson::dom::element pair : pairs) {
    std::string_view chain_id;
    std::string_view address;
    std::string_view name;
    std::string_view symbol;
    if (pair["chainId"].get(chain_id) != simdjson::SUCCESS) continue;
    const simdjson::simdjson_result<simdjson::dom::element> base = pair["baseToken"];
    if (base["address"].get(address) != simdjson::SUCCESS || base["name"].get(name) != simdjson::SUCCESS) continue;
    if (base["symbol"].get(symbol) != simdjson::SUCCESS) symbol = {};
    const chain::Chain chain = chain::ParseChain(View(chain_id));
    const std::optional<chain::Address> canonical = chain::ParseAddress(chain, View(address));
    if (!canonical.has_value() || name.empty()) continue;
    const auto asked = by_token.find(TokenRef{chain, *canonical});
    if (asked == by_token.end() || asked->second->outcome == Outcome::kFound) continue;
    Answer& answer = *asked->second;
    answer.outcome = Outcome::kFound;
    answer.detail.clear();
    answer.provenance = "dexscreener";
    answer.name = std::string(name);
    answer.symbol = std::string(symbol);
  }
  return answers;
}

}  // namespace tokenwatch::resolver
