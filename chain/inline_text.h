// A short text held in the object itself: the storage of Address and TransactionId.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/string_view.h"

namespace tokenwatch::chain {

// At most `kCapacity` bytes, never on the heap, trivially copyable. Bytes past the text are always zero, so that
// equality and order are one memcmp and equal the order of the texts (which hold no NUL).
template <size_t kCapacity>
class InlineText {
  static_assert(kCapacity < 256);

 public:
  static constexpr size_t kMaxSize = kCapacity;

  constexpr InlineText() = default;

  // Precondition: text.size() <= kCapacity and no NUL inside; the callers are parsers that have checked both.
  explicit InlineText(absl::string_view text) : size_(static_cast<uint8_t>(text.size())) {
    // An empty view may have no address, which memcpy must not be given.
    if (!text.empty()) std::memcpy(text_, text.data(), text.size());
  }

  absl::string_view text() const { return absl::string_view(text_, size_); }
  bool empty() const { return size_ == 0; }

  friend bool operator==(const InlineText& a, const InlineText& b) {
    return std::memcmp(a.text_, b.text_, kCapacity) == 0;
  }
  friend bool operator!=(const InlineText& a, const InlineText& b) { return !(a == b); }
  friend bool operator<(const InlineText& a, const InlineText& b) {
    return std::memcmp(a.text_, b.text_, kCapacity) < 0;
  }

  template <typename H>
  friend H AbslHashValue(H state, const InlineText& value) {
    return H::combine_contiguous(std::move(state), value.text_, kCapacity);
  }

 private:
  char text_[kCapacity] = {};
  uint8_t size_ = 0;
};

}  // namespace tokenwatch::chain
