#include "pricing/oracle/providers/json_rpc.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "pricing/oracle/providers/json_price.h"

namespace tokenwatch::pricing {
namespace {

// HTTP's 429 in the body (Solana and others), and EIP-1474's "limit exceeded".
constexpr int64_t kLimitCodes[] = {429, -32'429, -32'005};

}  // namespace

common::HttpRequest JsonRpcRequest(const std::string& url, std::string body) {
  common::HttpRequest request;
  request.method = "POST";
  request.url = url;
  request.headers = {{"Content-Type", "application/json"}};
  request.body = std::move(body);
  return request;
}

std::optional<ProviderAnswer> ReadRpcError(const simdjson::dom::element& response) {
  simdjson::dom::element error;
  if (response["error"].get(error) != simdjson::SUCCESS || error.is_null()) return std::nullopt;
  const int64_t code = ReadInteger(error["code"]).value_or(0);
  ProviderAnswer answer;
  answer.outcome = Outcome::kUnavailable;
  for (const int64_t limit : kLimitCodes) {
    if (code == limit) answer.outcome = Outcome::kRateLimited;
  }
  answer.detail = absl::StrCat("JSON-RPC error ", code, ": ", ReadText(error["message"]).substr(0, 120));
  return answer;
}

}  // namespace tokenwatch::pricing
