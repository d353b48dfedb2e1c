#include "tests/sim/options.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace tokenwatch::sim {
namespace {

// Indexes are 32 bits wide, and a market above this is beyond any memory it was made for.
constexpr uint64_t kMaxEntities = 50'000'000;
constexpr uint64_t kMaxTrades = 1'000'000'000;
constexpr uint64_t kMaxTradesPerSecond = 1'000'000'000;
constexpr int64_t kMaxStart = 32'503'680'000;  // the year 3000

absl::Status OutOfRange(absl::string_view option, uint64_t low, uint64_t high) {
  return absl::InvalidArgumentError(absl::StrCat("simulator: ", option, " must be between ", low, " and ", high));
}

}  // namespace

absl::Status Options::Validate() const {
  if (launches < 1 || launches > kMaxEntities) return OutOfRange("launches", 1, kMaxEntities);
  if (wallets < 2 || wallets > kMaxEntities) return OutOfRange("wallets", 2, kMaxEntities);
  if (trades > kMaxTrades) return OutOfRange("trades", 0, kMaxTrades);
  if (trades_per_second < 1 || trades_per_second > kMaxTradesPerSecond) {
    return OutOfRange("rate", 1, kMaxTradesPerSecond);
  }
  if (start_s < 0 || start_s > kMaxStart) return OutOfRange("start", 0, kMaxStart);
  if (!solana_feed && !pumpportal_feed) {
    return absl::InvalidArgumentError("simulator: feeds must name solana, pumpportal or both");
  }
  if (pumpportal_trades && !pumpportal_feed) {
    return absl::InvalidArgumentError("simulator: pumpportal_trades needs the pumpportal feed");
  }
  // All frames failing would never end.
  if (failed_ppm > 990'000) return OutOfRange("failed share in parts per million", 0, 990'000);
  const std::pair<absl::string_view, uint32_t> shares[] = {
      {"truncated share", truncated_ppm},
      {"hostile name share", hostile_name_ppm},
      {"mayhem share", mayhem_ppm},
      {"cashback share", cashback_ppm},
      {"nameless share", pumpportal_nameless_ppm},
      {"missing shares together", pumpportal_missing_ppm + solana_missing_ppm},
  };
  for (const auto& [name, share] : shares) {
    if (share > 1'000'000) return OutOfRange(absl::StrCat(name, " in parts per million"), 0, 1'000'000);
  }
  return absl::OkStatus();
}

}  // namespace tokenwatch::sim
