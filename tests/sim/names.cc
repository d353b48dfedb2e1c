#include "tests/sim/names.h"

#include <array>
#include <cstddef>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace tokenwatch::sim {
namespace {

constexpr absl::string_view kFirstWords[] = {
    "Baby",   "Grumpy", "Turbo",   "Based", "Giga",  "Lil",    "Space",   "Doge",    "Pepe",   "Mega",  "Sad",
    "Golden", "Cyber",  "Wrapped", "Degen", "Moon",  "Fart",   "Quantum", "Retired", "Little", "Super", "Drunk",
    "Holy",   "Neon",   "Tiny",    "Chill", "Angry", "Sleepy", "Lucky",   "Rich",    "Broke",  "AI"};
constexpr absl::string_view kSecondWords[] = {
    "Cat",      "Dog",    "Frog",    "Penguin", "Hamster", "Whale", "Otter",    "Goat", "Rocket",  "Inu",   "Coin",
    "Agent",    "Monkey", "Guy",     "Trump",   "Elon",    "Ape",   "Duck",     "Bonk", "Wif Hat", "Shark", "Toad",
    "Capybara", "Banana", "Unicorn", "Worm",    "Nut",     "Pill",  "Squirrel", "Bear", "Bull",    "Pixel"};
constexpr absl::string_view kUnicodeNames[] = {"狗狗币之王",
                                               "ねこコイン",
                                               "Доге Космос",
                                               "قطة القمر",
                                               "🚀🚀 ROCKET 🚀🚀",
                                               "Caf\u00e9 del Mar",
                                               "비트코인 강아지",
                                               "Ελληνικός Σκύλος",
                                               "חתול הזהב",
                                               "💎🙌",
                                               "Ñandú Token",
                                               "मून डॉग",
                                               "👨\u200d👩\u200d👧\u200d👦 Family",
                                               "Łódź Coin",
                                               "e\u0301toile",
                                               "🇺🇸 Liberty"};
constexpr absl::string_view kBlankNames[] = {
    "", " ", "   ", "\t\n", "\u200b", "\u200b\u200d\u2060", "\u3000\u3000", "\u00a0"};
constexpr absl::string_view kBidiNames[] = {"\u202eCDSU", "Pepe\u202e gnp.", "\u2066Safe\u2069 Coin",
                                            "USDC\u200f\u202d"};
constexpr absl::string_view kZeroWidthNames[] = {"US\u200bDC", "P\u200ce\u200dp\u2060e", "\ufeffBonk", "Tr\u00adump"};
constexpr absl::string_view kControlNames[] = {"Cat\nDog", "Tab\tby", "quo\"te",     "back\\slash",
                                               "bell\a",   "del\x7f", "\x1b[31mRed", "cr\r\nlf"};
constexpr absl::string_view kMarkupNames[] = {"@everyone", "'; DROP TABLE tokens; --", "{{7*7}} ${x} %s%n",
                                              "<script>x</script>", "[USDC](http://example.invalid)"};
constexpr absl::string_view kOverlongPieces[] = {"LONG", "\u0e01\u0e49", "🐸"};

template <size_t kSize>
absl::string_view Pick(Random& random, const absl::string_view (&from)[kSize]) {
  return from[random.Below(kSize)];
}

std::string DrawIdentifier(Random& random, size_t size) {
  constexpr absl::string_view kLetters = "abcdefghijklmnopqrstuvwxyz234567";
  std::string text(size, '\0');
  for (char& letter : text) letter = kLetters[random.Below(kLetters.size())];
  return text;
}

std::string DrawUri(Random& random) {
  switch (random.Below(8)) {
    case 0:
      return absl::StrCat("https://metadata.example/metadata/", DrawIdentifier(random, 10), ".json");
    case 1:
      return "";
    default:
      return absl::StrCat("https://ipfs.io/ipfs/bafkrei", DrawIdentifier(random, 52));
  }
}

std::string DrawHostileName(Random& random, NameKind kind) {
  switch (kind) {
    case NameKind::kBlank:
      return std::string(Pick(random, kBlankNames));
    case NameKind::kBidi:
      return std::string(Pick(random, kBidiNames));
    case NameKind::kZeroWidth:
      return std::string(Pick(random, kZeroWidthNames));
    case NameKind::kControl:
      // One in nine has a NUL inside, which no string literal of the table can have.
      if (random.Below(9) == 0) return std::string("nul\0byte", 8);
      return std::string(Pick(random, kControlNames));
    case NameKind::kOverlong: {
      const absl::string_view piece = Pick(random, kOverlongPieces);
      std::string name;
      for (uint64_t count = random.Between(20, 120); count > 0; --count) absl::StrAppend(&name, piece);
      return name;
    }
    default:
      return std::string(Pick(random, kMarkupNames));
  }
}

std::string SymbolOf(absl::string_view name) {
  std::string symbol;
  for (const char letter : name) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(letter))) symbol.push_back(absl::ascii_toupper(letter));
    if (symbol.size() == 8) break;
  }
  return symbol;
}

}  // namespace

absl::string_view NameKindText(NameKind kind) {
  switch (kind) {
    case NameKind::kPlain:
      return "plain";
    case NameKind::kUnicode:
      return "unicode";
    case NameKind::kBlank:
      return "blank";
    case NameKind::kBidi:
      return "bidi";
    case NameKind::kZeroWidth:
      return "zero_width";
    case NameKind::kControl:
      return "control";
    case NameKind::kOverlong:
      return "overlong";
    case NameKind::kMarkup:
      return "markup";
  }
  return "plain";
}

TokenTexts DrawTexts(Random& random, uint32_t hostile_ppm) {
  TokenTexts texts;
  texts.uri = DrawUri(random);
  if (random.ChancePpm(hostile_ppm)) {
    constexpr NameKind kHostile[] = {NameKind::kBlank,   NameKind::kBidi,     NameKind::kZeroWidth,
                                     NameKind::kControl, NameKind::kOverlong, NameKind::kMarkup};
    texts.kind = kHostile[random.Below(std::size(kHostile))];
    texts.name = DrawHostileName(random, texts.kind);
    texts.symbol = SymbolOf(texts.name);
    return texts;
  }
  if (random.Below(8) == 0) {
    texts.kind = NameKind::kUnicode;
    texts.name = std::string(Pick(random, kUnicodeNames));
    texts.symbol = texts.name.size() <= 13 ? texts.name : DrawIdentifier(random, 4);
    return texts;
  }
  // A third of the names come from a handful of fashions, so that many tokens share one, as in reality.
  const uint64_t fashion = random.Below(3) == 0 ? 4 : std::size(kFirstWords);
  const absl::string_view first = kFirstWords[random.Below(fashion)];
  const absl::string_view second = Pick(random, kSecondWords);
  texts.name = absl::StrCat(first, " ", second);
  if (random.Below(6) == 0) absl::StrAppend(&texts.name, " ", random.Between(2, 9999));
  texts.symbol = SymbolOf(random.Below(2) == 0 ? second : absl::string_view(texts.name));
  return texts;
}

}  // namespace tokenwatch::sim
