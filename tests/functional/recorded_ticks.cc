#include "tests/functional/recorded_ticks.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "chain/address.h"
#include "common/recording/recording_file.h"
#include "tests/functional/harness.h"

namespace tokenwatch::functional {
namespace {

constexpr char kSol[] = "So11111111111111111111111111111111111111112";
constexpr uint64_t kThousandTokens = 1'000'000'000;

// The two integers of a price; nullopt when the text is none of those described above.
std::optional<Tick> ParsePrice(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits('.', 1));
  const size_t digits = parts.second.size();
  if (digits != 12 && digits != 18) return std::nullopt;
  Tick tick;
  // At most 18.4 SOL, so that 10^-18 SOL fit 64 bits.
  uint64_t whole = 0;
  if (!absl::SimpleAtoi(parts.first, &whole) || whole > 17) return std::nullopt;
  if (!absl::SimpleAtoi(absl::StrCat(parts.first, parts.second), &tick.quote_reserve)) return std::nullopt;
  tick.token_reserve = digits == 12 ? 1'000'000'000 : 1'000'000'000'000'000;
  return tick;
}

void Count(const Tick& tick, TickedToken& token) {
  ++token.ticks;
  const uint64_t price = tick.price_e18();
  if (price == 0) return;
  token.high_e18 = std::max(token.high_e18, price);
  token.low_e18 = token.priced == 0 ? price : std::min(token.low_e18, price);
  token.last_e18 = price;
  token.last_unix_ms = tick.unix_ms;
  ++token.priced;
}

}  // namespace

std::string DataPath(const std::string& path) {
  const char* const folder = std::getenv("TOKENWATCH_DATA_DIR");
  return absl::StrCat(folder != nullptr ? folder : SourcePath("../shared/data"), "/", path);
}

absl::StatusOr<RecordedTicks> ReadTicks(const std::vector<std::string>& paths, uint64_t every) {
  RecordedTicks recorded;
  absl::flat_hash_map<std::string, uint64_t> seen;
  std::vector<uint32_t> index;
  for (const std::string& path : paths) {
    const auto reader = common::RecordingReader::Open(path);
    if (!reader.ok()) return reader.status();
    for (bool is_header = true;; is_header = false) {
      const absl::StatusOr<absl::string_view> line = (*reader)->NextLine();
      if (absl::IsOutOfRange(line.status())) break;
      if (!line.ok()) return line.status();
      if (is_header) continue;
      const std::vector<absl::string_view> fields = absl::StrSplit(*line, ',');
      std::optional<Tick> tick = fields.size() < 4 ? std::nullopt : ParsePrice(fields[3]);
      if (!tick.has_value() || !absl::SimpleAtoi(fields[1], &tick->unix_ms)) {
        return absl::DataLossError(absl::StrCat(path, ", line ", (*reader)->lines(), " is no tick: ", *line));
      }
      const auto [found, is_new] = seen.try_emplace(std::string(fields[0]), seen.size());
      if (found->second % every != 0) continue;
      if (is_new) recorded.tokens.push_back({.mint = found->first});
      tick->token = static_cast<uint32_t>(found->second / every);
      recorded.ticks.push_back(*tick);
    }
  }
  std::stable_sort(recorded.ticks.begin(), recorded.ticks.end(),
                   [](const Tick& a, const Tick& b) { return a.unix_ms < b.unix_ms; });
  for (const Tick& tick : recorded.ticks) Count(tick, recorded.tokens[tick.token]);
  return recorded;
}

void ToTrade(const Tick& tick, const TickedToken& token, uint64_t serial, detector::v1::Trade* trade) {
  std::array<uint8_t, 64> transaction{};
  std::memcpy(transaction.data(), &serial, sizeof serial);
  transaction.back() = 1;
  std::array<uint8_t, 32> trader{};
  trader.back() = 2;
  trade->set_chain("solana");
  trade->set_transaction(std::string(chain::TransactionId::FromSolanaBytes(transaction).text()));
  trade->set_event_index(0);
  trade->set_token(token.mint);
  trade->set_trader(std::string(chain::Address::FromSolanaBytes(trader).text()));
  trade->set_side(detector::v1::TRADE_SIDE_BUY);
  trade->set_venue("pump");
  trade->set_quote_address(kSol);
  trade->set_token_amount(absl::StrCat(kThousandTokens));
  trade->set_quote_amount(absl::StrCat(tick.price_e18() / 1'000'000));
  trade->set_virtual_token_reserve(absl::StrCat(tick.token_reserve));
  trade->set_virtual_quote_reserve(absl::StrCat(tick.quote_reserve));
  trade->set_real_token_reserve("0");
  trade->set_real_quote_reserve("0");
  trade->mutable_event_time()->set_seconds(tick.unix_ms / 1000);
  trade->mutable_event_time()->set_nanos(static_cast<int32_t>(tick.unix_ms % 1000 * 1'000'000));
}

}  // namespace tokenwatch::functional
