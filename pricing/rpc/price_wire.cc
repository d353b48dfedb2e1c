#include "pricing/rpc/price_wire.h"

#include <algorithm>
#include <utility>

#include "common/rpc/wire_writer.h"
#include "grpcpp/support/slice.h"
#include "tokenwatch/pricing/v1/pricing.pb.h"

namespace tokenwatch::pricing {
namespace {

namespace v1 = ::tokenwatch::pricing::v1;
namespace wire = common::wire;
using PbPrice = v1::Price;
using PbRef = ::tokenwatch::common::v1::TokenRef;

static_assert(int{v1::BatchGetPricesResponse::kPricesFieldNumber} == int{v1::StreamPricesResponse::kPricesFieldNumber});

void AppendRef(int field, const chain::TokenRef& token, std::string& out) {
  wire::AppendShort(field, out, [&] {
    wire::AppendText(PbRef::kChainFieldNumber, chain::ChainName(token.chain), out);
    wire::AppendText(PbRef::kAddressFieldNumber, token.address.text(), out);
  });
}

// "<chain>:<address>".
void AppendText(const chain::TokenRef& token, std::string& out) {
  const absl::string_view name = chain::ChainName(token.chain);
  const absl::string_view address = token.address.text();
  out.append(name.data(), name.size()).append(1, ':').append(address.data(), address.size());
}

void AppendAmount(int field, const chain::Amount& amount, std::string& out) {
  wire::AppendShort(field, out, [&] { amount.AppendTo(out); });
}

// Timestamp and Duration have the same fields.
void AppendSeconds(int field, int64_t seconds, int64_t nanos, std::string& out) {
  wire::AppendShort(field, out, [&] {
    wire::AppendNumber(google::protobuf::Timestamp::kSecondsFieldNumber, static_cast<uint64_t>(seconds), out);
    wire::AppendNumber(google::protobuf::Timestamp::kNanosFieldNumber, static_cast<uint64_t>(nanos), out);
  });
}

void AppendTime(int field, absl::Time time, std::string& out) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  AppendSeconds(field, seconds, absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds)), out);
}

void AppendAge(absl::Duration age, std::string& out) {
  absl::Duration rest = std::max(age, absl::ZeroDuration());
  const int64_t seconds = absl::IDivDuration(rest, absl::Seconds(1), &rest);
  AppendSeconds(PbPrice::kAgeFieldNumber, seconds, absl::ToInt64Nanoseconds(rest), out);
}

void AppendPrice(const Price& price, absl::Time as_of, std::string& out) {
  AppendRef(PbPrice::kTokenFieldNumber, price.token, out);
  wire::AppendText(PbPrice::kQuoteAddressFieldNumber, price.quote.text(), out);
  if (price.point.has_value()) {
    AppendAmount(PbPrice::kQuoteUnitsFieldNumber, price.point->ratio.quote_units, out);
    AppendAmount(PbPrice::kTokenUnitsFieldNumber, price.point->ratio.token_units, out);
  }
  if (price.in_quote.has_value()) wire::AppendDouble(PbPrice::kPriceFieldNumber, *price.in_quote, out);
  if (price.usd.has_value()) wire::AppendDouble(PbPrice::kPriceUsdFieldNumber, *price.usd, out);
  if (price.reference.has_value()) {
    const Reference& reference = *price.reference;
    // Address, 64 digits, time and a word: more than 128 bytes at worst.
    wire::AppendMedium(PbPrice::kReferenceFieldNumber, out, [&] {
      wire::AppendShort(v1::ReferencePrice::kAssetFieldNumber, out, [&] { AppendText(reference.asset, out); });
      wire::AppendText(v1::ReferencePrice::kPriceUsdFieldNumber, reference.usd, out);
      AppendTime(v1::ReferencePrice::kEventTimeFieldNumber, reference.event_time, out);
      wire::AppendText(v1::ReferencePrice::kSourceFieldNumber, reference.source.text(), out);
    });
  }
  wire::AppendNumber(PbPrice::kBasisFieldNumber, static_cast<uint64_t>(price.basis), out);
  wire::AppendNumber(PbPrice::kGradeFieldNumber, static_cast<uint64_t>(price.grade), out);
  AppendTime(PbPrice::kEventTimeFieldNumber, price.event_time, out);
  AppendAge(as_of - price.event_time, out);
  if (price.confidence_bps.has_value()) {
    wire::AppendDouble(PbPrice::kConfidenceBpsFieldNumber, *price.confidence_bps, out);
  }
  if (price.point.has_value()) {
    const PricePoint& point = *price.point;
    if (point.pool_quote.has_value()) AppendAmount(PbPrice::kLiquidityFieldNumber, *point.pool_quote, out);
    wire::AppendNumber(PbPrice::kCursorFieldNumber, point.at.cursor, out);
    wire::AppendText(PbPrice::kVenueFieldNumber, point.venue.text(), out);
    wire::AppendText(PbPrice::kTransactionFieldNumber, point.transaction.text(), out);
    wire::AppendNumber(PbPrice::kIsMayhemFieldNumber, point.is_mayhem ? 1 : 0, out);
  }
  wire::AppendText(PbPrice::kUnknownReasonFieldNumber, price.unknown_reason, out);
}

