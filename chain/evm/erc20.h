// Results of the ERC-20 calls name(), symbol() and decimals(), with the quirks of old contracts: bytes32 in place of a
// string (MKR, old DAI, EOS), NULs inside the declared length, empty returns. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tokenwatch::chain {

// Longest text taken; what a contract returns beyond it is cut at a character boundary.
inline constexpr size_t kMaxErc20TextBytes = 1024;

enum class Erc20Problem : uint8_t {
  kNone,
  kEmpty,       // nothing returned, or a text of no bytes once NULs are gone
  kBadHex,      // not "0x" and an even number of hex digits
  kBadLength,   // shorter than 32 bytes, or no whole string behind the offset
  kBadOffset,   // the string's offset points outside
  kBadUtf8,     // bytes that are no UTF-8
  kOutOfRange,  // decimals above 255
};

// "none", "empty", "bad_hex", ...: for metrics and messages.
absl::string_view Erc20ProblemName(Erc20Problem problem);

// `value` is set exactly when `problem` is kNone.
struct Erc20Text {
  std::optional<std::string> value;
  Erc20Problem problem = Erc20Problem::kNone;
  // The text's bytes as returned, before NULs were taken out (at most kMaxErc20TextBytes), whatever became of them.
  std::string raw;
};
struct Erc20Decimals {
  std::optional<uint8_t> value;
  Erc20Problem problem = Erc20Problem::kNone;
};

// name() or symbol(): exactly 32 bytes are a bytes32 (trailing NULs trimmed), more are an ABI string.
Erc20Text DecodeErc20Text(absl::Span<const uint8_t> returned);
// The same from the hex text of an eth_call result.
Erc20Text DecodeErc20TextHex(absl::string_view hex);

// decimals(): the first 32 bytes as an integer of at most 255.
Erc20Decimals DecodeErc20Decimals(absl::Span<const uint8_t> returned);
Erc20Decimals DecodeErc20DecimalsHex(absl::string_view hex);

}  // namespace tokenwatch::chain
