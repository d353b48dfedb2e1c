#include "pricing/fold/hot_set.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "pricing/fold/hot_entry.h"

namespace tokenwatch::pricing {
namespace {

// Sets of entries that are searched by token: an entry is its own key, so a token costs one pointer.
struct TokenHash {
  using is_transparent = void;
  size_t operator()(const chain::TokenRef& token) const { return absl::HashOf(token); }
  size_t operator()(const HotEntry* entry) const { return absl::HashOf(entry->series.key.token); }
};
struct SameToken {
  using is_transparent = void;
  static const chain::TokenRef& TokenOf(const chain::TokenRef& token) { return token; }
  static const chain::TokenRef& TokenOf(const HotEntry* entry) { return entry->series.key.token; }
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    return TokenOf(a) == TokenOf(b);
  }
};

// Whether a's newest price is newer; any price is newer than none.
bool IsNewer(const Series& a, const Series& b) {
  if (a.last.has_value() != b.last.has_value()) return a.last.has_value();
  return a.last ? b.last.at() < a.last.at() : b.newest < a.newest;
}

}  // namespace

struct HotSet::Shard {
  mutable common::Mutex mutex;
  // The first series of each token; the others are its siblings. Owns them all. Changed by the fold's thread only,
  // which therefore reads them without the lock.
  absl::flat_hash_set<HotEntry*, TokenHash, SameToken> tokens;
  size_t entries TW_GUARDED_BY(mutex) = 0;

  ~Shard() { Clear(); }

  const HotEntry* First(const chain::TokenRef& token) const TW_REQUIRES(mutex) {
    const auto found = tokens.find(token);
    return found == tokens.end() ? nullptr : *found;
  }
  // The series that answers for the token: the newest, or that of the quote asset.
  const HotEntry* Choose(const chain::TokenRef& token, const chain::Address& quote) const TW_REQUIRES(mutex) {
    const HotEntry* chosen = nullptr;
    for (const HotEntry* entry = First(token); entry != nullptr; entry = entry->sibling) {
      if (!quote.empty()) {
        if (entry->series.key.quote == quote) return entry;
      } else if (chosen == nullptr || IsNewer(entry->series, chosen->series)) {
        chosen = entry;
      }
    }
    return chosen;
  }
  void Clear() TW_NO_THREAD_SAFETY_ANALYSIS {
    for (HotEntry* first : tokens) {
      while (first != nullptr) delete std::exchange(first, first->sibling);
    }
    tokens.clear();
    entries = 0;
  }
};

HotSet::HotSet(size_t shards) {
  for (size_t i = 0; i < std::max<size_t>(shards, 1); ++i) shards_.push_back(std::make_unique<Shard>());
}

HotSet::~HotSet() = default;

size_t HotSet::ShardOf(const chain::TokenRef& token) const {
  // The tables in the shards use the low bits.
  return (absl::HashOf(token) >> 32) % shards_.size();
}

bool HotSet::Read(const chain::TokenRef& token, const chain::Address& quote,
                  absl::FunctionRef<void(const Series&)> visit) const {
  const Shard& shard = *shards_[ShardOf(token)];
  common::MutexLock lock(shard.mutex);
  const HotEntry* entry = shard.Choose(token, quote);
  if (entry == nullptr) return false;
  visit(entry->series);
  return true;
}

void HotSet::ReadMany(absl::Span<const chain::TokenRef> tokens,
                      absl::FunctionRef<void(size_t index, const Series& series)> visit) const {
  // Indexes by shard: a counting sort.
  std::vector<uint32_t> shard_of(tokens.size());
  std::vector<uint32_t> ends(shards_.size() + 1);
  for (size_t i = 0; i < tokens.size(); ++i) {
    shard_of[i] = static_cast<uint32_t>(ShardOf(tokens[i]));
    ++ends[shard_of[i] + 1];
  }
  for (size_t i = 1; i < ends.size(); ++i) ends[i] += ends[i - 1];
  std::vector<uint32_t> order(tokens.size());
  std::vector<uint32_t> next(ends.begin(), ends.end() - 1);
  for (size_t i = 0; i < tokens.size(); ++i) order[next[shard_of[i]]++] = static_cast<uint32_t>(i);
  for (size_t s = 0; s < shards_.size(); ++s) {
    if (ends[s] == ends[s + 1]) continue;
    const Shard& shard = *shards_[s];
    common::MutexLock lock(shard.mutex);
    for (uint32_t i = ends[s]; i < ends[s + 1]; ++i) {
      const HotEntry* entry = shard.Choose(tokens[order[i]], chain::Address());
      if (entry != nullptr) visit(order[i], entry->series);
    }
  }
}