// Reads what a TokenRef or a request of TokenRefs is made of: fields of bytes with one-byte tags. False at anything
// else.
class FieldReader {
 public:
  explicit FieldReader(absl::string_view bytes) : bytes_(bytes) {}

  bool AtEnd() const { return bytes_.empty(); }
  bool Next(int* field, absl::string_view* value) {
    const uint8_t tag = Byte();
    if ((tag & 7) != static_cast<uint8_t>(wire::Type::kBytes) || tag >= 0x80) return false;
    *field = tag >> 3;
    uint64_t length = 0;
    for (int shift = 0;; shift += 7) {
      if (bytes_.empty() || shift > 28) return false;
      const uint8_t byte = Byte();
      length |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if (length > bytes_.size()) return false;
    *value = bytes_.substr(0, length);
    bytes_.remove_prefix(length);
    return true;
  }

 private:
  uint8_t Byte() {
    if (bytes_.empty()) return 0xff;
    const auto byte = static_cast<uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return byte;
  }
  absl::string_view bytes_;
};

}  // namespace

void AppendPriceField(const Price& price, absl::Time as_of, std::string& out) {
  wire::AppendMedium(v1::BatchGetPricesResponse::kPricesFieldNumber, out, [&] { AppendPrice(price, as_of, out); });
}

void AppendMissingField(const chain::TokenRef& token, std::string& out) {
  AppendRef(v1::BatchGetPricesResponse::kMissingFieldNumber, token, out);
}

void AppendConflatedField(uint64_t conflated, std::string& out) {
  wire::AppendNumber(v1::StreamPricesResponse::kConflatedFieldNumber, conflated, out);
}

bool ParseTokens(absl::string_view request, std::vector<chain::TokenRef>* tokens) {
  FieldReader reader(request);
  while (!reader.AtEnd()) {
    int field = 0;
    absl::string_view ref;
    if (!reader.Next(&field, &ref) || field != v1::BatchGetPricesRequest::kTokensFieldNumber) return false;
    absl::string_view chain_name;
    absl::string_view address;
    FieldReader parts(ref);
    while (!parts.AtEnd()) {
      absl::string_view value;
      if (!parts.Next(&field, &value)) return false;
      if (field != PbRef::kChainFieldNumber && field != PbRef::kAddressFieldNumber) return false;
      (field == PbRef::kChainFieldNumber ? chain_name : address) = value;
    }
    chain::TokenRef& token = tokens->emplace_back();
    // An address holds no NUL, which its storage could not tell from its end.
    if (address.find('\0') != address.npos) continue;
    const auto parsed = chain::Address::FromCanonical(address);
    if (parsed.has_value()) token = {chain::ParseChain(chain_name), *parsed};
  }
  return true;
}

grpc::ByteBuffer ToByteBuffer(std::string text) {
  auto* owned = new std::string(std::move(text));
  const grpc::Slice slice(
      owned->data(), owned->size(), [](void* memory) { delete static_cast<std::string*>(memory); }, owned);
  return grpc::ByteBuffer(&slice, 1);
}

std::string ToText(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (!buffer.Dump(&slices).ok()) return text;
  text.reserve(buffer.Length());
  for (const grpc::Slice& slice : slices) text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return text;
}

}  // namespace tokenwatch::pricing
