#include "resolver/cascade/batcher.h"

#include <algorithm>

namespace tokenwatch::resolver {

void Batcher::Add(const TokenRef& token, absl::Time now) {
  queues_[token.chain].push_back({token, now});
  ++size_;
}

bool Batcher::Remove(const TokenRef& token) {
  const auto queue = queues_.find(token.chain);
  if (queue == queues_.end()) return false;
  const auto found = std::find_if(queue->second.begin(), queue->second.end(),
                                  [&](const Waiting& waiting) { return waiting.token == token; });
  if (found == queue->second.end()) return false;
  queue->second.erase(found);
  --size_;
  return true;
}

absl::Time Batcher::DueAt(const std::deque<Waiting>& queue, size_t upstream) const {
  if (queue.empty()) return absl::InfiniteFuture();
  if (queue.size() >= options_.max_batch) return absl::InfinitePast();
  const bool company_in_sight = queue.size() + upstream >= options_.max_batch;
  return queue.front().since + (company_in_sight ? options_.linger_max : options_.linger);
}

absl::Time Batcher::DueAt(size_t upstream) const {
  absl::Time due = absl::InfiniteFuture();
  for (const auto& [chain, queue] : queues_) due = std::min(due, DueAt(queue, upstream));
  return due;
}

std::vector<TokenRef> Batcher::Take(size_t upstream) {
  std::deque<Waiting>* first = nullptr;
  for (auto& [chain, queue] : queues_) {
    if (queue.empty()) continue;
    if (first == nullptr || DueAt(queue, upstream) < DueAt(*first, upstream)) first = &queue;
  }
  std::vector<TokenRef> batch;
  if (first == nullptr) return batch;
  while (!first->empty() && batch.size() < options_.max_batch) {
    batch.push_back(first->front().token);
    first->pop_front();
  }
  size_ -= batch.size();
  return batch;
}

std::vector<TokenRef> Batcher::TakeAll() {
  std::vector<TokenRef> all;
  for (auto& [chain, queue] : queues_) {
    for (const Waiting& waiting : queue) all.push_back(waiting.token);
    queue.clear();
  }
  size_ = 0;
  return all;
}

}  // namespace tokenwatch::resolver
