#include "detector/log/trade_window.h"

#include <algorithm>

#include "detector/log/fingerprint.h"

namespace tokenwatch::detector {

TradeWindow::TradeWindow(size_t capacity) : capacity_(std::max<size_t>(capacity, 1)) {}

TradeWindow::Keys::Keys(const TradeIdentity& trade)
    : by_index(Fingerprint(trade.transaction, trade.event_index.value_or(0))),
      by_content(Fingerprint(trade.transaction, trade.token, trade.side, trade.token_amount)) {}

bool TradeWindow::Knows(const TradeIdentity& trade, const Keys& keys) const {
  if (trade.event_index.has_value() && by_index_.contains(keys.by_index)) return true;
  const auto content = by_content_.find(keys.by_content);
  if (content == by_content_.end()) return false;
  return trade.event_index.has_value() ? content->second.unclaimed > 0 : true;
}

bool TradeWindow::Knows(const TradeIdentity& trade) const { return Knows(trade, Keys(trade)); }

bool TradeWindow::MayBeForgotten(const TradeIdentity& trade) const {
  // The chain's own time is the same on every feed; any other needs slack on both sides.
  const absl::Time earliest = trade.loose_time ? trade.event_time - kClockSlack : trade.event_time;
  return earliest <= horizon_ || trade.event_time - kClockSlack <= loose_horizon_;
}

bool TradeWindow::MustAskLog(const TradeIdentity& trade) const { return MayBeForgotten(trade) && !Knows(trade); }

bool TradeWindow::Admit(const TradeIdentity& trade) {
  const Keys keys(trade);
  if (Knows(trade, keys)) {
    const bool by_index = trade.event_index.has_value() && by_index_.contains(keys.by_index);
    if (trade.event_index.has_value() && !by_index) {
      // It takes the place of the one without index, from now on under its own index too.
      --by_content_[keys.by_content].unclaimed;
      Add(trade, keys, true);
    }
    return false;
  }
  Add(trade, keys, false);
  return true;
}

void TradeWindow::Remember(const TradeIdentity& trade) { Add(trade, Keys(trade), false); }

void TradeWindow::RememberLogged(const TradeIdentity& trade) {
  const Keys keys(trade);
  if (trade.event_index.has_value()) {
    if (by_index_.contains(keys.by_index)) return;
  } else {
    // Another trade of the same content does not stand for it.
    const auto content = by_content_.find(keys.by_content);
    if (content != by_content_.end() && content->second.without_index > 0) return;
  }
  Add(trade, keys, false);
}

void TradeWindow::Trim() {
  while (entries_.size() > capacity_) EvictOldest();
}

void TradeWindow::SetHorizon(absl::Time chain_time, absl::Time loose_time) {
  horizon_ = std::max(horizon_, chain_time);
  loose_horizon_ = std::max(loose_horizon_, loose_time);
}

void TradeWindow::Add(const TradeIdentity& trade, const Keys& keys, bool claims) {
  const Entry entry{keys.by_index,    keys.by_content, trade.event_time, trade.event_index.has_value(),
                    trade.loose_time, claims};
  if (entry.has_index) by_index_.insert(entry.by_index);
  Content& content = by_content_[entry.by_content];
  ++content.total;
  if (!entry.has_index) ++content.unclaimed;
  if (!entry.has_index || entry.claims) ++content.without_index;
  entries_.push_back(entry);
}

void TradeWindow::EvictOldest() {
  const Entry& oldest = entries_.front();
  absl::Time& horizon = oldest.loose_time ? loose_horizon_ : horizon_;
  horizon = std::max(horizon, oldest.event_time);
  if (oldest.has_index) by_index_.erase(oldest.by_index);
  const auto content = by_content_.find(oldest.by_content);
  if (!oldest.has_index && content->second.unclaimed > 0) --content->second.unclaimed;
  if (!oldest.has_index || oldest.claims) --content->second.without_index;
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
