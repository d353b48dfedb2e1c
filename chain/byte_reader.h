// Reads little-endian fields from untrusted bytes, in order. Never reads past the end: the first read that would sets
// `failed` and every read from then on gives zeros.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tokenwatch::chain {

static_assert(std::endian::native == std::endian::little, "fields are copied as they are");

// One thread at a time; views it hands out point into the bytes read.
class ByteReader {
 public:
  explicit ByteReader(absl::Span<const uint8_t> data) : data_(data) {}

  template <typename T>
  T Read() {
    static_assert(sizeof(T) <= 8);
    T value{};
    if (Has(sizeof(T))) {
      std::memcpy(&value, data_.data(), sizeof(T));
      data_.remove_prefix(sizeof(T));
    }
    return value;
  }

  // Copies `size` bytes to `out`; leaves it alone when they are not there.
  void Copy(uint8_t* out, size_t size) {
    if (!Has(size)) return;
    std::memcpy(out, data_.data(), size);
    data_.remove_prefix(size);
  }

  absl::Span<const uint8_t> Take(size_t size) {
    if (!Has(size)) return {};
    const absl::Span<const uint8_t> taken = data_.subspan(0, size);
    data_.remove_prefix(size);
    return taken;
  }

  // A u32 length and that many bytes.
  absl::string_view TakeText() {
    const absl::Span<const uint8_t> bytes = Take(Read<uint32_t>());
    return absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }

  size_t remaining() const { return data_.size(); }
  bool failed() const { return failed_; }

 private:
  bool Has(size_t size) {
    failed_ = failed_ || size > data_.size();
    return !failed_;
  }

  absl::Span<const uint8_t> data_;
  bool failed_ = false;
};

}  // namespace tokenwatch::chain
