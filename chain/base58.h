// Base58 (Bitcoin alphabet) of the two sizes Solana uses. Cost is fixed by the size: a product with a constant matrix
// turns base 2^32 limbs into base 58^5 limbs and back, in place of the usual long division digit by digit.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace tokenwatch::chain {

// The longest texts: 32 bytes give 32..44 characters, 64 bytes give 64..88.
inline constexpr size_t kMaxBase58Size32 = 44;
inline constexpr size_t kMaxBase58Size64 = 88;

// Writes the text of `bytes` to `out` and returns its length; no NUL is added.
size_t EncodeBase58(const std::array<uint8_t, 32>& bytes, char (&out)[kMaxBase58Size32]);
size_t EncodeBase58(const std::array<uint8_t, 64>& bytes, char (&out)[kMaxBase58Size64]);

// True when `text` is the canonical base58 of exactly that many bytes; only then is `bytes` meaningful.
bool DecodeBase58(absl::string_view text, std::array<uint8_t, 32>& bytes);
bool DecodeBase58(absl::string_view text, std::array<uint8_t, 64>& bytes);

}  // namespace tokenwatch::chain
