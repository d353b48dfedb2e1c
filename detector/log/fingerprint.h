// 128 bits that stand for a value in sets that would be too large with the values themselves.
#pragma once

#include <cstdint>

#include "absl/hash/hash.h"
#include "absl/numeric/int128.h"

namespace tokenwatch::detector {

// Two independently salted hashes. absl::Hash is seeded per process, so who chooses values cannot choose collisions,
// and a fingerprint means nothing outside the process. Among 10^9 values two unequal ones meet with a probability below
// 10^-20.
template <typename... Parts>
absl::uint128 Fingerprint(const Parts&... parts) {
  constexpr uint64_t kHighSalt = 0x9e3779b97f4a7c15;
  constexpr uint64_t kLowSalt = 0xc2b2ae3d27d4eb4f;
  return absl::MakeUint128(absl::HashOf(kHighSalt, parts...), absl::HashOf(kLowSalt, parts...));
}

}  // namespace tokenwatch::detector
