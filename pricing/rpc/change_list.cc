#include "pricing/rpc/change_list.h"

#include <algorithm>

namespace tokenwatch::pricing {
namespace {

// Entries that may stand for nothing before the list is tidied.
constexpr size_t kSlack = 1024;

}  // namespace

void ChangeList::Add(const chain::TokenRef& token) {
  newest_[token] = ++end_;
  entries_.push_back({end_, token});
  if (entries_.size() > 2 * std::min(newest_.size(), capacity_) + kSlack) Compact();
}

void ChangeList::Clear() {
  entries_.clear();
  newest_.clear();
  forgotten_ = end_;
}

void ChangeList::Compact() {
  std::erase_if(entries_, [this](const Entry& entry) { return !IsNewest(entry); });
  if (entries_.size() <= capacity_) return;
  const auto kept = entries_.end() - static_cast<std::ptrdiff_t>(capacity_);
  for (auto entry = entries_.begin(); entry != kept; ++entry) newest_.erase(entry->token);
  forgotten_ = (kept - 1)->position;
  entries_.erase(entries_.begin(), kept);
}

bool ChangeList::Read(uint64_t* position, size_t limit, std::vector<chain::TokenRef>* out) const {
  if (*position < forgotten_) return false;
  auto entry = std::upper_bound(entries_.begin(), entries_.end(), *position,
                                [](uint64_t after, const Entry& each) { return after < each.position; });
  const size_t full = out->size() + limit;
  for (; entry != entries_.end() && out->size() < full; ++entry) {
    *position = entry->position;
    if (IsNewest(*entry)) out->push_back(entry->token);
  }
  if (entry == entries_.end()) *position = end_;
  return true;
}

}  // namespace tokenwatch::pricing
