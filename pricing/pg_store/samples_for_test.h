// Series and their parts for tests and benchmarks: the same number gives the same value.
#pragma once

#include <array>
#include <cstdint>

#include "pricing/store.h"

namespace tokenwatch::pricing {

inline chain::Address SampleAddress(uint64_t number) {
  std::array<uint8_t, 32> bytes{};
  // Spread over the key space, as addresses are.
  uint64_t mixed = (number + 1) * 0x9e3779b97f4a7c15;
  for (size_t i = 0; i < 32; ++i) {
    bytes[i] = static_cast<uint8_t>(mixed >> (i % 8 * 8));
    if (i % 8 == 7) mixed *= 0xbf58476d1ce4e5b9;
  }
  return chain::Address::FromSolanaBytes(bytes);
}

inline chain::TransactionId SampleTransaction(uint64_t number) {
  std::array<uint8_t, 64> bytes{};
  uint64_t mixed = (number + 7) * 0x94d049bb133111eb;
  for (size_t i = 0; i < 64; ++i) {
    bytes[i] = static_cast<uint8_t>(mixed >> (i % 8 * 8));
    if (i % 8 == 7) mixed *= 0xbf58476d1ce4e5b9;
  }
  return chain::TransactionId::FromSolanaBytes(bytes);
}

inline const chain::Address& SampleQuote() {
  static const chain::Address quote = *chain::Address::ParseSolana("So11111111111111111111111111111111111111112");
  return quote;
}

inline chain::TokenRef SampleToken(uint64_t number) { return {chain::Chain::kSolana, SampleAddress(number)}; }
inline SeriesKey SampleKey(uint64_t number) { return {SampleToken(number), SampleQuote()}; }

inline absl::Time SampleTime(uint64_t cursor) {
  return absl::FromUnixMicros(1'783'000'000'000'000 + static_cast<int64_t>(cursor) * 1'000'003);
}

inline PricePoint SamplePoint(uint64_t quote_units, uint64_t cursor) {
  PricePoint point;
  point.ratio = {quote_units, uint64_t{1'073'000'000'000'000} - cursor};
  point.from_reserves = true;
  point.at = {SampleTime(cursor), cursor};
  point.transaction = SampleTransaction(cursor);
  point.venue = Word("pump");
  point.pool_quote = chain::Amount(quote_units - 30'000'000);
  return point;
}

// As after some trades on pump.fun, the last of them at `cursor`.
inline Series SampleSeries(uint64_t number, uint64_t cursor) {
  Series series;
  series.key = SampleKey(number);
  series.last = SamplePoint(30'000'000'000 + cursor * 1000 + number, cursor);
  series.high = SamplePoint(90'000'000'000 + number, number + 1);
  series.low = SamplePoint(30'000'000'000 - number, number + 2);
  series.first = {SampleTime(number + 1), number + 1};
  series.newest = {SampleTime(cursor), cursor};
  series.cursor = series.candle_cursor = cursor;
  series.quote_volume = chain::Amount(cursor * 1'000'000);
  series.token_volume = chain::Amount(cursor * 7'000'000'000);
  series.trades = cursor % 1000 + 10;
  series.buys = series.trades / 2;
  for (uint64_t trader = 0; trader < 8; ++trader) series.traders.Add(SampleAddress(number * 8 + trader));
  series.hot_score = static_cast<double>(cursor) / 7;
  VenueState& venue = series.venues.emplace_back();
  venue.venue = Word("pump");
  venue.last = series.last;
  venue.quote_volume = series.quote_volume;
  venue.trades = series.trades;
  return series;
}

}  // namespace tokenwatch::pricing
