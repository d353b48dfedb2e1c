#include "detector/token.h"

#include <array>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tokenwatch::detector {
namespace {

constexpr absl::string_view kPlaceholderPrefix = "(unnamed ";
constexpr size_t kPlaceholderAddressBytes = 8;

constexpr std::array<std::pair<TokenOrigin, const char*>, 3> kOrigins{{
    {TokenOrigin::kLaunch, "launch"},
    {TokenOrigin::kTrade, "trade"},
    {TokenOrigin::kMigration, "migration"},
}};

constexpr std::array<std::pair<TokenEventKind, const char*>, 6> kKinds{{
    {TokenEventKind::kLaunched, "launched"},
    {TokenEventKind::kDiscovered, "discovered"},
    {TokenEventKind::kNamed, "named"},
    {TokenEventKind::kUpdated, "updated"},
    {TokenEventKind::kCompleted, "completed"},
    {TokenEventKind::kMigrated, "migrated"},
}};

template <typename Table, typename Value>
absl::string_view WordOf(const Table& table, Value value) {
  for (const auto& [known, word] : table) {
    if (known == value) return word;
  }
  return "unknown";
}

template <typename Table>
auto ParseWord(const Table& table, absl::string_view text) -> std::optional<decltype(table[0].first)> {
  for (const auto& [value, word] : table) {
    if (text == word) return value;
  }
  return std::nullopt;
}

}  // namespace

std::string PlaceholderName(const chain::Address& address) {
  return absl::StrCat(kPlaceholderPrefix, address.text().substr(0, kPlaceholderAddressBytes), ")");
}

bool IsPlaceholderName(absl::string_view name) {
  return absl::StartsWith(name, kPlaceholderPrefix) && absl::EndsWith(name, ")");
}

absl::string_view ToWord(TokenOrigin origin) { return WordOf(kOrigins, origin); }
absl::string_view ToWord(TokenEventKind kind) { return WordOf(kKinds, kind); }

std::optional<TokenOrigin> ParseTokenOrigin(absl::string_view word) {
  if (auto value = ParseWord(kOrigins, word)) return *value;
  return std::nullopt;
}

std::optional<TokenEventKind> ParseTokenEventKind(absl::string_view word) {
  if (auto value = ParseWord(kKinds, word)) return *value;
  return std::nullopt;
}

}  // namespace tokenwatch::detector
