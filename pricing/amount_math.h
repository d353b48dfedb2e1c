// Arithmetic on amounts that the fold needs. Values; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "chain/amount.h"

namespace tokenwatch::pricing {

// Adds `amount` to `sum`, which stays at 2^256 - 1 when it would leave 256 bits; so the order of additions does not
// matter.
inline void AddSaturating(const chain::Amount& amount, chain::Amount& sum) {
  if (amount.FitsUint64() && sum.FitsUint64()) {
    const uint64_t low = amount.Uint64Value() + sum.Uint64Value();
    if (low >= amount.Uint64Value()) {
      sum = chain::Amount(low);
      return;
    }
  }
  std::array<uint64_t, 4> limbs{};
  unsigned __int128 carry = 0;
  for (size_t i = 0; i < limbs.size(); ++i) {
    carry += static_cast<unsigned __int128>(amount.limbs()[i]) + sum.limbs()[i];
    limbs[i] = static_cast<uint64_t>(carry);
    carry >>= 64;
  }
  if (carry != 0) limbs = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
  sum = chain::Amount(limbs);
}

// The nearest double to a value below 2^64; for others within two units in the last place.
inline double ToDouble(const chain::Amount& amount) {
  if (amount.FitsUint64()) return static_cast<double>(amount.Uint64Value());
  double value = 0;
  for (size_t i = 4; i-- > 0;) value = value * 0x1p64 + static_cast<double>(amount.limbs()[i]);
  return value;
}

}  // namespace tokenwatch::pricing
