// The detector as pricing uses it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "pricing/trade.h"

namespace tokenwatch::pricing {

struct TradeBatch {
  std::vector<Trade> trades;
  // Everything up to here has been examined.
  uint64_t cursor = 0;
  // Messages of which trades could not be read by this build; they are counted, and the fold stops at them.
  uint64_t unreadable = 0;
};

// Decimal places of a token, as the detector's registry has them.
struct TokenDecimals {
  chain::TokenRef token;
  int decimals = 0;
};

// Thread-safe. Errors are of the RPC. OUT_OF_RANGE: the log does not reach to the cursor, or no longer keeps what comes
// after it.
class Detector {
 public:
  virtual ~Detector() = default;

  // Hands batches after `cursor` to `handle`, history then live, until the stream ends, `handle` fails, or a stop is
  // requested. While `handle` works the next batch is received.
  virtual absl::Status Tail(uint64_t cursor, const std::function<absl::Status(TradeBatch&&)>& handle,
                            const std::stop_token& stop) = 0;
  // The trades at the given cursors (growing, up to 5000) that the log still keeps, in order.
  virtual absl::StatusOr<std::vector<Trade>> GetTrades(absl::Span<const uint64_t> cursors, absl::Time deadline) = 0;
  // The trades of one token with cursors in [first, last], at most `limit`, in order.
  virtual absl::StatusOr<std::vector<Trade>> ReadTrades(const chain::TokenRef& token, uint64_t first, uint64_t last,
                                                        int limit, absl::Time deadline) = 0;
  // Of those of the tokens (1 to 500) whose decimals the registry knows, in no order.
  virtual absl::StatusOr<std::vector<TokenDecimals>> GetDecimals(absl::Span<const chain::TokenRef> tokens,
                                                                 absl::Time deadline) = 0;
  // Of those of the tokens (1 to 500) which the registry saw first at an event time of `since` or later, in no order:
  // none of their trades was before it.
  virtual absl::StatusOr<std::vector<chain::TokenRef>> SeenSince(absl::Span<const chain::TokenRef> tokens,
                                                                 absl::Time since, absl::Time deadline) = 0;
  // The newest position of the log.
  virtual absl::StatusOr<uint64_t> Head(absl::Time deadline) = 0;
  // Tells retention that everything up to `cursor` is not needed any more.
  virtual absl::Status Acknowledge(const std::string& consumer, uint64_t cursor, absl::Time deadline) = 0;
};

}  // namespace tokenwatch::pricing
