// Source "uri": the JSON document that a token's metadata address leads to. The address came from a stranger, so it is
// fetched through the address guard, with small limits of size and time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/http/address_guard.h"
#include "resolver/sources/http_source.h"

namespace tokenwatch::resolver {

// Thread-safe.
class UriSource final : public HttpSource {
 public:
  UriSource(std::shared_ptr<const common::AddressGuard> guard, size_t max_body_bytes, const HttpSourceOptions& options,
            common::HttpFetcher& http, common::Clock& clock);

  absl::string_view name() const override { return "uri"; }
  size_t max_batch() const override { return 1; }
  bool Serves(const Question& question) const override { return !question.uri.empty(); }

 protected:
  common::HttpRequest Request(const std::vector<Question>& questions) const override;
  std::vector<Answer> Read(const std::vector<Question>& questions, const std::string& body) const override;
  bool SharesOneLimit() const override { return false; }

 private:
  const std::shared_ptr<const common::AddressGuard> guard_;
  const size_t max_body_bytes_;
};

// The name and symbol in a metadata document. Pure; thread-safe.
Answer ReadMetadata(const std::string& body);

}  // namespace tokenwatch::resolver
