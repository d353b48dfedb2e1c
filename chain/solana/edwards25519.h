// The one question program-derived addresses ask of edwards25519: are these 32 bytes a compressed point?
#pragma once

#include <array>
#include <cstdint>

namespace tokenwatch::chain {

// Whether the bytes decompress to any point of the curve, as curve25519-dalek (and so Solana) decides it: the sign bit
// is ignored, y is taken modulo 2^255 - 19, and (y^2 - 1) / (d y^2 + 1) must be a square. Not the same as libsodium's
// crypto_core_ed25519_is_valid_point, which also demands the prime-order subgroup. Not constant time: inputs are
// public.
bool IsOnEdwards25519(const std::array<uint8_t, 32>& compressed);

}  // namespace tokenwatch::chain