void HotSet::ReadAll(const chain::TokenRef& token, absl::FunctionRef<void(const Series&)> visit) const {
  const Shard& shard = *shards_[ShardOf(token)];
  common::MutexLock lock(shard.mutex);
  for (const HotEntry* entry = shard.First(token); entry != nullptr; entry = entry->sibling) visit(entry->series);
}

void HotSet::ReadChunks(const SeriesKey& key, absl::Time from, absl::Time to,
                        absl::FunctionRef<void(const CandleChunk&)> visit) const {
  const Shard& shard = *shards_[ShardOf(key.token)];
  common::MutexLock lock(shard.mutex);
  const HotEntry* entry = shard.Choose(key.token, key.quote);
  if (entry == nullptr || entry->series.key.quote != key.quote) return;
  for (const HotChunk& held : entry->chunks) {
    if (held.chunk.start() >= from && held.chunk.start() <= to) visit(held.chunk);
  }
}

void HotSet::ForEach(absl::FunctionRef<void(const Series&)> visit) const {
  for (const auto& shard : shards_) {
    common::MutexLock lock(shard->mutex);
    for (const HotEntry* entry : shard->tokens) {
      for (; entry != nullptr; entry = entry->sibling) visit(entry->series);
    }
  }
}

size_t HotSet::size() const {
  size_t entries = 0;
  for (const auto& shard : shards_) {
    common::MutexLock lock(shard->mutex);
    entries += shard->entries;
  }
  return entries;
}

HotEntry* HotSet::Writer::FindFirst(const chain::TokenRef& token) const {
  const Shard& shard = *set_.shards_[set_.ShardOf(token)];
  const auto found = shard.tokens.find(token);
  return found == shard.tokens.end() ? nullptr : *found;
}

HotEntry* HotSet::Writer::Find(const chain::TokenRef& token, const chain::Address& quote) const {
  HotEntry* entry = FindFirst(token);
  while (entry != nullptr && entry->series.key.quote != quote) entry = entry->sibling;
  return entry;
}

void HotSet::Writer::Insert(std::unique_ptr<HotEntry> entry) {
  HotEntry* const added = entry.release();
  const size_t index = set_.ShardOf(added->series.key.token);
  Shard& shard = *set_.shards_[index];
  common::MutexLock lock(shard.mutex);
  added->shard = static_cast<uint32_t>(index);
  added->is_in = true;
  const auto [first, is_first] = shard.tokens.insert(added);
  if (!is_first) {
    added->sibling = std::exchange((*first)->sibling, added);
    added->has_siblings = (*first)->has_siblings = true;
  }
  ++shard.entries;
}

std::unique_ptr<HotEntry> HotSet::Writer::Take(HotEntry& entry) {
  Shard& shard = *set_.shards_[entry.shard];
  common::MutexLock lock(shard.mutex);
  const auto first = shard.tokens.find(entry.series.key.token);
  if (*first == &entry) {
    shard.tokens.erase(first);
    if (entry.sibling != nullptr) shard.tokens.insert(entry.sibling);
  } else {
    HotEntry* before = *first;
    while (before->sibling != &entry) before = before->sibling;
    before->sibling = entry.sibling;
  }
  entry.sibling = nullptr;
  entry.is_in = false;
  --shard.entries;
  return std::unique_ptr<HotEntry>(&entry);
}

void HotSet::Writer::Clear() {
  for (const auto& shard : set_.shards_) {
    common::MutexLock lock(shard->mutex);
    shard->Clear();
  }
}

common::Mutex& HotSet::Writer::MutexOf(const HotEntry& entry) const { return set_.shards_[entry.shard]->mutex; }

}  // namespace tokenwatch::pricing
