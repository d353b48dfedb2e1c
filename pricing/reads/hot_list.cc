#include "pricing/reads/hot_list.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "pricing/fold/hot_score.h"

namespace tokenwatch::pricing {
namespace {

bool IsHotter(const HotRank& a, const HotRank& b) {
  if (a.score != b.score) return a.score > b.score;
  if (a.key.token != b.key.token) return a.key.token < b.key.token;
  return a.key.quote < b.key.quote;
}

}  // namespace

std::shared_ptr<const HotRanking> HotList::Rank(chain::Chain chain, const Checkpoint& position) const {
  auto ranking = std::make_shared<HotRanking>();
  ranking->chain = chain;
  ranking->cursor = position.cursor;
  ranking->as_of = position.newest_event;
  // The hottest so far, the coolest of them in front: what is cooler still is not even copied.
  std::vector<HotRank>& heap = ranking->ranks;
  HotRank candidate;
  hot_.ForEach([&](const Series& series) {
    if (chain != chain::Chain::kUnknown && series.key.token.chain != chain) return;
    candidate.score = DecayTo(series.hot_score, series.newest.event_time, ranking->as_of);
    if (!(candidate.score > 0)) return;
    if (heap.size() >= options_.depth && candidate.score < heap.front().score) return;
    candidate.key = series.key;
    heap.push_back(candidate);
    std::push_heap(heap.begin(), heap.end(), IsHotter);
    if (heap.size() <= options_.depth) return;
    std::pop_heap(heap.begin(), heap.end(), IsHotter);
    heap.pop_back();
  });
  std::sort(heap.begin(), heap.end(), IsHotter);
  absl::flat_hash_set<chain::TokenRef> seen;
  std::erase_if(heap, [&](const HotRank& rank) { return !seen.insert(rank.key.token).second; });
  return ranking;
}

std::shared_ptr<const HotRanking> HotList::Newest(chain::Chain chain, const Checkpoint& position) {
  // Held while ranking: whoever asks meanwhile gets the same one.
  common::MutexLock lock(mutex_);
  const absl::Time now = clock_.Now();
  for (auto each = remembered_.rbegin(); each != remembered_.rend(); ++each) {
    if (each->ranking->chain != chain) continue;
    if (each->ranking->cursor == position.cursor || now - each->made_at < options_.max_age) return each->ranking;
    break;
  }
  remembered_.push_back({Rank(chain, position), now});
  if (remembered_.size() > options_.remembered) remembered_.pop_front();
  return remembered_.back().ranking;
}

std::shared_ptr<const HotRanking> HotList::Find(chain::Chain chain, uint64_t cursor) const {
  common::MutexLock lock(mutex_);
  for (const Remembered& each : remembered_) {
    if (each.ranking->chain == chain && each.ranking->cursor == cursor) return each.ranking;
  }
  return nullptr;
}

}  // namespace tokenwatch::pricing
