// Prices from the log written straight into their wire form.
//
// A generated Price costs a dozen strings; a batch of hundreds would be bound by that. What is written here is what
// ToProto would serialise to; a test holds the two together.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
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

// The tokens of a BatchGetPricesRequest in the form that every encoder in use gives them. Addresses are not checked:
// what is not canonical is found nowhere, and the caller then looks closer; a chain or address that cannot be one is an
// empty token. False when the request has any other form.
bool ParseTokens(absl::string_view request, std::vector<chain::TokenRef>* tokens);

// A buffer that takes the text over without copying it.
grpc::ByteBuffer ToByteBuffer(std::string text);
// All bytes of a buffer, in one piece.
std::string ToText(const grpc::ByteBuffer& buffer);

}  // namespace tokenwatch::pricing
