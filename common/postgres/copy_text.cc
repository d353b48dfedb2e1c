#include "common/postgres/copy_text.h"

#include <array>
#include <charconv>

namespace tokenwatch::common {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

// For each byte the letter that stands for it after a backslash, 0 for those that stand for themselves.
constexpr std::array<char, 256> kEscapes = [] {
  std::array<char, 256> escapes{};
  escapes['\b'] = 'b';
  escapes['\f'] = 'f';
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  escapes['\v'] = 'v';
  escapes['\\'] = '\\';
  return escapes;
}();

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The byte that `\c...` at `*at` (just after the backslash) stands for; moves `*at` behind it.
char UnescapeOne(absl::string_view field, size_t* at) {
  const char c = field[(*at)++];
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    default:
      break;
  }
  const auto digits = [&](int value, int base, int most) {
    for (int count = 0; count < most && *at < field.size(); ++count) {
      const int digit = HexValue(field[*at]);
      if (digit < 0 || digit >= base) break;
      value = value * base + digit;
      ++*at;
    }
    return static_cast<char>(value);
  };
  if (c >= '0' && c <= '7') return digits(c - '0', 8, 2);
  if (c == 'x' && *at < field.size() && HexValue(field[*at]) >= 0) return digits(0, 16, 2);
  return c;
}

}  // namespace

CopyBuffer& CopyBuffer::Text(absl::string_view value) {
  Separate();
  size_t begin = 0;
  for (size_t i = 0; i < value.size(); ++i) {
    const char escape = kEscapes[static_cast<unsigned char>(value[i])];
    if (escape == 0) continue;
    data_.append(value.data() + begin, i - begin);
    data_.push_back('\\');
    data_.push_back(escape);
    begin = i + 1;
  }
  data_.append(value.data() + begin, value.size() - begin);
  return *this;
}

CopyBuffer& CopyBuffer::Plain(absl::string_view value) {
  Separate();
  data_.append(value.data(), value.size());
  return *this;
}

CopyBuffer& CopyBuffer::Int(int64_t value) {
  Separate();
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  data_.append(digits.data(), end.ptr - digits.data());
  return *this;
}

CopyBuffer& CopyBuffer::Bool(bool value) { return Plain(value ? "t" : "f"); }

CopyBuffer& CopyBuffer::Bytes(absl::string_view value) {
  Separate();
  // bytea's own form is \x...; its backslash is escaped once more for COPY.
  data_.append("\\\\x");
  for (const char c : value) {
    const unsigned char byte = static_cast<unsigned char>(c);
    data_.push_back(kHexDigits[byte >> 4]);
    data_.push_back(kHexDigits[byte & 15]);
  }
  return *this;
}

CopyBuffer& CopyBuffer::Null() { return Plain("\\N"); }

void CopyBuffer::EndRow() {
  data_.push_back('\n');
  ++rows_;
  row_empty_ = true;
}

void CopyBuffer::Clear() {
  data_.clear();
  rows_ = 0;
  row_empty_ = true;
}

bool SplitCopyRow(absl::string_view row, absl::Span<absl::string_view> fields) {
  for (size_t i = 0; i < fields.size(); ++i) {
    const size_t tab = row.find('\t');
    const bool last = i + 1 == fields.size();
    if ((tab == absl::string_view::npos) != last) return false;
    fields[i] = row.substr(0, tab);
    if (!last) row.remove_prefix(tab + 1);
  }
  return true;
}

void UnescapeCopyField(absl::string_view field, std::string* text) {
  text->clear();
  size_t at = 0;
  while (at < field.size()) {
    const size_t backslash = field.find('\\', at);
    if (backslash == absl::string_view::npos || backslash + 1 == field.size()) {
      text->append(field.data() + at, field.size() - at);
      return;
    }
    text->append(field.data() + at, backslash - at);
    at = backslash + 1;
    text->push_back(UnescapeOne(field, &at));
  }
}

bool ParseCopyBytes(absl::string_view field, std::string* bytes) {
  if (field.size() < 3 || field.size() % 2 == 0 || field.substr(0, 3) != "\\\\x") return false;
  bytes->clear();
  bytes->reserve((field.size() - 3) / 2);
  for (size_t i = 3; i < field.size(); i += 2) {
    const int high = HexValue(field[i]);
    const int low = HexValue(field[i + 1]);
    if (high < 0 || low < 0) return false;
    bytes->push_back(static_cast<char>(high << 4 | low));
  }
  return true;
}

bool ParseCopyInt(absl::string_view field, int64_t* value) {
  const char* const end = field.data() + field.size();
  const auto parsed = std::from_chars(field.data(), end, *value);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

}  // namespace tokenwatch::common
