#include "pricing/reads/series_reader.h"

#include <algorithm>
#include <utility>

#include "chain/solana/quote_tokens.h"
#include "pricing/ratio.h"

namespace tokenwatch::pricing {
namespace {

bool IsNewer(const Series& a, const Series& b) { return b.newest < a.newest; }

bool Has(const std::vector<Series>& found, const SeriesKey& key) {
  return std::any_of(found.begin(), found.end(), [&](const Series& series) { return series.key == key; });
}

// The hot score is left out: a series that is not in memory has no place in the ranking.
Series SeriesOf(const SeriesKey& key, const std::vector<Trade>& trades) {
  Series series;
  series.key = key;
  for (const Trade& trade : trades) AddTrade(trade, PriceOf(trade), 0, series);
  return series;
}

}  // namespace

std::optional<PricePoint> PointOf(const Trade& trade) {
  const std::optional<TradePrice> price = PriceOf(trade);
  if (!price.has_value()) return std::nullopt;
  return PricePoint{price->ratio, price->from_reserves, MomentOf(trade), trade.transaction,
                    trade.venue,  trade.is_mayhem,      trade.pool_quote};
}

std::vector<Series> SeriesReader::InMemory(const chain::TokenRef& token, const chain::Address& quote) const {
  std::vector<Series> found;
  hot_.ReadAll(token, [&](const Series& series) {
    if (quote.empty() || series.key.quote == quote) found.push_back(series);
  });
  std::sort(found.begin(), found.end(), IsNewer);
  return found;
}

absl::StatusOr<std::optional<Series>> SeriesReader::Newest(const chain::TokenRef& token, const chain::Address& quote,
                                                           absl::Time deadline) const {
  std::vector<Series> found = InMemory(token, quote);
  if (found.empty()) {
    auto all = Read(token, quote, deadline);
    if (!all.ok()) return all.status();
    found = *std::move(all);
  }
  if (found.empty()) return std::optional<Series>();
  return std::move(found.front());
}

absl::StatusOr<std::vector<Series>> SeriesReader::Read(const chain::TokenRef& token, const chain::Address& quote,
                                                       absl::Time deadline) const {
  // Memory first: what leaves it afterwards is in the database, or parked, by then.
  std::vector<Series> found = InMemory(token, quote);
  // There is but one against a quote asset.
  if (!quote.empty() && !found.empty()) return found;
  auto rows = store_.LoadSeriesOf({&token, 1}, deadline);
  if (!rows.ok()) return rows.status();
  for (Series& series : *rows) {
    if (!quote.empty() && series.key.quote != quote) continue;
    if (!Has(found, series.key)) found.push_back(std::move(series));
  }
  if (!quote.empty()) {
    if (absl::Status added = AddParked({token, quote}, deadline, &found); !added.ok()) return added;
  } else if (token.chain == chain::Chain::kSolana) {
    for (const chain::QuoteToken& known : chain::kQuoteTokens) {
      const SeriesKey key{token, *chain::Address::FromCanonical(known.address)};
      if (absl::Status added = AddParked(key, deadline, &found); !added.ok()) return added;
    }
  }
  // What was parked a moment ago may have come back into memory meanwhile.
  if (found.empty()) found = InMemory(token, quote);
  std::sort(found.begin(), found.end(), IsNewer);
  return found;
}

absl::Status SeriesReader::AddParked(const SeriesKey& key, absl::Time deadline, std::vector<Series>* found) const {
  if (Has(*found, key)) return absl::OkStatus();
  const auto trades = ParkedTrades(key, deadline);
  if (!trades.ok()) return trades.status();
  if (!trades->empty()) found->push_back(SeriesOf(key, *trades));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Trade>> SeriesReader::ParkedTrades(const SeriesKey& key, absl::Time deadline) const {
  const std::vector<uint64_t> cursors = parked_(key);
  if (cursors.empty()) return std::vector<Trade>();
  auto trades = detector_.GetTrades(cursors, deadline);
  if (!trades.ok()) return trades;
  // Parked series are found by fingerprint: what belongs to another one is not of this.
  std::erase_if(*trades, [&](const Trade& trade) { return trade.token != key.token || trade.quote != key.quote; });
  return trades;
}

}  // namespace tokenwatch::pricing
