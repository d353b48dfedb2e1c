#include "tests/sim/json_text.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tokenwatch::sim {
namespace {

constexpr std::array<bool, 256> MakeNeedsEscape() {
  std::array<bool, 256> table{};
  for (int i = 0; i < 0x20; ++i) table[static_cast<size_t>(i)] = true;
  table[static_cast<uint8_t>('"')] = true;
  table[static_cast<uint8_t>('\\')] = true;
  return table;
}
constexpr std::array<bool, 256> kNeedsEscape = MakeNeedsEscape();

// How many of the eight bytes stand before the first that needs an escape; 8 when none does. Frames are long and mostly
// clean. A byte c is below n when c - n borrows into its top bit and c has none itself (Mycroft's test: exact up to the
// first hit).
size_t CleanBytes(const char* eight) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kTops = 0x8080808080808080;
  uint64_t word;
  std::memcpy(&word, eight, sizeof(word));
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  const uint64_t quote = word ^ (kOnes * '"');
  const uint64_t backslash = word ^ (kOnes * '\\');
  const uint64_t found =
      ((word - kOnes * 0x20) & ~word) | ((quote - kOnes) & ~quote) | ((backslash - kOnes) & ~backslash);
  return (found & kTops) == 0 ? 8 : static_cast<size_t>(std::countr_zero(found & kTops)) / 8;
}

// The first position from `from` on that needs an escape, or the end.
size_t FindEscape(absl::string_view text, size_t from) {
  for (; from + 8 <= text.size(); from += 8) {
    const size_t clean = CleanBytes(text.data() + from);
    if (clean < 8) return from + clean;
  }
  while (from < text.size() && !kNeedsEscape[static_cast<uint8_t>(text[from])]) ++from;
  return from;
}

void AppendEscape(char letter, std::string* out) {
  constexpr char kHex[] = "0123456789abcdef";
  switch (letter) {
    case '"':
      out->append("\\\"");
      return;
    case '\\':
      out->append("\\\\");
      return;
    case '\b':
      out->append("\\b");
      return;
    case '\f':
      out->append("\\f");
      return;
    case '\n':
      out->append("\\n");
      return;
    case '\r':
      out->append("\\r");
      return;
    case '\t':
      out->append("\\t");
      return;
    default:
      out->append("\\u00");
      out->push_back(kHex[static_cast<uint8_t>(letter) >> 4]);
      out->push_back(kHex[static_cast<uint8_t>(letter) & 15]);
  }
}

}  // namespace

void AppendJsonString(absl::string_view text, std::string* out) {
  out->push_back('"');
  size_t clean_from = 0;
  for (size_t at = FindEscape(text, 0); at < text.size(); at = FindEscape(text, clean_from)) {
    out->append(text.data() + clean_from, at - clean_from);
    AppendEscape(text[at], out);
    clean_from = at + 1;
  }
  out->append(text.data() + clean_from, text.size() - clean_from);
  out->push_back('"');
}

}  // namespace tokenwatch::sim
