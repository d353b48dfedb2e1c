// Which series are known that are not in memory: those that have rows ("kept"), and those that are parked, with the
// cursors of their trades. Under 40 bytes each, because there may be millions. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "pricing/fold/fingerprint.h"

namespace tokenwatch::pricing {

class ParkingLot {
 public:
  enum class Place { kUnknown, kParked, kKept };

  ParkingLot();

  // Where a series is. The cursors of a parked one, growing, are put into `cursors`; others leave it empty.
  Place Find(const Fingerprint& series, std::vector<uint64_t>& cursors) const;
  // Adds cursors, in any order, to what is parked of the series, each once. A kept series stays kept.
  void Park(const Fingerprint& series, absl::Span<const uint64_t> cursors);
  // The series has rows from now on.
  void Keep(const Fingerprint& series);
  // Takes a parked series out; kept and unknown ones stay as they are.
  void Take(const Fingerprint& series);

  void ForEachParked(
      absl::FunctionRef<void(const Fingerprint& series, const std::vector<uint64_t>& cursors)> visit) const;

  size_t parked() const { return parked_; }
  size_t kept() const { return kept_; }
  // Of all parked series together.
  size_t cursors() const { return cursors_; }
  // Heap bytes held.
  size_t memory() const;

 private:
  // Entries after each other: the fingerprint, how many bytes follow, and the cursors as differences to each other; of
  // a kept series nothing follows. Few enough to be searched from the front.
  using Bucket = std::vector<uint8_t>;
  struct Entry;

  size_t IndexOf(const Fingerprint& series) const;
  void Insert(const Fingerprint& series, absl::Span<const uint64_t> cursors);
  void SplitBuckets();

  // 2^bucket_bits_ of them, chosen by the highest bits of the fingerprint.
  std::vector<Bucket> buckets_;
  int bucket_bits_;
  size_t parked_ = 0;
  size_t kept_ = 0;
  size_t cursors_ = 0;
};

}  // namespace tokenwatch::pricing
