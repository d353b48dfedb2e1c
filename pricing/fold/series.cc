#include "pricing/fold/series.h"

#include <algorithm>
#include <compare>

#include "pricing/amount_math.h"
#include "pricing/fold/hot_score.h"

namespace tokenwatch::pricing {
namespace {

// Null when there is no room for it.
VenueState* FindVenue(const Word& venue, Series& series) {
  for (VenueState& state : series.venues) {
    if (state.venue == venue) return &state;
  }
  if (series.venues.size() == Series::kMaxVenues) return nullptr;
  VenueState& added = series.venues.emplace_back();
  added.venue = venue;
  return &added;
}

}  // namespace

std::optional<Reserves> VenueState::reserves() const {
  if (!last || !last->from_reserves) return std::nullopt;
  const Ratio ratio = last.ratio();
  return Reserves{ratio.token_units, ratio.quote_units};
}

bool TakeNewer(const HeldPoint& point, HeldPoint& last) {
  if (last && !(last.at() < point.at())) return false;
  last = point;
  return true;
}

bool TakeHigher(const HeldPoint& point, HeldPoint& high) {
  if (high) {
    const auto order = Compare(point.ratio(), high.ratio());
    if (std::is_lt(order) || (std::is_eq(order) && !(point.at() < high.at()))) return false;
  }
  high = point;
  return true;
}

bool TakeLower(const HeldPoint& point, HeldPoint& low) {
  if (low) {
    const auto order = Compare(point.ratio(), low.ratio());
    if (std::is_gt(order) || (std::is_eq(order) && !(point.at() < low.at()))) return false;
  }
  low = point;
  return true;
}

AddedTrade AddTrade(const Trade& trade, const std::optional<TradePrice>& price, double whole_quote, Series& series) {
  AddedTrade added;
  const Moment moment = MomentOf(trade);
  VenueState* const venue = FindVenue(trade.venue, series);
  added.venue_left_out = venue == nullptr;
  if (price) {
    const HeldPoint point(trade, *price);
    added.price_changed = TakeNewer(point, series.last);
    TakeHigher(point, series.high);
    TakeLower(point, series.low);
    if (venue != nullptr) TakeNewer(point, venue->last);
  }
  if (venue != nullptr) {
    AddSaturating(trade.quote_amount, venue->quote_volume);
    ++venue->trades;
  }
  if (series.trades == 0 || moment < series.first) series.first = moment;
  if (series.trades == 0 || series.newest < moment) {
    series.hot_score = DecayTo(series.hot_score, series.newest.event_time, trade.event_time) + whole_quote;
    series.newest = moment;
  } else {
    series.hot_score += DecayTo(whole_quote, trade.event_time, series.newest.event_time);
  }
  series.cursor = std::max(series.cursor, trade.cursor);
  series.candle_cursor = series.cursor;
  AddSaturating(trade.quote_amount, series.quote_volume);
  AddSaturating(trade.token_amount, series.token_volume);
  ++series.trades;
  if (trade.is_buy) ++series.buys;
  if (!trade.trader.empty()) series.traders.Add(trade.trader);
  return added;
}

}  // namespace tokenwatch::pricing
