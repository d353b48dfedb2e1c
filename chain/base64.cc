#include "chain/base64.h"

#include <array>

namespace tokenwatch::chain {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint32_t kInvalid = 0x80000000;

// One table per position in a group of four: the character's six bits already shifted to their place, or kInvalid.
constexpr std::array<std::array<uint32_t, 256>, 4> MakeTables() {
  std::array<std::array<uint32_t, 256>, 4> tables{};
  for (size_t position = 0; position < 4; ++position) {
    for (auto& entry : tables[position]) entry = kInvalid;
    for (uint32_t value = 0; value < 64; ++value) {
      tables[position][static_cast<uint8_t>(kAlphabet[value])] = value << (18 - 6 * position);
    }
  }
  return tables;
}
constexpr std::array<std::array<uint32_t, 256>, 4> kTables = MakeTables();

uint32_t Bits(const uint8_t* group, size_t characters) {
  uint32_t bits = 0;
  for (size_t i = 0; i < characters; ++i) bits |= kTables[i][group[i]];
  return bits;
}

}  // namespace

std::optional<size_t> DecodeBase64(absl::string_view text, uint8_t* out) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.empty()) return 0;
  const uint8_t* in = reinterpret_cast<const uint8_t*>(text.data());
  const uint8_t* last = in + text.size() - 4;
  uint8_t* const begin = out;
  uint32_t seen = 0;
  for (; in != last; in += 4, out += 3) {
    const uint32_t bits = kTables[0][in[0]] | kTables[1][in[1]] | kTables[2][in[2]] | kTables[3][in[3]];
    seen |= bits;
    out[0] = static_cast<uint8_t>(bits >> 16);
    out[1] = static_cast<uint8_t>(bits >> 8);
    out[2] = static_cast<uint8_t>(bits);
  }
  const size_t characters = in[3] != '=' ? 4 : in[2] != '=' ? 3 : 2;
  const uint32_t bits = Bits(in, characters);
  if (((seen | bits) & kInvalid) != 0) return std::nullopt;
  const size_t bytes = characters - 1;
  if ((bits & ((1u << (8 * (3 - bytes))) - 1)) != 0) return std::nullopt;  // bits that belong to no byte
  for (size_t i = 0; i < bytes; ++i) *out++ = static_cast<uint8_t>(bits >> (16 - 8 * i));
  return static_cast<size_t>(out - begin);
}

}  // namespace tokenwatch::chain
