// Prices from the log written straight into their wire form.
//
// A generated Price costs a dozen strings; a batch of hundreds would be bound by that. What is written here is what
// ToProto would serialise to; a test holds the two together.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "chain/address.h"
#include "grpcpp/support/byte_buffer.h"
#include "pricing/price.h"

namespace tokenwatch::pricing {

// Appends one element of the field `prices` of BatchGetPricesResponse or StreamPricesResponse (it has the same number
// in both). The price is one from the log.
void AppendPriceField(const Price& price, absl::Time as_of, std::string& out);
// Appends one element of BatchGetPricesResponse.missing.
void AppendMissingField(const chain::TokenRef& token, std::string& out);
// Appends StreamPricesResponse.conflated.
void AppendConflatedField(uint64_t conflated, std::string& out);

// The tokens of a BatchGetPricesRequest. Those whose text is a plain pair of chain and address come without a check of
// the address: what is not canonical is found nowhere, and the caller then looks closer. nullopt when it is none.
struct RequestedToken {
  chain::TokenRef token;
  // False: chain or address is not even of the form.
  bool well_formed = false;
};
std::optional<std::vector<RequestedToken>> ParseTokens(absl::string_view request);

// A buffer that takes the text over without copying it.
grpc::ByteBuffer ToByteBuffer(std::string text);
// All bytes of a buffer, in one piece.
std::string ToText(const grpc::ByteBuffer& buffer);

}  // namespace tokenwatch::pricing
