#include "pricing/fold/parking_lot.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tokenwatch::pricing {
namespace {

constexpr int kFirstBucketBits = 6;
// Entries in a bucket, on average, at which each bucket is split in two.
constexpr size_t kFullBucket = 32;

void AppendVarint(uint64_t value, std::vector<uint8_t>& out) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<uint8_t>(value | 0x80));
  out.push_back(static_cast<uint8_t>(value));
}

uint64_t ReadVarint(const uint8_t*& at) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const uint8_t byte = *at++;
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
}

}  // namespace

struct ParkingLot::Entry {
  Fingerprint series;
  // Of the bucket's bytes; [begin, begin) when there is no such entry.
  size_t begin = 0;
  size_t cursors_at = 0;
  size_t end = 0;

  bool found() const { return end > begin; }
  bool is_kept() const { return cursors_at == end; }

  static Entry At(const std::vector<uint8_t>& bucket, size_t begin) {
    Entry entry;
    std::memcpy(&entry.series, bucket.data() + begin, sizeof entry.series);
    entry.begin = begin;
    const uint8_t* at = bucket.data() + begin + sizeof entry.series;
    const uint64_t size = ReadVarint(at);
    entry.cursors_at = static_cast<size_t>(at - bucket.data());
    entry.end = entry.cursors_at + size;
    return entry;
  }
  static Entry Of(const std::vector<uint8_t>& bucket, const Fingerprint& series) {
    for (size_t at = 0; at < bucket.size();) {
      const Entry entry = At(bucket, at);
      if (entry.series == series) return entry;
      at = entry.end;
    }
    return {};
  }
  void CursorsOf(const std::vector<uint8_t>& bucket, std::vector<uint64_t>& cursors) const {
    cursors.clear();
    const uint8_t* at = bucket.data() + cursors_at;
    uint64_t cursor = 0;
    while (at != bucket.data() + end) cursors.push_back(cursor += ReadVarint(at));
  }
};

ParkingLot::ParkingLot() : buckets_(size_t{1} << kFirstBucketBits), bucket_bits_(kFirstBucketBits) {}

size_t ParkingLot::IndexOf(const Fingerprint& series) const {
  return static_cast<size_t>(absl::Uint128High64(series) >> (64 - bucket_bits_));
}

ParkingLot::Place ParkingLot::Find(const Fingerprint& series, std::vector<uint64_t>& cursors) const {
  cursors.clear();
  const Bucket& bucket = buckets_[IndexOf(series)];
  const Entry entry = Entry::Of(bucket, series);
  if (!entry.found()) return Place::kUnknown;
  if (entry.is_kept()) return Place::kKept;
  entry.CursorsOf(bucket, cursors);
  return Place::kParked;
}

void ParkingLot::Park(const Fingerprint& series, absl::Span<const uint64_t> cursors) {
  std::vector<uint64_t> all;
  const Place place = Find(series, all);
  if (place == Place::kKept || cursors.empty()) return;
  Take(series);
  all.insert(all.end(), cursors.begin(), cursors.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  Insert(series, all);
  ++parked_;
  cursors_ += all.size();
}

void ParkingLot::Keep(const Fingerprint& series) {
  std::vector<uint64_t> cursors;
  if (Find(series, cursors) == Place::kKept) return;
  Take(series);
  Insert(series, {});
  ++kept_;
}

void ParkingLot::Take(const Fingerprint& series) {
  Bucket& bucket = buckets_[IndexOf(series)];
  const Entry entry = Entry::Of(bucket, series);
  if (!entry.found() || entry.is_kept()) return;
  std::vector<uint64_t> cursors;
  entry.CursorsOf(bucket, cursors);
  cursors_ -= cursors.size();
  --parked_;
  bucket.erase(bucket.begin() + static_cast<ptrdiff_t>(entry.begin),
               bucket.begin() + static_cast<ptrdiff_t>(entry.end));
}

void ParkingLot::Insert(const Fingerprint& series, absl::Span<const uint64_t> cursors) {
  if (parked_ + kept_ >= kFullBucket << bucket_bits_) SplitBuckets();
  std::vector<uint8_t> packed;
  uint64_t before = 0;
  for (uint64_t cursor : cursors) {
    AppendVarint(cursor - before, packed);
    before = cursor;
  }
  std::vector<uint8_t> entry(sizeof series);
  std::memcpy(entry.data(), &series, sizeof series);
  AppendVarint(packed.size(), entry);
  entry.insert(entry.end(), packed.begin(), packed.end());
  Bucket& bucket = buckets_[IndexOf(series)];
  const size_t needed = bucket.size() + entry.size();
  // Not the doubling of push_back: the room is what costs memory here.
  if (needed > bucket.capacity()) bucket.reserve(needed + needed / 16);
  bucket.insert(bucket.end(), entry.begin(), entry.end());
}

void ParkingLot::SplitBuckets() {
  std::vector<Bucket> halves(buckets_.size() * 2);
  ++bucket_bits_;
  for (Bucket& bucket : buckets_) {
    // Freed at the end of its turn, so that the memory at the peak is not twice as much.
    const Bucket whole = std::exchange(bucket, {});
    for (size_t at = 0; at < whole.size();) {
      const Entry entry = Entry::At(whole, at);
      Bucket& half = halves[IndexOf(entry.series)];
      if (half.capacity() == 0) half.reserve(whole.size() * 9 / 16);
      half.insert(half.end(), whole.begin() + static_cast<ptrdiff_t>(at),
                  whole.begin() + static_cast<ptrdiff_t>(entry.end));
      at = entry.end;
    }
  }
  buckets_ = std::move(halves);
}

void ParkingLot::ForEachParked(
    absl::FunctionRef<void(const Fingerprint& series, const std::vector<uint64_t>& cursors)> visit) const {
  std::vector<uint64_t> cursors;
  for (const Bucket& bucket : buckets_) {
    for (size_t at = 0; at < bucket.size();) {
      const Entry entry = Entry::At(bucket, at);
      at = entry.end;
      if (entry.is_kept()) continue;
      entry.CursorsOf(bucket, cursors);
      visit(entry.series, cursors);
    }
  }
}

size_t ParkingLot::memory() const {
  size_t bytes = buckets_.capacity() * sizeof(Bucket);
  for (const Bucket& bucket : buckets_) bytes += bucket.capacity();
  return bytes;
}

}  // namespace tokenwatch::pricing
