#include "common/text/safe_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>

#include <unicode/brkiter.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace tokenwatch::common {
namespace {

// More marks than any living script puts on one base character.
constexpr int kMaxMarksInARow = 4;

constexpr UChar32 kBrailleBlank = 0x2800;  // a "symbol" without ink
constexpr UChar32 kTextStyle = 0xFE0E;
constexpr UChar32 kEmojiStyle = 0xFE0F;
constexpr UChar32 kCombiningKeycap = 0x20E3;

enum class Fate { kKeep, kSpace, kUnsafeSpace, kRemove };

bool IsMark(UChar32 c) {
  const int8_t type = u_charType(c);
  return type == U_NON_SPACING_MARK || type == U_ENCLOSING_MARK;
}

// Presentation selectors are invisible, but are part of an emoji that they follow.
bool IsStyleOfEmoji(UChar32 c, UChar32 previous) {
  return (c == kEmojiStyle || c == kTextStyle) && u_hasBinaryProperty(previous, UCHAR_EMOJI);
}

Fate Judge(UChar32 c, UChar32 previous) {
  if (c < 0) return Fate::kRemove;  // invalid UTF-8
  if (u_isUWhiteSpace(c)) {
    const int8_t type = u_charType(c);
    const bool breaks_lines = type == U_CONTROL_CHAR || type == U_LINE_SEPARATOR || type == U_PARAGRAPH_SEPARATOR;
    return breaks_lines ? Fate::kUnsafeSpace : Fate::kSpace;
  }
  if (c == kBrailleBlank) return Fate::kUnsafeSpace;
  switch (u_charType(c)) {
    case U_CONTROL_CHAR:
    case U_FORMAT_CHAR:  // bidirectional controls, zero-width joiners, tags
    case U_PRIVATE_USE_CHAR:
    case U_SURROGATE:
    case U_UNASSIGNED:  // includes the noncharacters
      return Fate::kRemove;
    default:
      break;
  }
  if (IsStyleOfEmoji(c, previous)) return Fate::kKeep;
  if (u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT)) return Fate::kRemove;
  if (u_hasBinaryProperty(c, UCHAR_BIDI_CONTROL)) return Fate::kRemove;
  return Fate::kKeep;
}

void AppendUtf8(UChar32 c, std::string& out) {
  std::array<uint8_t, U8_MAX_LENGTH> bytes{};
  int32_t length = 0;
  U8_APPEND_UNSAFE(bytes.data(), length, c);
  out.append(reinterpret_cast<const char*>(bytes.data()), static_cast<size_t>(length));
}

bool IsPlainAscii(absl::string_view text) {
  char previous = ' ';
  for (const char c : text) {
    if (c < 0x20 || c > 0x7e) return false;
    if (c == ' ' && previous == ' ') return false;
    previous = c;
  }
  return text.empty() || previous != ' ';
}

// The first bytes of `text` that hold at most the limits' graphemes and bytes, whole graphemes only.
size_t CutPosition(const std::string& text, const SafeTextLimits& limits) {
  UErrorCode error = U_ZERO_ERROR;
  std::unique_ptr<icu::BreakIterator> graphemes(
      icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), error));
  std::unique_ptr<UText, decltype(&utext_close)> source(nullptr, &utext_close);
  UErrorCode open_error = U_ZERO_ERROR;
  source.reset(utext_openUTF8(nullptr, text.data(), static_cast<int64_t>(text.size()), &open_error));
  if (U_FAILURE(error) || U_FAILURE(open_error)) {
    // Without its rules ICU cannot tell graphemes; code points are the next best place to cut.
    size_t cut = std::min(limits.max_bytes, text.size());
    while (cut > 0 && cut < text.size() && (static_cast<uint8_t>(text[cut]) & 0xC0) == 0x80) --cut;
    return cut;
  }
  graphemes->setText(source.get(), error);
  size_t cut = 0;
  for (size_t count = 0; count < limits.max_graphemes; ++count) {
    const int32_t next = graphemes->next();
    if (next == icu::BreakIterator::DONE || static_cast<size_t>(next) > limits.max_bytes) break;
    cut = static_cast<size_t>(next);
  }
  return cut;
}

}  // namespace

SafeTextResult SafeText(absl::string_view raw, const SafeTextLimits& limits) {
  if (raw.size() <= limits.max_bytes && raw.size() <= limits.max_graphemes && IsPlainAscii(raw)) {
    return {std::string(raw), false};
  }
  SafeTextResult result;
  std::string& out = result.text;
  const auto* bytes = reinterpret_cast<const uint8_t*>(raw.data());
  // Enough to know that the text is too long and where its last grapheme ends.
  const size_t enough_bytes = limits.max_bytes + 64;
  UChar32 previous = ' ';
  bool space_waits = false;
  int marks = 0;
  size_t code_points = 0;
  for (int64_t at = 0; at < static_cast<int64_t>(raw.size()) && out.size() <= enough_bytes;) {
    UChar32 c = 0;
    U8_NEXT(bytes, at, static_cast<int64_t>(raw.size()), c);
    const Fate fate = Judge(c, previous);
    if (fate == Fate::kRemove || fate == Fate::kUnsafeSpace) result.removed = true;
    if (fate == Fate::kRemove) continue;
    if (fate != Fate::kKeep) {
      space_waits = true;
      previous = ' ';
      marks = 0;
      continue;
    }
    if (IsMark(c)) {
      // A mark with nothing to sit on would attach itself to whatever is displayed before the text.
      const bool has_base = !out.empty() && !space_waits;
      if (!has_base || ++marks > kMaxMarksInARow) {
        result.removed = true;
        continue;
      }
    } else {
      marks = 0;
    }
    if (space_waits && !out.empty()) {
      out.push_back(' ');
      ++code_points;
    }
    space_waits = false;
    AppendUtf8(c, out);
    ++code_points;
    previous = c;
  }
  if (out.size() > limits.max_bytes || code_points > limits.max_graphemes) {
    const size_t cut = CutPosition(out, limits);
    if (cut < out.size()) {
      out.resize(cut);
      while (!out.empty() && out.back() == ' ') out.pop_back();
      result.removed = true;
    }
  }
  return result;
}

bool IsRealName(absl::string_view safe) {
  static constexpr std::array<absl::string_view, 12> kPlaceholders = {"unknown", "unnamed", "undefined", "untitled",
                                                                      "null",    "(null)",  "none",      "nil",
                                                                      "n/a",     "no name", "noname",    "tbd"};
  const std::string lower = absl::AsciiStrToLower(safe);
  if (std::find(kPlaceholders.begin(), kPlaceholders.end(), lower) != kPlaceholders.end()) return false;
  if (absl::StartsWith(lower, "(unnamed")) return false;

  const auto* bytes = reinterpret_cast<const uint8_t*>(safe.data());
  for (int64_t at = 0; at < static_cast<int64_t>(safe.size());) {
    UChar32 c = 0;
    U8_NEXT(bytes, at, static_cast<int64_t>(safe.size()), c);
    if (c < 0) continue;
    const bool symbol = (U_GET_GC_MASK(c) & U_GC_S_MASK) != 0 && c != kBrailleBlank;
    const bool keycap = c == kCombiningKeycap;
    if (u_isalnum(c) || symbol || keycap) return true;
  }
  return false;
}

}  // namespace tokenwatch::common
