#include "pricing/pg_store/packing.h"

#include <array>

namespace tokenwatch::pricing {
namespace {

constexpr size_t kAmountBytes = 32;

}  // namespace

void Packer::Uint(uint64_t value) {
  for (; value >= 0x80; value >>= 7) Byte(static_cast<uint8_t>(value | 0x80));
  Byte(static_cast<uint8_t>(value));
}

void Packer::Text(absl::string_view value) {
  Uint(value.size());
  out_.append(value.data(), value.size());
}

void Packer::Amount(const chain::Amount& value) {
  char bytes[kAmountBytes];
  size_t size = 0;
  for (size_t i = 0; i < kAmountBytes; ++i) {
    bytes[i] = static_cast<char>(value.limbs()[i / 8] >> (i % 8 * 8));
    if (bytes[i] != 0) size = i + 1;
  }
  Text(absl::string_view(bytes, size));
}

void Unpacker::Fail() {
  ok_ = false;
  bytes_ = {};
}

uint8_t Unpacker::Byte() {
  const absl::string_view byte = Raw(1);
  return byte.empty() ? 0 : static_cast<uint8_t>(byte[0]);
}

uint64_t Unpacker::Uint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const uint8_t byte = Byte();
    // The tenth byte has one bit left to give; a last byte of zero would be a second spelling.
    if (!ok_ || (shift == 63 && byte > 1) || (shift > 0 && byte == 0)) break;
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  Fail();
  return 0;
}

int64_t Unpacker::Int() {
  const uint64_t value = Uint();
  return static_cast<int64_t>((value >> 1) ^ (0 - (value & 1)));
}

absl::string_view Unpacker::Text() { return Raw(Uint()); }

absl::string_view Unpacker::Raw(size_t size) {
  if (size > bytes_.size()) {
    Fail();
    return {};
  }
  const absl::string_view raw = bytes_.substr(0, size);
  bytes_.remove_prefix(size);
  return raw;
}

chain::Amount Unpacker::Amount() {
  const absl::string_view bytes = Text();
  if (bytes.size() > kAmountBytes || (!bytes.empty() && bytes.back() == 0)) {
    Fail();
    return {};
  }
  std::array<uint64_t, 4> limbs{};
  for (size_t i = 0; i < bytes.size(); ++i) {
    limbs[i / 8] |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i])) << (i % 8 * 8);
  }
  return chain::Amount(limbs);
}

}  // namespace tokenwatch::pricing
