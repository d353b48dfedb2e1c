#include "detector/log/trade_window.h"

#include <algorithm>

#include "absl/hash/hash.h"

namespace tokenwatch::detector {
namespace {

// absl::Hash is seeded per process, so who chooses transactions cannot choose collisions.
template <typename... Parts>
absl::uint128 Hash128(const Parts&... parts) {
  constexpr uint64_t kHighSalt = 0x9e3779b97f4a7c15;
  constexpr uint64_t kLowSalt = 0xc2b2ae3d27d4eb4f;
  return absl::MakeUint128(absl::HashOf(kHighSalt, parts...), absl::HashOf(kLowSalt, parts...));
}

}  // namespace

TradeWindow::TradeWindow(size_t capacity) : capacity_(std::max<size_t>(capacity, 1)) {}

TradeWindow::Key TradeWindow::IndexKey(const TradeIdentity& trade) {
  return Hash128(trade.transaction, trade.event_index.value_or(0));
}

TradeWindow::Key TradeWindow::ContentKey(const TradeIdentity& trade) {
  return Hash128(trade.transaction, trade.token, trade.side, trade.token_amount);
}

bool TradeWindow::MayBeForgotten(const TradeIdentity& trade) const {
  // The chain's own time is the same on every feed; any other needs slack on both sides.
  const absl::Time earliest = trade.loose_time ? trade.event_time - kClockSlack : trade.event_time;
  return earliest <= horizon_ || trade.event_time - kClockSlack <= loose_horizon_;
}

TradeWindow::Verdict TradeWindow::Judge(const TradeIdentity& trade, bool log_asked) {
  const auto content = by_content_.find(ContentKey(trade));
  if (trade.event_index.has_value()) {
    if (by_index_.contains(IndexKey(trade))) return Verdict::kDuplicate;
    if (content != by_content_.end() && content->second.unclaimed > 0) {
      --content->second.unclaimed;
      return Verdict::kDuplicate;
    }
  } else if (content != by_content_.end()) {
    return Verdict::kDuplicate;
  }
  if (!log_asked && MayBeForgotten(trade)) return Verdict::kAskLog;
  return Verdict::kNew;
}

void TradeWindow::Remember(const TradeIdentity& trade) {
  while (entries_.size() >= capacity_) EvictOldest();
  Entry entry{IndexKey(trade), ContentKey(trade), trade.event_time, trade.event_index.has_value(), trade.loose_time};
  if (entry.has_index) ++by_index_[entry.by_index];
  Content& content = by_content_[entry.by_content];
  ++content.total;
  if (!entry.has_index) ++content.unclaimed;
  entries_.push_back(entry);
}

void TradeWindow::EvictOldest() {
  const Entry& oldest = entries_.front();
  absl::Time& horizon = oldest.loose_time ? loose_horizon_ : horizon_;
  horizon = std::max(horizon, oldest.event_time);
  if (oldest.has_index) {
    const auto found = by_index_.find(oldest.by_index);
    if (--found->second == 0) by_index_.erase(found);
  }
  const auto content = by_content_.find(oldest.by_content);
  if (!oldest.has_index && content->second.unclaimed > 0) --content->second.unclaimed;
  if (--content->second.total == 0) by_content_.erase(content);
  entries_.pop_front();
}

void TradeWindow::Clear() {
  entries_.clear();
  by_index_.clear();
  by_content_.clear();
  horizon_ = absl::InfinitePast();
  loose_horizon_ = absl::InfinitePast();
}

TradeIdentity IdentityOf(const Trade& trade) {
  return TradeIdentity{trade.transaction,  trade.event_index, trade.token,     trade.side,
                       trade.token_amount, trade.event_time,  trade.loose_time};
}

}  // namespace tokenwatch::detector
