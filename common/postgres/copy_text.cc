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

// The value of each hexadecimal digit, -1 for other bytes.
constexpr std::array<signed char, 256> kHexValues = [] {
  std::array<signed char, 256> values{};
  for (signed char& value : values) value = -1;
  for (int i = 0; i < 10; ++i) values['0' + i] = static_cast<signed char>(i);
  for (int i = 0; i < 6; ++i) values['a' + i] = values['A' + i] = static_cast<signed char>(10 + i);
  return values;
}();

int HexValue(char c) { return kHexValues[static_cast<unsigned char>(c)]; }

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
  const size_t begin = data_.size();
  data_.resize(begin + 2 * value.size());
  char* out = data_.data() + begin;
  for (const char c : value) {
    const unsigned char byte = static_cast<unsigned char>(c);
    *out++ = kHexDigits[byte >> 4];
    *out++ = kHexDigits[byte & 15];
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
  field.remove_prefix(3);
  bytes->resize(field.size() / 2);
  char* out = bytes->data();
  // Or-ed together they stay negative once one is.
  int all = 0;
  for (const char* digit = field.data(); digit != field.data() + field.size(); digit += 2) {
    const int high = HexValue(digit[0]);
    const int low = HexValue(digit[1]);
    all |= high | low;
    *out++ = static_cast<char>(high * 16 + low);
  }
  return all >= 0;
}

bool ParseCopyInt(absl::string_view field, int64_t* value) {
  const char* const end = field.data() + field.size();
  const auto parsed = std::from_chars(field.data(), end, *value);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

}  // namespace tokenwatch::common
