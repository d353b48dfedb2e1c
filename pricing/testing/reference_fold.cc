#include "pricing/testing/reference_fold.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include <boost/multiprecision/cpp_int.hpp>

#include "chain/solana/quote_tokens.h"
#include "pricing/candles/candle_chunk.h"
#include "pricing/testing/trades.h"

namespace tokenwatch::pricing::testing {
namespace {

using boost::multiprecision::cpp_int;

cpp_int IntegerOf(const chain::Amount& amount) {
  cpp_int value = 0;
  for (size_t i = 4; i-- > 0;) value = (value << 64) + amount.limbs()[i];
  return value;
}

chain::Amount SumOf(const std::vector<Trade>& trades, chain::Amount Trade::*amount) {
  cpp_int sum = 0;
  for (const Trade& trade : trades) sum += IntegerOf(trade.*amount);
  sum = std::min<cpp_int>(sum, (cpp_int(1) << 256) - 1);
  return *chain::Amount::Parse(sum.str());
}

// a < b as prices.
bool IsLess(const Ratio& a, const Ratio& b) {
  return IntegerOf(a.quote_units) * IntegerOf(b.token_units) < IntegerOf(b.quote_units) * IntegerOf(a.token_units);
}

struct Priced {
  Trade trade;
  Ratio ratio;
};

std::vector<Priced> PricedOf(const std::vector<Trade>& trades) {
  std::vector<Priced> priced;
  for (const Trade& trade : trades) {
    const Ratio ratio = trade.reserves ? Ratio{trade.reserves->quote, trade.reserves->token}
                                       : Ratio{trade.quote_amount, trade.token_amount};
    if (IntegerOf(ratio.quote_units) != 0 && IntegerOf(ratio.token_units) != 0) priced.push_back({trade, ratio});
  }
  // By event time, then by cursor.
  std::stable_sort(priced.begin(), priced.end(),
                   [](const Priced& a, const Priced& b) { return a.trade.event_time < b.trade.event_time; });
  return priced;
}

PricePoint PointOf(const Priced& from) {
  const Trade& trade = from.trade;
  return {from.ratio,
          trade.reserves.has_value(),
          {trade.event_time, trade.cursor},
          trade.transaction,
          trade.venue,
          trade.is_mayhem,
          trade.pool_quote};
}

// Trades in the order of the log.
Series SeriesOf(const SeriesKey& key, const std::vector<Trade>& trades) {
  Series series;
  series.key = key;
  const std::vector<Priced> priced = PricedOf(trades);
  if (!priced.empty()) {
    series.last = PointOf(priced.back());
    const auto less = [](const Priced& a, const Priced& b) { return IsLess(a.ratio, b.ratio); };
    // Both give the first of equal ones.
    series.high = PointOf(*std::max_element(priced.begin(), priced.end(), less));
    series.low = PointOf(*std::min_element(priced.begin(), priced.end(), less));
  }
  std::set<std::string> traders;
  std::map<std::string, std::vector<Trade>> venues;
  std::vector<Word> order;
  series.newest = series.first = MomentOf(trades.front());
  for (const Trade& trade : trades) {
    const auto* quote = key.token.chain == chain::Chain::kSolana ? chain::FindQuoteToken(key.quote) : nullptr;
    const double whole = quote == nullptr ? 0 : [&] {
      double value = 0;
      for (size_t i = 4; i-- > 0;) value = value * 0x1p64 + static_cast<double>(trade.quote_amount.limbs()[i]);
      return value / std::pow(10, quote->decimals);
    }();
    const auto halved = [](double value, absl::Duration age) {
      return age > absl::ZeroDuration() ? value * std::exp2(-absl::FDivDuration(age, absl::Minutes(10))) : value;
    };
    const bool is_newest = series.trades == 0 || series.newest < MomentOf(trade);
    if (series.trades == 0) {
      series.hot_score = whole;
    } else if (is_newest) {
      series.hot_score = halved(series.hot_score, trade.event_time - series.newest.event_time) + whole;
    } else {
      series.hot_score += halved(whole, series.newest.event_time - trade.event_time);
    }
    if (is_newest) series.newest = MomentOf(trade);
    series.first = std::min(series.first, MomentOf(trade));
    series.cursor = series.candle_cursor = trade.cursor;
    ++series.trades;
    series.buys += trade.is_buy ? 1 : 0;
    if (!trade.trader.empty()) traders.insert(std::string(trade.trader.text()));
    auto& of_venue = venues[std::string(trade.venue.text())];
    if (of_venue.empty()) order.push_back(trade.venue);
    of_venue.push_back(trade);
  }
  series.quote_volume = SumOf(trades, &Trade::quote_amount);
  series.token_volume = SumOf(trades, &Trade::token_amount);
  // In another order than that of the log.
  for (const std::string& trader : traders) series.traders.Add(Canonical(trader));
  order.resize(std::min(order.size(), Series::kMaxVenues));
  for (const Word& name : order) {
    const std::vector<Trade>& of_venue = venues[std::string(name.text())];
    VenueState& venue = series.venues.emplace_back();
    venue.venue = name;
    if (const auto prices = PricedOf(of_venue); !prices.empty()) {
      venue.last = PointOf(prices.back());
    }
    venue.quote_volume = SumOf(of_venue, &Trade::quote_amount);
    venue.trades = of_venue.size();
  }
  return series;
}

std::map<absl::Time, Candle> MinutesOf(const std::vector<Trade>& trades) {
  std::map<absl::Time, std::vector<Priced>> minutes;
  for (const Priced& priced : PricedOf(trades)) {
    minutes[absl::FromUnixSeconds(absl::ToUnixSeconds(priced.trade.event_time) / 60 * 60)].push_back(priced);
  }
  std::map<absl::Time, Candle> candles;
  for (const auto& [start, priced] : minutes) {
    Candle& candle = candles[start];
    candle.start = start;
    candle.open = priced.front().ratio;
    candle.close = priced.back().ratio;
    candle.open_at = MomentOf(priced.front().trade);
    candle.close_at = MomentOf(priced.back().trade);
    // Of equal prices the pair of smaller integers.
    std::vector<Ratio> by_value;
    std::vector<Trade> of_minute;
    for (const Priced& each : priced) {
      by_value.push_back(each.ratio);
      of_minute.push_back(each.trade);
    }
    std::sort(by_value.begin(), by_value.end(), [](const Ratio& a, const Ratio& b) {
      if (IsLess(a, b) || IsLess(b, a)) return IsLess(a, b);
      return IntegerOf(a.token_units) < IntegerOf(b.token_units);
    });
    candle.low = by_value.front();
    candle.high = *std::find_if(by_value.begin(), by_value.end(),
                                [&](const Ratio& ratio) { return !IsLess(ratio, by_value.back()); });
    candle.quote_volume = SumOf(of_minute, &Trade::quote_amount);
    candle.token_volume = SumOf(of_minute, &Trade::token_amount);
    candle.trades = priced.size();
    candle.min_cursor = UINT64_MAX;
    for (const Trade& trade : of_minute) {
      candle.buys += trade.is_buy ? 1 : 0;
      candle.min_cursor = std::min(candle.min_cursor, trade.cursor);
      candle.max_cursor = std::max(candle.max_cursor, trade.cursor);
    }
  }
  return candles;
}

bool IsKept(const std::vector<Trade>& trades, const FoldOptions& options, const UsdOfQuote& usd_of_quote,
            const SeriesKey& key) {
  if (trades.size() >= options.persist_trades) return true;
  const auto* quote = chain::FindQuoteToken(key.quote);
  if (quote == nullptr) return false;
  double usd = 0;
  for (const Trade& trade : trades) {
    const auto price = usd_of_quote({key.token.chain, key.quote}, trade.event_time);
    if (price) usd += IntegerOf(trade.quote_amount).convert_to<double>() / std::pow(10, quote->decimals) * *price;
  }
  return usd >= options.persist_usd;
}

}  // namespace

ReferenceTables FoldPlainly(const std::vector<Trade>& log, const FoldOptions& options, const UsdOfQuote& usd_of_quote,
                            const absl::flat_hash_set<chain::TokenRef>& watched) {
  ReferenceTables tables;
  absl::flat_hash_map<SeriesKey, std::vector<Trade>> by_series;
  absl::flat_hash_map<chain::TokenRef, absl::Time> seen;
  // A log that does not begin with the first position has lost what was before.
  if (log.front().cursor != 1) tables.checkpoint.log_began = log.front().event_time;
  for (const Trade& trade : log) {
    seen.try_emplace(trade.token, trade.event_time);
    by_series[{trade.token, trade.quote}].push_back(trade);
    tables.checkpoint.newest_event = std::max(tables.checkpoint.newest_event, trade.event_time);
    tables.checkpoint.cursor = tables.checkpoint.redo_cursor = trade.cursor;
  }
  for (const auto& [key, trades] : by_series) {
    if (!IsKept(trades, options, usd_of_quote, key) && !watched.contains(key.token)) {
      for (const Trade& trade : trades) tables.parked[FingerprintOf(key)].insert(trade.cursor);
      continue;
    }
    Series& series = tables.rows.emplace(key, SeriesOf(key, trades)).first->second;
    series.is_partial = seen.at(key.token) < tables.checkpoint.log_began;
    std::map<absl::Time, CandleChunk> chunks;
    for (const auto& [start, candle] : MinutesOf(trades)) {
      const absl::Time chunk = absl::FromUnixSeconds(absl::ToUnixSeconds(start) / 7200 * 7200);
      chunks.try_emplace(chunk, chunk).first->second.Add(candle);
    }
    for (const auto& [start, chunk] : chunks) tables.chunks.emplace(std::pair(key, start), chunk.Encode());
  }
  return tables;
}

}  // namespace tokenwatch::pricing::testing
