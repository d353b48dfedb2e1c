// The bytes of packed columns: integers as LEB128, texts with their length, amounts as their significant bytes. The
// same values give the same bytes.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "chain/amount.h"

namespace tokenwatch::pricing {

// Appends to a string. Not thread-safe.
class Packer {
 public:
  explicit Packer(std::string& out) : out_(out) {}

  void Byte(uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void Uint(uint64_t value);
  // Small for small magnitudes of either sign.
  void Int(int64_t value) { Uint((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63)); }
  void Text(absl::string_view value);
  void Amount(const chain::Amount& value);

 private:
  std::string& out_;
};

// Reads what Packer wrote, in the same order. Bytes that are none make ok() false, and zeros from then on; nothing is
// read past the end. Not thread-safe.
class Unpacker {
 public:
  explicit Unpacker(absl::string_view bytes) : bytes_(bytes) {}

  uint8_t Byte();
  uint64_t Uint();
  int64_t Int();
  absl::string_view Text();
  // The next `size` bytes.
  absl::string_view Raw(size_t size);
  chain::Amount Amount();

  bool ok() const { return ok_; }
  bool at_end() const { return bytes_.empty(); }

 private:
  void Fail();

  absl::string_view bytes_;
  bool ok_ = true;
};

}  // namespace tokenwatch::pricing
