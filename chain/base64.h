// Base64 with the standard alphabet and padding, decoded strictly: what program log lines and account data use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace tokenwatch::chain {

// The room DecodeBase64 needs for a text of that length.
constexpr size_t MaxBase64DecodedSize(size_t text_size) { return text_size / 4 * 3; }

// Decodes into `out`, which has at least MaxBase64DecodedSize(text.size()) bytes, and returns the number of bytes.
// nullopt when the length is no multiple of four, a character is foreign (blanks and line ends too), or the padding is
// wrong or hides non-zero bits; `out` may then hold a part.
std::optional<size_t> DecodeBase64(absl::string_view text, uint8_t* out);

}  // namespace tokenwatch::chain
