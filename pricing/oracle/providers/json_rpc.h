// JSON-RPC 2.0 as the nodes of chains speak it. Pure functions; any thread.
#pragma once

#include <optional>

#include "common/http/message.h"
#include "pricing/oracle/provider.h"
#include "simdjson.h"

namespace tokenwatch::pricing {

common::HttpRequest JsonRpcRequest(const std::string& url, std::string body);

// What the "error" of a response means for all that was asked; nullopt when there is none.
std::optional<ProviderAnswer> ReadRpcError(const simdjson::dom::element& response);

}  // namespace tokenwatch::pricing
