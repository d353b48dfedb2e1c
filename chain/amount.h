// Quantities in base units (lamports, wei, token units): unsigned 256-bit integers. Plain values; any thread.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace tokenwatch::chain {

// Trivially copyable; four 64-bit limbs, least significant first. It carries and compares; formulas work on the
// integers of their own width.
class Amount {
 public:
  // 2^256 - 1 has 78 digits.
  static constexpr size_t kMaxDigits = 78;

  constexpr Amount() = default;
  constexpr Amount(uint64_t value) : limbs_{value, 0, 0, 0} {}  // NOLINT: every uint64_t is an amount
  constexpr explicit Amount(const std::array<uint64_t, 4>& limbs) : limbs_(limbs) {}

  // Plain decimal digits ("0", "007", up to 2^256 - 1). nullopt for the empty text, signs, points, exponents, blanks,
  // more than kMaxDigits digits and values that do not fit.
  static std::optional<Amount> Parse(absl::string_view text);

  // Appends the decimal digits, without leading zeros.
  void AppendTo(std::string& out) const;
  std::string ToString() const;

  constexpr bool FitsUint64() const { return (limbs_[1] | limbs_[2] | limbs_[3]) == 0; }
  // The low 64 bits: the value itself when FitsUint64().
  constexpr uint64_t Uint64Value() const { return limbs_[0]; }
  constexpr bool IsZero() const { return FitsUint64() && limbs_[0] == 0; }
  constexpr const std::array<uint64_t, 4>& limbs() const { return limbs_; }

  friend constexpr bool operator==(const Amount& a, const Amount& b) { return a.limbs_ == b.limbs_; }
  friend constexpr std::strong_ordering operator<=>(const Amount& a, const Amount& b) {
    for (size_t i = 4; i-- > 0;) {
      if (a.limbs_[i] != b.limbs_[i]) return a.limbs_[i] <=> b.limbs_[i];
    }
    return std::strong_ordering::equal;
  }
  template <typename H>
  friend H AbslHashValue(H state, const Amount& amount) {
    return H::combine(std::move(state), amount.limbs_);
  }

 private:
  std::array<uint64_t, 4> limbs_{};
};

}  // namespace tokenwatch::chain
