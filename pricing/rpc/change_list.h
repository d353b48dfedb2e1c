// Which tokens changed, in the order of their last change: one list for any number of readers, each of which keeps only
// how far it has come. A token that changes again moves to the end, so a reader that is late finds it once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "chain/address.h"

namespace tokenwatch::pricing {

// Not thread-safe.
class ChangeList {
 public:
  // Keeps the `capacity` tokens that changed last.
  explicit ChangeList(size_t capacity) : capacity_(capacity) {}

  void Add(const chain::TokenRef& token);
  // Forgets everything but the count.
  void Clear();

  // Changes so far: the position of a reader that has seen everything.
  uint64_t end() const { return end_; }
  // Tokens that changed after `*position`, in order, at most `limit`; moves the position behind them. False when tokens
  // that changed after it have been forgotten.
  bool Read(uint64_t* position, size_t limit, std::vector<chain::TokenRef>* out) const;

 private:
  struct Entry {
    uint64_t position;
    chain::TokenRef token;
  };
  bool IsNewest(const Entry& entry) const {
    const auto newest = newest_.find(entry.token);
    return newest != newest_.end() && newest->second == entry.position;
  }
  void Compact();

  const size_t capacity_;
  uint64_t end_ = 0;
  // Changes at or before this may be forgotten.
  uint64_t forgotten_ = 0;
  // With growing positions. An entry whose token changed again later stands for nothing; there are never many more of
  // those than of the others.
  std::vector<Entry> entries_;
  absl::flat_hash_map<chain::TokenRef, uint64_t> newest_;
};

}  // namespace tokenwatch::pricing
