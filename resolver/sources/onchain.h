// Source "onchain": the mint account and the Metaplex metadata account of Solana tokens, by JSON-RPC.
#pragma once

#include <string>
#include <vector>

#include "resolver/sources/http_source.h"

namespace tokenwatch::resolver {

// getMultipleAccounts takes 100 keys, and a token needs two.
inline constexpr size_t kOnchainBatch = 50;

// Thread-safe.
class OnchainSource final : public HttpSource {
 public:
  // `rpc_url`: a Solana JSON-RPC endpoint, from configuration.
  OnchainSource(std::string rpc_url, const HttpSourceOptions& options, common::HttpFetcher& http, common::Clock& clock);

  absl::string_view name() const override { return "onchain"; }
  size_t max_batch() const override { return kOnchainBatch; }
  bool Serves(const Question& question) const override;

 protected:
  common::HttpRequest Request(const std::vector<Question>& questions) const override;
  std::vector<Answer> Read(const std::vector<Question>& questions, const std::string& body) const override;

 private:
  const std::string rpc_url_;
};

// The answers in the body of a getMultipleAccounts response that asked for mint and metadata account of each token in
// turn. The metadata extension of a Token-2022 mint goes before Metaplex. Pure; thread-safe.
std::vector<Answer> ReadAccounts(const std::vector<Question>& questions, const std::string& body);

}  // namespace tokenwatch::resolver
