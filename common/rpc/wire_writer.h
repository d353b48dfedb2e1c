// Protobuf's wire form, written by hand where generated messages would cost too much.
// Format: https://protobuf.dev/programming-guides/encoding/. Everything appends to `out`; any thread.
#pragma once

#include <bit>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace tokenwatch::common::wire {

enum class Type : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2 };

inline void AppendVarint(uint64_t value, std::string& out) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

inline void AppendTag(int field, Type type, std::string& out) {
  AppendVarint(static_cast<uint64_t>(field) << 3 | static_cast<uint64_t>(type), out);
}

// Zero is the default and is not written. Signed numbers go as their two's complement.
inline void AppendNumber(int field, uint64_t value, std::string& out) {
  if (value == 0) return;
  AppendTag(field, Type::kVarint, out);
  AppendVarint(value, out);
}

// A text of the default, nothing, is not written.
inline void AppendText(int field, absl::string_view text, std::string& out) {
  if (text.empty()) return;
  AppendTag(field, Type::kBytes, out);
  AppendVarint(text.size(), out);
  out.append(text.data(), text.size());
}

// For a field that tracks presence: zero is written.
inline void AppendDouble(int field, double value, std::string& out) {
  AppendTag(field, Type::kFixed64, out);
  const uint64_t bits = std::bit_cast<uint64_t>(value);
  for (int shift = 0; shift < 64; shift += 8) out.push_back(static_cast<char>(bits >> shift));
}

// A message or text of which `write` appends fewer than 128 bytes: the one byte of its length is filled in after.
template <typename Write>
void AppendShort(int field, std::string& out, Write write) {
  AppendTag(field, Type::kBytes, out);
  const size_t length_at = out.size();
  out.push_back('\0');
  write();
  out[length_at] = static_cast<char>(out.size() - length_at - 1);
}

// A message of which `write` appends fewer than 16,384 bytes. Its length takes two bytes even when one would do: a
// varint may be padded with a continuation bit, and every parser takes it.
template <typename Write>
void AppendMedium(int field, std::string& out, Write write) {
  AppendTag(field, Type::kBytes, out);
  const size_t length_at = out.size();
  out.append(2, '\0');
  write();
  const size_t length = out.size() - length_at - 2;
  out[length_at] = static_cast<char>(length | 0x80);
  out[length_at + 1] = static_cast<char>(length >> 7);
}

}  // namespace tokenwatch::common::wire
