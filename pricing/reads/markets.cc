#include "pricing/reads/markets.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/numbers.h"
#include "chain/solana/pda.h"
#include "chain/solana/pubkey.h"
#include "pricing/amount_math.h"

namespace tokenwatch::pricing {
namespace {

const Word kLog("log");
const Word kPump("pump");

// The pool's address where it follows from the token's.
std::string PoolOf(const chain::TokenRef& token, const Word& venue) {
  if (token.chain != chain::Chain::kSolana || venue != kPump) return "";
  const std::optional<chain::Pubkey> mint = chain::ParsePubkey(token.address.text());
  return mint.has_value() ? std::string(chain::BondingCurveAddress(*mint).ToAddress().text()) : "";
}

void AddVenues(const Series& series, const PriceView& view, absl::Time now, std::vector<Market>* markets) {
  for (const VenueState& venue : series.venues) {
    Market& market = markets->emplace_back();
    market.venue = venue.venue;
    market.quote = series.key.quote;
    market.pool = PoolOf(series.key.token, venue.venue);
    market.source = kLog;
    market.reserves = venue.reserves();
    market.quote_volume = venue.quote_volume;
    market.trades = venue.trades;
    if (!venue.last.has_value()) continue;
    const double mean = ToDouble(venue.quote_volume) / static_cast<double>(std::max<uint64_t>(venue.trades, 1));
    market.price = view.Make({series.key, *venue.last, mean, FixedDecimals(series)}, now);
    market.liquidity_usd = PoolUsd(*market.price, view);
    market.updated_at = venue.last->at.event_time;
  }
}

void AddHeard(const chain::TokenRef& token, const std::vector<SourceReport>& reports, const PriceView& view,
              absl::Time now, std::vector<Market>* markets) {
  for (const SourceReport& report : reports) {
    // A source that only names a price names no market.
    if (!report.observation.has_value() || (report.observation->venue.empty() && report.observation->pool.empty())) {
      continue;
    }
    const Observation& observation = *report.observation;
    OracleAnswer answer;
    answer.usd = observation.value;
    answer.sources = {report};
    answer.sources.front().used = true;
    answer.sources.front().rejected.clear();
    answer.event_time = observation.made_at();
    Market& market = markets->emplace_back();
    market.venue = observation.venue;
    market.pool = observation.pool;
    market.source = report.source;
    market.price = view.Make(token, answer, now);
    market.liquidity_usd = observation.liquidity_usd;
    market.updated_at = answer.event_time;
  }
}

}  // namespace

void OracleMemory::Remember(const chain::TokenRef& token, const std::vector<SourceReport>& reports) {
  std::vector<SourceReport> found;
  for (const SourceReport& report : reports) {
    if (report.observation.has_value() && report.source != kLog) found.push_back(report);
  }
  if (found.empty()) return;
  common::MutexLock lock(mutex_);
  const auto [place, added] = reports_.insert_or_assign(token, std::move(found));
  if (!added) return;
  order_.push_back(token);
  if (order_.size() <= capacity_) return;
  reports_.erase(order_.front());
  order_.pop_front();
}

std::vector<SourceReport> OracleMemory::Find(const chain::TokenRef& token) const {
  common::MutexLock lock(mutex_);
  const auto found = reports_.find(token);
  return found == reports_.end() ? std::vector<SourceReport>() : found->second;
}

std::optional<double> PoolUsd(const Price& price, const PriceView& view) {
  if (!price.point.has_value() || !price.point->pool_quote.has_value() || !price.reference.has_value()) {
    return std::nullopt;
  }
  const std::optional<int> decimals = view.DecimalsOf(price.reference->asset);
  double reference = 0;
  if (!decimals.has_value() || !absl::SimpleAtod(price.reference->usd, &reference)) return std::nullopt;
  return 2 * ToDouble(*price.point->pool_quote) / std::pow(10, *decimals) * reference;
}

absl::StatusOr<TokenMarkets> MarketsOf(const chain::TokenRef& token, const SeriesReader& series, const PriceView& view,
                                       const OracleMemory& memory, absl::Time now, absl::Time deadline) {
  auto all = series.Read(token, chain::Address(), deadline);
  if (!all.ok()) return all.status();
  std::vector<Market> markets;
  for (const Series& each : *all) AddVenues(each, view, now, &markets);
  AddHeard(token, memory.Find(token), view, now, &markets);
  std::stable_sort(markets.begin(), markets.end(), [](const Market& a, const Market& b) {
    return a.liquidity_usd.value_or(-1) > b.liquidity_usd.value_or(-1);
  });
  return TokenMarkets{std::move(markets), *std::move(all)};
}

}  // namespace tokenwatch::pricing
