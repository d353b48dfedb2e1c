#include "cli/render/text.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include <unicode/brkiter.h>
#include <unicode/uchar.h>
#include <unicode/utext.h>
#include <unicode/utf8.h>

#include "absl/strings/str_cat.h"

namespace tokenwatch::cli {
namespace {

constexpr UChar32 kReplacement = 0xFFFD;
constexpr UChar32 kZeroWidthJoiner = 0x200D;
constexpr UChar32 kTextSelector = 0xFE0E;
constexpr UChar32 kEmojiSelector = 0xFE0F;
constexpr int kMaxCombiningMarks = 4;
constexpr absl::string_view kEllipsis = "…";

bool IsPrintableAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

void AppendUtf8(UChar32 c, std::string& out) {
  char buffer[U8_MAX_LENGTH];
  int32_t length = 0;
  U8_APPEND_UNSAFE(buffer, length, c);
  out.append(buffer, length);
}

bool IsPictographic(UChar32 c) { return u_hasBinaryProperty(c, UCHAR_EXTENDED_PICTOGRAPHIC); }

bool IsMark(UChar32 c) { return (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0; }

// Whether `c` must not be printed wherever it stands.
bool IsUnsafe(UChar32 c) {
  constexpr uint32_t kUnsafe =
      U_GC_CC_MASK | U_GC_CF_MASK | U_GC_ZL_MASK | U_GC_ZP_MASK | U_GC_CS_MASK | U_GC_CO_MASK | U_GC_CN_MASK;
  return (U_GET_GC_MASK(c) & kUnsafe) != 0 || u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT);
}

std::vector<UChar32> Decode(absl::string_view text) {
  std::vector<UChar32> points;
  points.reserve(text.size());
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const auto length = static_cast<int32_t>(std::min<size_t>(text.size(), INT32_MAX));
  for (int32_t at = 0; at < length;) {
    UChar32 c = 0;
    U8_NEXT_OR_FFFD(bytes, at, length, c);
    points.push_back(c);
  }
  return points;
}

// One character as a reader sees it: its bytes and its columns.
struct Cluster {
  absl::string_view bytes;
  int width = 0;
};

int CodePointWidth(UChar32 c) {
  if (IsMark(c) || u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT)) return 0;
  const int east_asian = u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH);
  return east_asian == U_EA_WIDE || east_asian == U_EA_FULLWIDTH ? 2 : 1;
}

int ClusterWidth(absl::string_view bytes) {
  const std::vector<UChar32> points = Decode(bytes);
  int width = 0;
  int regional_indicators = 0;
  for (const UChar32 c : points) {
    if (c == kEmojiSelector) return 2;
    if (u_hasBinaryProperty(c, UCHAR_REGIONAL_INDICATOR)) ++regional_indicators;
    width = std::max(width, CodePointWidth(c));
  }
  return regional_indicators == 2 ? 2 : width;
}

std::vector<Cluster> Clusters(absl::string_view text) {
  std::vector<Cluster> clusters;
  if (IsPrintableAscii(text)) {
    for (size_t at = 0; at < text.size(); ++at) clusters.push_back({text.substr(at, 1), 1});
    return clusters;
  }
  UErrorCode error = U_ZERO_ERROR;
  thread_local const std::unique_ptr<icu::BreakIterator> breaker(
      icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), error));
  UText utext = UTEXT_INITIALIZER;
  utext_openUTF8(&utext, text.data(), static_cast<int64_t>(text.size()), &error);
  // Only a broken ICU installation or an exhausted heap leads here.
  if (U_FAILURE(error) || breaker == nullptr) std::abort();
  breaker->setText(&utext, error);
  int32_t from = breaker->first();
  for (int32_t to = breaker->next(); to != icu::BreakIterator::DONE; from = to, to = breaker->next()) {
    const absl::string_view bytes = text.substr(from, to - from);
    clusters.push_back({bytes, ClusterWidth(bytes)});
  }
  utext_close(&utext);
  return clusters;
}

int TotalWidth(const std::vector<Cluster>& clusters) {
  int width = 0;
  for (const Cluster& cluster : clusters) width += cluster.width;
  return width;
}

// The longest run of whole clusters from the front (or the back) that fits in `width`.
std::string TakeFront(const std::vector<Cluster>& clusters, int width) {
  std::string out;
  for (const Cluster& cluster : clusters) {
    width -= cluster.width;
    if (width < 0) break;
    absl::StrAppend(&out, cluster.bytes);
  }
  return out;
}

std::string TakeBack(const std::vector<Cluster>& clusters, int width) {
  size_t first = clusters.size();
  while (first > 0 && clusters[first - 1].width <= width) width -= clusters[--first].width;
  std::string out;
  for (; first < clusters.size(); ++first) absl::StrAppend(&out, clusters[first].bytes);
  return out;
}

}  // namespace

std::string SanitizeText(absl::string_view text) {
  if (IsPrintableAscii(text)) return std::string(text.data(), text.size());
  const std::vector<UChar32> points = Decode(text);
  std::string out;
  int marks = 0;
  for (size_t at = 0; at < points.size(); ++at) {
    const UChar32 c = points[at];
    const UChar32 before = at > 0 ? points[at - 1] : 0;
    const UChar32 after = at + 1 < points.size() ? points[at + 1] : 0;
    if (c == kZeroWidthJoiner) {
      const bool joins =
          IsPictographic(before) || before == kEmojiSelector || u_hasBinaryProperty(before, UCHAR_EMOJI_MODIFIER);
      AppendUtf8(joins && IsPictographic(after) ? c : kReplacement, out);
    } else if (c == kTextSelector || c == kEmojiSelector) {
      AppendUtf8(u_hasBinaryProperty(before, UCHAR_EMOJI) ? c : kReplacement, out);
    } else if (IsUnsafe(c)) {
      AppendUtf8(kReplacement, out);
    } else if (IsMark(c)) {
      if (++marks <= kMaxCombiningMarks) AppendUtf8(c, out);
      continue;
    } else {
      AppendUtf8(c, out);
    }
    marks = 0;
  }
  return out;
}

int DisplayWidth(absl::string_view text) {
  return IsPrintableAscii(text) ? static_cast<int>(text.size()) : TotalWidth(Clusters(text));
}

std::string ShortenMiddle(absl::string_view text, int width) {
  const std::vector<Cluster> clusters = Clusters(text);
  if (TotalWidth(clusters) <= width) return std::string(text.data(), text.size());
  if (width < 1) return "";
  const int back = (width - 1) / 2;
  return absl::StrCat(TakeFront(clusters, width - 1 - back), kEllipsis, TakeBack(clusters, back));
}

std::string ShortenEnd(absl::string_view text, int width) {
  const std::vector<Cluster> clusters = Clusters(text);
  if (TotalWidth(clusters) <= width) return std::string(text.data(), text.size());
  if (width < 1) return "";
  return absl::StrCat(TakeFront(clusters, width - 1), kEllipsis);
}

}  // namespace tokenwatch::cli
