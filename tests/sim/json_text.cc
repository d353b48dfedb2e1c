#include "tests/sim/json_text.h"

#include <array>
#include <cstddef>
#include <cstdint>

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
  for (size_t i = 0; i < text.size(); ++i) {
    if (!kNeedsEscape[static_cast<uint8_t>(text[i])]) continue;
    out->append(text.data() + clean_from, i - clean_from);
    AppendEscape(text[i], out);
    clean_from = i + 1;
  }
  out->append(text.data() + clean_from, text.size() - clean_from);
  out->push_back('"');
}

}  // namespace tokenwatch::sim
