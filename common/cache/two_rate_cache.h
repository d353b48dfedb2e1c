// A bounded map that keeps what will be asked for again soonest, judged by how often each key was asked for lately and
// over long: an expired entry goes first, else the one with the lowest score of a few picked at random.
//
// The score adds two counts that decay with each look-up, one with a half-life of 2 and one of 64 look-ups per entry of
// the capacity. The long one makes it frequency-based, so that a scan of one-off keys displaces nothing; the short one
// lets a burst of new keys in at once. The counts of keys that were evicted, or never kept, are remembered for a while.
// two_rate_cache_test.cc holds it against LRU, SIEVE and S3-FIFO on the traces it was made for.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <list>
#include <set>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

namespace tokenwatch::common {

struct TwoRateCacheOptions {
  size_t capacity = 500;  // values; at least 1
  // Keys whose counts are remembered without a value, per entry of the capacity.
  size_t remembered_factor = 4;
  // Entries looked at for one eviction. More is a better choice; the cost of an eviction is proportional to it.
  int sample = 32;
  uint64_t seed = 1;
};

// `Key` is hashed by Abseil. Not thread-safe.
template <typename Key, typename Value>
class TwoRateCache {
 public:
  using Options = TwoRateCacheOptions;

  explicit TwoRateCache(const Options& options)
      : options_(options),
        capacity_(std::max<size_t>(options.capacity, 1)),
        random_(options.seed * 0x9e3779b97f4a7c15u | 1) {}

  // The value, expired or not; null when there is none. Counts as a use of the key in both cases. The pointer is good
  // until the next call of a function that is not const.
  Value* Find(const Key& key) {
    ++look_ups_;
    const auto [found, is_new] = records_.try_emplace(key);
    Record& record = found->second;
    if (is_new) {
      record.place = remembered_.insert(remembered_.end(), key);
    } else if (record.slot == kNone) {
      remembered_.splice(remembered_.end(), remembered_, record.place);
    }
    Age(record);
    record.lately += 1;
    record.over_long += 1;
    Value* const value = record.slot == kNone ? nullptr : &slots_[record.slot].value;
    if (is_new) Forget();
    return value;
  }

  // The same, without counting.
  const Value* Peek(const Key& key) const {
    const auto found = records_.find(key);
    return found == records_.end() || found->second.slot == kNone ? nullptr : &slots_[found->second.slot].value;
  }

  // Keeps `value` in place of what is there for the key. From `expires_at` on it is among the first to go.
  void Put(const Key& key, Value value, absl::Time expires_at, absl::Time now) {
    const auto [found, is_new] = records_.try_emplace(key);
    Record& record = found->second;
    if (record.slot != kNone) {
      Slot& slot = slots_[record.slot];
      expiries_.erase({slot.expires_at, record.slot});
      expiries_.insert({expires_at, record.slot});
      slot.value = std::move(value);
      slot.expires_at = expires_at;
      return;
    }
    if (!is_new) remembered_.erase(record.place);
    if (slots_.size() >= capacity_) {
      ++evicted_;
      const bool has_expired = !expiries_.empty() && expiries_.begin()->first <= now;
      if (!has_expired) ++evicted_alive_;
      Drop(has_expired ? expiries_.begin()->second : Worst());
    }
    record.slot = slots_.size();
    expiries_.insert({expires_at, record.slot});
    slots_.push_back({key, std::move(value), expires_at});
  }

  // False when there was none. Its counts are remembered.
  bool Erase(const Key& key) {
    const auto found = records_.find(key);
    if (found == records_.end() || found->second.slot == kNone) return false;
    Drop(found->second.slot);
    return true;
  }

  size_t size() const { return slots_.size(); }
  size_t capacity() const { return capacity_; }
  // Keys known by their counts alone.
  size_t remembered() const { return remembered_.size(); }
  // Values that made room for others, and how many of those had not expired.
  uint64_t evicted() const { return evicted_; }
  uint64_t evicted_alive() const { return evicted_alive_; }

 private:
  static constexpr size_t kNone = static_cast<size_t>(-1);
  // In look-ups per entry of the capacity.
  static constexpr double kLatelyHalfLife = 2;
  static constexpr double kOverLongHalfLife = 64;
  static constexpr double kLatelyWeight = 4;

  struct Record {
    // Decayed to `counted_at`.
    double lately = 0;
    double over_long = 0;
    uint64_t counted_at = 0;
    size_t slot = kNone;
    // In `remembered_`, while there is no slot.
    typename std::list<Key>::iterator place = {};
  };
  struct Slot {
    Key key;
    Value value;
    absl::Time expires_at;
  };

  void Age(Record& record) const {
    const double passed = static_cast<double>(look_ups_ - record.counted_at) / static_cast<double>(capacity_);
    record.lately *= std::exp2(-passed / kLatelyHalfLife);
    record.over_long *= std::exp2(-passed / kOverLongHalfLife);
    record.counted_at = look_ups_;
  }

  size_t Worst() {
    size_t worst = 0;
    double lowest = 0;
    for (int i = 0; i < std::max(options_.sample, 1); ++i) {
      const size_t slot = Random() % slots_.size();
      Record& record = records_.find(slots_[slot].key)->second;
      Age(record);
      const double score = kLatelyWeight * record.lately + record.over_long;
      if (i == 0 || score < lowest) {
        lowest = score;
        worst = slot;
      }
    }
    return worst;
  }

  // Moves the last slot into the place of the dropped one. Moves no record.
  void Drop(size_t slot) {
    Record& dropped = records_.find(slots_[slot].key)->second;
    dropped.slot = kNone;
    dropped.place = remembered_.insert(remembered_.end(), slots_[slot].key);
    expiries_.erase({slots_[slot].expires_at, slot});
    const size_t last = slots_.size() - 1;
    if (slot != last) {
      expiries_.erase({slots_[last].expires_at, last});
      slots_[slot] = std::move(slots_[last]);
      expiries_.insert({slots_[slot].expires_at, slot});
      records_.find(slots_[slot].key)->second.slot = slot;
    }
    slots_.pop_back();
    Forget();
  }

  void Forget() {
    while (remembered_.size() > capacity_ * options_.remembered_factor) {
      records_.erase(remembered_.front());
      remembered_.pop_front();
    }
  }

  // xorshift64: which entries are looked at needs no better.
  uint64_t Random() {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return random_;
  }

  const Options options_;
  const size_t capacity_;
  uint64_t random_;
  uint64_t look_ups_ = 0;
  uint64_t evicted_ = 0;
  uint64_t evicted_alive_ = 0;
  absl::flat_hash_map<Key, Record> records_;
  std::vector<Slot> slots_;
  // Of the slots, by time.
  std::set<std::pair<absl::Time, size_t>> expiries_;
  // Keys without a slot, the least recently asked for first.
  std::list<Key> remembered_;
};

}  // namespace tokenwatch::common
