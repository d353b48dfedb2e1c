// What the resolver needs of the detector, in domain types, so that loops can be tested without gRPC.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "resolver/resolution.h"

namespace tokenwatch::resolver {

struct ClaimedToken {
  TokenRef token;
  std::string uri;
  std::optional<uint32_t> decimals;
};

// What became of a claimed token: a name, or, without one, the time before which it is not to be claimed again.
struct Completion {
  Resolution resolution;
  absl::Time retry_at = absl::InfinitePast();
};

// One entry of the token log, as far as it matters here.
struct TokenSeen {
  TokenRef token;
  bool pending = false;
  // The token came into the log, or was named, with what its launch said.
  bool named_at_launch = false;
  std::string name;
  std::string symbol;
  std::string uri;
  std::optional<uint32_t> decimals;
  bool name_sanitized = false;
  absl::Time event_time;
};
struct TokenLogBatch {
  std::vector<TokenSeen> tokens;
  uint64_t cursor = 0;
};

// Thread-safe. Calls block; UNAVAILABLE and DEADLINE_EXCEEDED may pass by themselves.
class Detector {
 public:
  virtual ~Detector() = default;

  // Pending tokens, leased to `claimant` for `lease`.
  virtual absl::StatusOr<std::vector<ClaimedToken>> Claim(const std::string& claimant, int limit, absl::Duration lease,
                                                          const std::stop_token& stop) = 0;
  // Names tokens and returns claims; repeating changes nothing. At most 1000.
  virtual absl::Status Complete(const std::string& claimant, absl::Span<const Completion> completions,
                                const std::stop_token& stop) = 0;
  // Follows the token log after `cursor` until `handle` fails, the stream breaks or `stop`. OUT_OF_RANGE when the
  // cursor lies ahead of the log.
  virtual absl::Status Follow(uint64_t cursor, const std::function<absl::Status(const TokenLogBatch&)>& handle,
                              const std::stop_token& stop) = 0;
};

}  // namespace tokenwatch::resolver
