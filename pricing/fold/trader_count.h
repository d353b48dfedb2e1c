// How many different wallets traded: exact while they are few, an estimate with bounded memory after that. Merging and
// order do not matter: the same wallets give the same bytes. Values; not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "chain/address.h"

namespace tokenwatch::pricing {

class TraderCount {
 public:
  // Up to here the count is exact.
  static constexpr size_t kMaxExact = 32;

  void Add(const chain::Address& trader);
  uint64_t count() const;
  // Whether count() is an estimate (HyperLogLog, standard error about 6.5 %).
  bool is_estimate() const;
  // For the database: at most 257 bytes; INVALID_ARGUMENT for bytes that Encode() does not make.
  std::string Encode() const;
  static absl::StatusOr<TraderCount> Decode(absl::string_view bytes);
  // Heap bytes held.
  size_t memory() const;

  friend bool operator==(const TraderCount&, const TraderCount&) = default;

 private:
  // How many hashes are in an exact one.
  size_t exact() const;

  // Empty for nobody. Else a byte that names the form, then the hashes of up to kMaxExact wallets, 8 bytes each and
  // growing, or the registers.
  std::vector<char> state_;
};

}  // namespace tokenwatch::pricing
