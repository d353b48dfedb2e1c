// Recorded price ticks of pump.fun tokens, as trades that leave exactly these prices behind.
//
// A line is "mint,unix milliseconds,kind,price,...": the price in SOL for one token, decimal text with 12 digits after
// the point, or 18 where the recorder wrote down the price at which it began to look ("E"). A token has 6 decimals and
// SOL 9, so units * 10^-digits SOL for a token are units lamports for 10^(digits - 3) base units of the token. These
// two integers are the reserves of the trade; nothing is rounded on the way.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tokenwatch/detector/v1/detector.pb.h"

namespace tokenwatch::functional {

struct Tick {
  // Index of the token.
  uint32_t token = 0;
  int64_t unix_ms = 0;
  uint64_t quote_reserve = 0;
  uint64_t token_reserve = 1;

  // In 10^-18 SOL for one token: what prices of different digits are compared by.
  uint64_t price_e18() const { return quote_reserve * (1'000'000'000'000'000 / token_reserve); }
};

// What the recording says of one token. A price of zero, which is one below what the recorder's digits could show, is
// no price.
struct TickedToken {
  std::string mint;
  uint64_t ticks = 0;
  uint64_t priced = 0;
  uint64_t high_e18 = 0;
  uint64_t low_e18 = 0;
  uint64_t last_e18 = 0;
  int64_t last_unix_ms = 0;
};

struct RecordedTicks {
  std::vector<TickedToken> tokens;
  // By time; those of the same millisecond as the files have them.
  std::vector<Tick> ticks;
};

// Where recordings are looked for that are not part of the repository: $TOKENWATCH_DATA_DIR, or ../shared/data beside
// it.
std::string DataPath(const std::string& path);

// Reads the files, but only every n-th token of them. Errors name the file and the line.
absl::StatusOr<RecordedTicks> ReadTicks(const std::vector<std::string>& paths, uint64_t every);

// As a trade of that token; `serial` gives the transaction. What was bought or sold is not recorded: it is a thousand
// tokens at the price of the tick.
void ToTrade(const Tick& tick, const TickedToken& token, uint64_t serial, detector::v1::Trade* trade);

}  // namespace tokenwatch::functional
