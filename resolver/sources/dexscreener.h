// Source "dexscreener": the public API of DexScreener, 30 tokens of one chain a call.
#pragma once

#include <string>
#include <vector>

#include "resolver/sources/http_source.h"

namespace tokenwatch::resolver {

inline constexpr size_t kDexScreenerBatch = 30;

// Thread-safe.
class DexScreenerSource final : public HttpSource {
 public:
  // `base_url` without a slash at its end, from configuration.
  DexScreenerSource(std::string base_url, const HttpSourceOptions& options, common::HttpFetcher& http,
                    common::Clock& clock);

  absl::string_view name() const override { return "dexscreener"; }
  size_t max_batch() const override { return kDexScreenerBatch; }
  bool Serves(const Question& question) const override;

 protected:
  common::HttpRequest Request(const std::vector<Question>& questions) const override;
  std::vector<Answer> Read(const std::vector<Question>& questions, const std::string& body) const override;

 private:
  const std::string base_url_;
};

// The answers in a body of /tokens/v1 (an array of pairs) or of the older endpoints ({"pairs": array or null}). Only a
// pair whose base token is the token asked for tells its name. Pure; thread-safe.
std::vector<Answer> ReadPairs(const std::vector<Question>& questions, const std::string& body);

}  // namespace tokenwatch::resolver
