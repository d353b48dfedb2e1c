#include "pricing/pg_store/parked_codec.h"

#include <cstdint>
#include <utility>

#include "absl/numeric/int128.h"
#include "pricing/pg_store/packing.h"

namespace tokenwatch::pricing {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kFingerprintBytes = 16;

void PutFingerprint(const Fingerprint& fingerprint, Packer& packer) {
  for (int shift = 120; shift >= 0; shift -= 8)
    packer.Byte(static_cast<uint8_t>(absl::Uint128Low64(fingerprint >> shift)));
}

Fingerprint ToFingerprint(absl::string_view bytes) {
  Fingerprint fingerprint = 0;
  for (const char byte : bytes) fingerprint = (fingerprint << 8) | static_cast<uint8_t>(byte);
  return fingerprint;
}

}  // namespace

std::vector<ParkedPart> PackParked(absl::Span<const ParkedSeries> parked, size_t part_bytes) {
  std::vector<ParkedPart> parts;
  for (const ParkedSeries& one : parked) {
    if (parts.empty() || parts.back().packed.size() >= part_bytes) {
      parts.emplace_back();
      parts.back().packed.push_back(static_cast<char>(kVersion));
    }
    ParkedPart& part = parts.back();
    Packer packer(part.packed);
    PutFingerprint(one.series, packer);
    packer.Uint(one.cursors.size());
    uint64_t last = 0;
    for (const uint64_t cursor : one.cursors) packer.Uint(cursor - std::exchange(last, cursor));
    ++part.series;
    part.trades += one.cursors.size();
  }
  return parts;
}

absl::Status UnpackParked(absl::string_view packed, const std::function<void(ParkedSeries&&)>& visit) {
  Unpacker unpacker(packed);
  if (unpacker.Byte() != kVersion) return absl::DataLossError("a row of parked_trades is of no version known here");
  while (!unpacker.at_end()) {
    ParkedSeries one;
    one.series = ToFingerprint(unpacker.Raw(kFingerprintBytes));
    uint64_t cursor = 0;
    // The count is not trusted: each cursor takes at least a byte, so the bytes bound what is built.
    for (uint64_t count = unpacker.Uint(); count > 0 && unpacker.ok(); --count) {
      cursor += unpacker.Uint();
      one.cursors.push_back(cursor);
    }
    if (!unpacker.ok()) return absl::DataLossError("a row of parked_trades is damaged");
    visit(std::move(one));
  }
  return absl::OkStatus();
}

}  // namespace tokenwatch::pricing
