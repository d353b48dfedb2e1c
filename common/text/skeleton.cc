#include "common/text/skeleton.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uspoof.h>

namespace tokenwatch::common {
namespace {

// Null when ICU's data is missing, which the packaged library does not allow for.
const USpoofChecker* Checker() {
  static const USpoofChecker* const checker = [] {
    UErrorCode error = U_ZERO_ERROR;
    USpoofChecker* opened = uspoof_open(&error);
    return U_FAILURE(error) ? nullptr : opened;
  }();
  return checker;
}

icu::UnicodeString Normalized(const icu::UnicodeString& text, bool fold_case) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer =
      fold_case ? icu::Normalizer2::getNFKCCasefoldInstance(error) : icu::Normalizer2::getNFKCInstance(error);
  if (U_FAILURE(error)) return text;
  icu::UnicodeString result = normalizer->normalize(text, error);
  return U_FAILURE(error) ? text : result;
}

icu::UnicodeString Confusable(const icu::UnicodeString& text) {
  if (Checker() == nullptr) return text;
  UErrorCode error = U_ZERO_ERROR;
  icu::UnicodeString result;
  uspoof_getSkeletonUnicodeString(Checker(), 0, text, result, &error);
  return U_FAILURE(error) ? text : result;
}

// Small capitals stand for themselves in Unicode's confusables; to a reader they are the letter.
UChar32 FromSmallCapital(UChar32 c) {
  switch (c) {
    case 0x1D00:
      return 'a';
    case 0x0299:
      return 'b';
    case 0x1D04:
      return 'c';
    case 0x1D05:
      return 'd';
    case 0x1D07:
      return 'e';
    case 0xA730:
      return 'f';
    case 0x0262:
      return 'g';
    case 0x029C:
      return 'h';
    case 0x026A:
      return 'i';
    case 0x1D0A:
      return 'j';
    case 0x1D0B:
      return 'k';
    case 0x029F:
      return 'l';
    case 0x1D0D:
      return 'm';
    case 0x0274:
      return 'n';
    case 0x1D0F:
      return 'o';
    case 0x1D18:
      return 'p';
    case 0x0280:
      return 'r';
    case 0xA731:
      return 's';
    case 0x1D1B:
      return 't';
    case 0x1D1C:
      return 'u';
    case 0x1D20:
      return 'v';
    case 0x1D21:
      return 'w';
    case 0x028F:
      return 'y';
    case 0x1D22:
      return 'z';
    default:
      return c;
  }
}

icu::UnicodeString WithoutSpaceAndSmallCapitals(const icu::UnicodeString& text) {
  icu::UnicodeString result;
  for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    const UChar32 c = text.char32At(i);
    if (!u_isUWhiteSpace(c)) result.append(FromSmallCapital(c));
  }
  return result;
}

icu::UnicodeString FromUtf8(absl::string_view text) {
  return icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
}

std::string ToUtf8(const icu::UnicodeString& text) {
  std::string result;
  text.toUTF8String(result);
  return result;
}

}  // namespace

std::string Skeleton(absl::string_view text) {
  const icu::UnicodeString folded = WithoutSpaceAndSmallCapitals(Normalized(FromUtf8(text), true));
  // The skeleton itself may hold capitals (zero becomes capital O), hence the second folding.
  return ToUtf8(WithoutSpaceAndSmallCapitals(Normalized(Confusable(folded), true)));
}

std::string CasedSkeleton(absl::string_view text) {
  return ToUtf8(Confusable(WithoutSpaceAndSmallCapitals(Normalized(FromUtf8(text), false))));
}

}  // namespace tokenwatch::common
