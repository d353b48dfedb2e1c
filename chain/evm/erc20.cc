#include "chain/evm/erc20.h"

#include <algorithm>
#include <vector>

#include <simdjson.h>

namespace tokenwatch::chain {
namespace {

constexpr size_t kWordBytes = 32;
// Far above any honest name; longer results are refused before they are copied.
constexpr size_t kMaxResultBytes = 64 * 1024;

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::vector<uint8_t>> ParseHex(absl::string_view hex) {
  if (hex.size() < 2 || hex[0] != '0' || (hex[1] != 'x' && hex[1] != 'X')) return std::nullopt;
  hex.remove_prefix(2);
  if (hex.size() % 2 != 0 || hex.size() / 2 > kMaxResultBytes) return std::nullopt;
  std::vector<uint8_t> bytes(hex.size() / 2);
  for (size_t i = 0; i < bytes.size(); ++i) {
    const int high = HexValue(hex[2 * i]);
    const int low = HexValue(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return bytes;
}

// A big-endian word; nullopt when it is cut or exceeds 32 bits, which no offset or length here may.
std::optional<size_t> ReadSmallWord(absl::Span<const uint8_t> data, size_t offset) {
  if (data.size() < kWordBytes || offset > data.size() - kWordBytes) return std::nullopt;
  const absl::Span<const uint8_t> word = data.subspan(offset, kWordBytes);
  size_t value = 0;
  for (size_t i = 0; i < kWordBytes; ++i) {
    if (i < kWordBytes - 4 && word[i] != 0) return std::nullopt;
    value = value << 8 | word[i];
  }
  return value;
}

std::string ToText(absl::Span<const uint8_t> bytes) { return std::string(bytes.begin(), bytes.end()); }

// At most kMaxErc20TextBytes, cut before a character that would be split.
void CutAtCharacter(std::string& text) {
  if (text.size() <= kMaxErc20TextBytes) return;
  size_t end = kMaxErc20TextBytes;
  while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
}

Erc20Text Finish(absl::Span<const uint8_t> bytes) {
  Erc20Text result;
  result.raw = ToText(bytes.subspan(0, std::min(bytes.size(), kMaxErc20TextBytes)));
  std::string text = ToText(bytes);
  text.erase(std::remove(text.begin(), text.end(), '\0'), text.end());
  if (text.empty()) {
    result.problem = Erc20Problem::kEmpty;
  } else if (!simdjson::validate_utf8(text.data(), text.size())) {
    result.problem = Erc20Problem::kBadUtf8;
  } else {
    CutAtCharacter(text);
    result.value = std::move(text);
  }
  return result;
}

}  // namespace

Erc20Text DecodeErc20Text(absl::Span<const uint8_t> returned) {
  Erc20Text result;
  if (returned.empty()) {
    result.problem = Erc20Problem::kEmpty;
    return result;
  }
  if (returned.size() < kWordBytes || returned.size() > kMaxResultBytes) {
    result.problem = Erc20Problem::kBadLength;
    return result;
  }
  if (returned.size() == kWordBytes) return Finish(returned);
  const std::optional<size_t> offset = ReadSmallWord(returned, 0);
  const std::optional<size_t> length = offset ? ReadSmallWord(returned, *offset) : std::nullopt;
  if (!length) {
    result.problem = Erc20Problem::kBadOffset;
    return result;
  }
  const size_t begin = *offset + kWordBytes;
  if (*length > returned.size() - begin) {
    result.problem = Erc20Problem::kBadLength;
    return result;
  }
  return Finish(returned.subspan(begin, *length));
}

Erc20Text DecodeErc20TextHex(absl::string_view hex) {
  const std::optional<std::vector<uint8_t>> bytes = ParseHex(hex);
  if (bytes) return DecodeErc20Text(*bytes);
  Erc20Text result;
  result.problem = Erc20Problem::kBadHex;
  return result;
}

Erc20Decimals DecodeErc20Decimals(absl::Span<const uint8_t> returned) {
  Erc20Decimals result;
  if (returned.empty()) {
    result.problem = Erc20Problem::kEmpty;
  } else if (returned.size() < kWordBytes) {
    result.problem = Erc20Problem::kBadLength;
  } else if (std::any_of(returned.begin(), returned.begin() + kWordBytes - 1, [](uint8_t b) { return b != 0; })) {
    result.problem = Erc20Problem::kOutOfRange;
  } else {
    result.value = returned[kWordBytes - 1];
  }
  return result;
}

Erc20Decimals DecodeErc20DecimalsHex(absl::string_view hex) {
  const std::optional<std::vector<uint8_t>> bytes = ParseHex(hex);
  if (bytes) return DecodeErc20Decimals(*bytes);
  Erc20Decimals result;
  result.problem = Erc20Problem::kBadHex;
  return result;
}

absl::string_view Erc20ProblemName(Erc20Problem problem) {
  switch (problem) {
    case Erc20Problem::kNone:
      return "none";
    case Erc20Problem::kEmpty:
      return "empty";
    case Erc20Problem::kBadHex:
      return "bad_hex";
    case Erc20Problem::kBadLength:
      return "bad_length";
    case Erc20Problem::kBadOffset:
      return "bad_offset";
    case Erc20Problem::kBadUtf8:
      return "bad_utf8";
    case Erc20Problem::kOutOfRange:
      return "out_of_range";
  }
  return "unknown";
}

}  // namespace tokenwatch::chain
