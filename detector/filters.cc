#include <algorithm>

#include "detector/store.h"

namespace tokenwatch::detector {
namespace {

// An empty list matches everything.
template <typename T>
bool In(const std::vector<T>& wanted, const T& value) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

}  // namespace

bool TradeFilter::Matches(const Trade& trade) const {
  return In(chains, trade.chain) && In(tokens, trade.token) && In(traders, trade.trader) && In(venues, trade.venue) &&
         (!side.has_value() || *side == trade.side);
}

bool TokenFilter::Matches(const TokenEvent& event) const {
  const Token& token = event.token;
  return In(chains, token.ref.chain) && In(kinds, event.kind) && In(states, token.state) &&
         In(creators, token.creator) && In(venues, token.venue);
}

}  // namespace tokenwatch::detector
