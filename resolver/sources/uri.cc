#include "resolver/sources/uri.h"

#include <utility>

#include "simdjson.h"

namespace tokenwatch::resolver {

UriSource::UriSource(std::shared_ptr<const common::AddressGuard> guard, size_t max_body_bytes,
                     const HttpSourceOptions& options, common::HttpFetcher& http, common::Clock& clock)
    : HttpSource(options, http, clock), guard_(std::move(guard)), max_body_bytes_(max_body_bytes) {}

common::HttpRequest UriSource::Request(const std::vector<Question>& questions) const {
  common::HttpRequest request;
  request.url = questions.front().uri;
  request.headers = {{"Accept", "application/json"}};
  request.max_body_bytes = max_body_bytes_;
  request.guard = guard_;
  return request;
}

std::vector<Answer> UriSource::Read(const std::vector<Question>& questions, const std::string& body) const {
  return std::vector<Answer>(questions.size(), ReadMetadata(body));
}

Answer ReadMetadata(const std::string& body) {
  Answer answer;
  simdjson::dom::parser parser;
  simdjson::dom::object document;
  if (parser.parse(body).get(document) != simdjson::SUCCESS) {
    answer.outcome = Outcome::kBadAnswer;
    answer.detail = "the document is no JSON object";
    return answer;
  }
  std::string_view name;
  std::string_view symbol;
  if (document["name"].get(name) != simdjson::SUCCESS || name.empty()) {
    answer.detail = "the document has no name";
    return answer;
  }
  if (document["symbol"].get(symbol) != simdjson::SUCCESS) symbol = {};
  answer.outcome = Outcome::kFound;
  answer.provenance = "uri";
  answer.name = std::string(name);
  answer.symbol = std::string(symbol);
  return answer;
}

}  // namespace tokenwatch::resolver
