// How many different wallets traded: exact while they are few, an estimate with bounded memory after that. Merging and
// order do not matter: the same wallets give the same bytes. Values; not thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "chain/address.h"

namespace tokenwatch::pricing {

class TraderCount {
 public:
  void Add(const chain::Address& trader);
  uint64_t count() const;
  // Whether count() is an estimate (HyperLogLog, standard error about 6.5 %).
  bool is_estimate() const;
  // For the database; INVALID_ARGUMENT for bytes that Encode() does not make.
  std::string Encode() const;
  static absl::StatusOr<TraderCount> Decode(absl::string_view bytes);

  friend bool operator==(const TraderCount&, const TraderCount&) = default;

 private:
  // Sorted hashes of 8 bytes each, or, when the first byte says so, the registers.
  std::string state_;
};

}  // namespace tokenwatch::pricing
