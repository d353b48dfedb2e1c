#include "pricing/pg_store/series_rows.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

#include <sodium/crypto_shorthash.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "pricing/pg_store/packing.h"
#include "pricing/pg_store/values.h"

namespace tokenwatch::pricing {
namespace {

// Of the column `state`. Rows of the first version say nothing of candles: they were written together with all of them.
constexpr uint8_t kVersion = 2;
constexpr uint8_t kVersionWithoutCandles = 1;
// Fixed, because digests are stored.
constexpr unsigned char kDigestKey[crypto_shorthash_siphashx24_KEYBYTES + 1] = "tokenwatch.stead";
constexpr uint8_t kFromReserves = 1;
constexpr uint8_t kMayhem = 2;
constexpr uint8_t kPoolKnown = 4;

// Fields of one line of the column `venues`.
enum VenueField : size_t {
  kVenue,
  kQuoteUnits,
  kTokenUnits,
  kMicros,
  kCursor,
  kTransaction,
  kBasis,
  kIsMayhem,
  kPoolQuote,
  kTokenReserve,
  kQuoteReserve,
  kQuoteVolume,
  kTrades,
  kVenueFields,
};
// Of a line whose price is the last of the series, which the row has already, most fields are this one. Nearly all
// lines are such, and they are the widest part of a row.
constexpr absl::string_view kAsLast = "=";
constexpr absl::string_view kNothing = "-";

// What a point has besides its ratio, moment, transaction and venue.
void PackDetail(const PricePoint& point, Packer& packer) {
  packer.Byte(static_cast<uint8_t>((point.from_reserves ? kFromReserves : 0) | (point.is_mayhem ? kMayhem : 0) |
                                   (point.pool_quote.has_value() ? kPoolKnown : 0)));
  if (point.pool_quote.has_value()) packer.Amount(*point.pool_quote);
}

void UnpackDetail(Unpacker& unpacker, PricePoint& point) {
  const uint8_t flags = unpacker.Byte();
  point.from_reserves = (flags & kFromReserves) != 0;
  point.is_mayhem = (flags & kMayhem) != 0;
  if ((flags & kPoolKnown) != 0) point.pool_quote = unpacker.Amount();
}

// Infinities are the ends of the range.
int64_t ToMicros(absl::Time time) { return absl::ToUnixMicros(time); }
absl::Time FromMicros(int64_t micros) {
  if (micros == ToMicros(absl::InfinitePast())) return absl::InfinitePast();
  if (micros == ToMicros(absl::InfiniteFuture())) return absl::InfiniteFuture();
  return absl::FromUnixMicros(micros);
}

void PackMoment(const Moment& moment, Packer& packer) {
  packer.Int(ToMicros(moment.event_time));
  packer.Uint(moment.cursor);
}

Moment UnpackMoment(Unpacker& unpacker) {
  const absl::Time at = FromMicros(unpacker.Int());
  return {at, unpacker.Uint()};
}

void AppendOptional(const std::optional<chain::Amount>& amount, std::string& line) {
  line.push_back(' ');
  if (amount.has_value()) {
    amount->AppendTo(line);
  } else {
    line.append(kNothing.data(), kNothing.size());
  }
}

void AppendVenue(const VenueState& venue, const HeldPoint& series_last, std::string& text) {
  if (!text.empty()) text.push_back('\n');
  absl::StrAppend(&text, venue.venue.text());
  if (venue.last.has_value() && venue.last == series_last) {
    absl::StrAppend(&text, " = = = ", venue.last.at().cursor, " = = =");
    AppendOptional(venue.last->pool_quote, text);
  } else if (venue.last.has_value()) {
    const PricePoint last = *venue.last;
    AppendOptional(last.ratio.quote_units, text);
    AppendOptional(last.ratio.token_units, text);
    absl::StrAppend(&text, " ", ToMicros(last.at.event_time), " ", last.at.cursor, " ", last.transaction.text(),
                    last.from_reserves ? " reserves" : " trade", last.is_mayhem ? " mayhem" : " -");
    AppendOptional(last.pool_quote, text);
  } else {
    absl::StrAppend(&text, " - - - - - - - -");
  }
  absl::StrAppend(&text, venue.reserves().has_value() ? " = =" : " - -");
  AppendOptional(venue.quote_volume, text);
  absl::StrAppend(&text, " ", venue.trades);
}

bool ReadOptional(absl::string_view field, std::optional<chain::Amount>& amount) {
  if (field == kNothing) return true;
  amount = chain::Amount::Parse(field);
  return amount.has_value();
}

// The price of a line that has one of its own.
bool ReadPrice(absl::Span<const absl::string_view> fields, PricePoint& last) {
  std::optional<chain::Amount> token;
  std::optional<chain::Amount> quote;
  int64_t micros = 0;
  const auto transaction = chain::TransactionId::FromCanonical(fields[kTransaction]);
  if (!ReadOptional(fields[kQuoteUnits], quote) || !ReadOptional(fields[kTokenUnits], token) || !quote || !token ||
      !absl::SimpleAtoi(fields[kMicros], &micros) || !absl::SimpleAtoi(fields[kCursor], &last.at.cursor) ||
      !transaction.has_value() || !ReadOptional(fields[kPoolQuote], last.pool_quote)) {
    return false;
  }
  last.ratio = {*quote, *token};
  last.at.event_time = FromMicros(micros);
  last.transaction = *transaction;
  last.venue = Word(fields[kVenue]);
  last.from_reserves = fields[kBasis] == "reserves";
  last.is_mayhem = fields[kIsMayhem] == "mayhem";
  return true;
}

// Whether the line says of the reserves what its price says of them. The first lines spelled them out.
bool AgreesOnReserves(absl::Span<const absl::string_view> fields, const VenueState& venue) {
  const std::optional<Reserves> reserves = venue.reserves();
  if (fields[kTokenReserve] == kAsLast) return reserves.has_value();
  std::optional<chain::Amount> token;
  std::optional<chain::Amount> quote;
  if (!ReadOptional(fields[kTokenReserve], token) || !ReadOptional(fields[kQuoteReserve], quote)) return false;
  if (!reserves.has_value()) return !token.has_value() && !quote.has_value();
  return token == reserves->token && quote == reserves->quote;
}

bool ReadVenue(absl::string_view line, const HeldPoint& series_last, VenueState& venue) {
  const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ');
  if (fields.size() != kVenueFields || fields[kVenue].size() > Word::kMaxSize) return false;
  venue.venue = Word(fields[kVenue]);
  if (fields[kMicros] == kAsLast) {
    if (!series_last.has_value()) return false;
    venue.last = series_last;
  } else if (fields[kMicros] != kNothing) {
    PricePoint last;
    if (!ReadPrice(fields, last)) return false;
    venue.last = last;
  }
  std::optional<chain::Amount> volume;
  if (!AgreesOnReserves(fields, venue) || !ReadOptional(fields[kQuoteVolume], volume) || !volume ||
      !absl::SimpleAtoi(fields[kTrades], &venue.trades)) {
    return false;
  }
  venue.quote_volume = *volume;
  return true;
}

chain::Amount AmountOf(const pqxx::field& field) {
  return chain::Amount::Parse(TextOf(field)).value_or(chain::Amount());
}
uint64_t UintOf(const pqxx::field& field) { return field.is_null() ? 0 : field.as<uint64_t>(); }
}  // namespace

const std::vector<std::string>& KeyColumns() {
  static const auto* columns = new std::vector<std::string>{"chain", "address", "quote"};
  return *columns;
}

const std::vector<std::string>& SteadyColumns() {
  static const auto* columns = new std::vector<std::string>{
      "first_at",   "high_quote_units", "high_token_units", "high_at",         "high_cursor", "high_transaction",
      "high_venue", "high_detail",      "low_quote_units",  "low_token_units", "low_at",      "is_partial"};
  return *columns;
}

const std::vector<std::string>& LiveColumns() {
  static const auto* columns =
      new std::vector<std::string>{"cursor",     "last_quote_units", "last_token_units", "last_at", "last_transaction",
                                   "last_venue", "quote_volume",     "token_volume",     "trades",  "buys",
                                   "traders",    "hot_score",        "venues",           "state"};
  return *columns;
}

void SeriesRow::AppendAmount(const chain::Amount& amount, common::CopyBuffer& fields) {
  if (amount.FitsUint64()) {
    fields.Numeric(amount.Uint64Value());
    return;
  }
  scratch_.clear();
  amount.AppendTo(scratch_);
  fields.Numeric(absl::string_view(scratch_));
}

void SeriesRow::Encode(const Series& series) {
  for (common::CopyBuffer* const part : {&key_, &steady_, &live_, &digest_}) part->Clear();
  key_.Text(chain::ChainName(series.key.token.chain)).Text(series.key.token.address.text());
  key_.Text(series.key.quote.text());
  EncodeSteady(series);
  EncodeLive(series);

  std::array<unsigned char, crypto_shorthash_siphashx24_BYTES> digest;
  const absl::string_view steady = steady_.data();
  crypto_shorthash_siphashx24(digest.data(), reinterpret_cast<const unsigned char*>(steady.data()), steady.size(),
                              kDigestKey);
  digest_.Bytes(absl::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
  std::memcpy(&digest_bits_, digest.data(), sizeof digest_bits_);
}

void SeriesRow::EncodeSteady(const Series& series) {
  steady_.Time(series.first.event_time);
  if (series.high.has_value()) {
    const PricePoint high = *series.high;
    AppendAmount(high.ratio.quote_units, steady_);
    AppendAmount(high.ratio.token_units, steady_);
    steady_.Time(high.at.event_time).Int8(static_cast<int64_t>(high.at.cursor));
    steady_.Text(high.transaction.text()).Text(high.venue.text());
    scratch_.clear();
    Packer packer(scratch_);
    PackDetail(high, packer);
    steady_.Bytes(scratch_);
  } else {
    for (int i = 0; i < 7; ++i) steady_.Null();
  }
  if (series.low.has_value()) {
    const Ratio ratio = series.low.ratio();
    AppendAmount(ratio.quote_units, steady_);
    AppendAmount(ratio.token_units, steady_);
    steady_.Time(series.low.at().event_time);
  } else {
    steady_.Null().Null().Null();
  }
  steady_.Bool(series.is_partial);
}

void SeriesRow::EncodeLive(const Series& series) {
  live_.Int8(static_cast<int64_t>(series.cursor));
  if (series.last.has_value()) {
    const PricePoint last = *series.last;
    AppendAmount(last.ratio.quote_units, live_);
    AppendAmount(last.ratio.token_units, live_);
    live_.Time(last.at.event_time);
    live_.Text(last.transaction.text()).Text(last.venue.text());
  } else {
    for (int i = 0; i < 5; ++i) live_.Null();
  }
  AppendAmount(series.quote_volume, live_);
  AppendAmount(series.token_volume, live_);
  live_.Int8(static_cast<int64_t>(series.trades)).Int8(static_cast<int64_t>(series.buys));
  live_.Int8(static_cast<int64_t>(series.traders.count())).Double(series.hot_score);
  scratch_.clear();
  for (const VenueState& venue : series.venues) AppendVenue(venue, series.last, scratch_);
  live_.Text(scratch_);

  scratch_.clear();
  Packer packer(scratch_);
  packer.Byte(kVersion);
  packer.Uint(series.first.cursor);
  packer.Uint(series.cursor - series.candle_cursor);
  PackMoment(series.newest, packer);
  if (series.last.has_value()) {
    packer.Uint(series.last.at().cursor);
    PackDetail(*series.last, packer);
  }
  if (series.low.has_value()) {
    const PricePoint low = *series.low;
    packer.Uint(low.at.cursor);
    packer.Text(low.transaction.text());
    packer.Text(low.venue.text());
    PackDetail(low, packer);
  }
  packer.Text(series.traders.Encode());
  live_.Bytes(scratch_);
}

absl::StatusOr<Series> ToSeries(const pqxx::row& row) {
  pqxx::row::size_type next = 0;
  const auto field = [&] { return row[next++]; };
  const auto time = [&] {
    const pqxx::field micros = field();
    return micros.is_null() ? absl::InfinitePast() : absl::FromUnixMicros(micros.as<int64_t>());
  };
  // Whether there is a point; the columns of one that is not are null.
  const auto ratio_and_time = [&](PricePoint& point) {
    const pqxx::field quote_units = field();
    point.ratio.quote_units = AmountOf(quote_units);
    point.ratio.token_units = AmountOf(field());
    point.at.event_time = time();
    return !quote_units.is_null();
  };
  const auto origin = [&](PricePoint& point) {
    point.transaction = chain::TransactionId::FromCanonical(TextOf(field())).value_or(chain::TransactionId());
    point.venue = Word(TextOf(field()).substr(0, Word::kMaxSize));
  };

  Series series;
  series.key.token.chain = chain::ParseChain(TextOf(field()));
  series.key.token.address = chain::Address::FromCanonical(TextOf(field())).value_or(chain::Address());
  series.key.quote = chain::Address::FromCanonical(TextOf(field())).value_or(chain::Address());
  series.first.event_time = time();
  PricePoint high;
  const bool has_high = ratio_and_time(high);
  high.at.cursor = UintOf(field());
  origin(high);
  const pqxx::field high_detail = field();
  PricePoint low;
  const bool has_low = ratio_and_time(low);
  series.is_partial = field().as<bool>();
  series.cursor = UintOf(field());
  PricePoint last;
  const bool has_last = ratio_and_time(last);
  origin(last);
  series.quote_volume = AmountOf(field());
  series.token_volume = AmountOf(field());
  series.trades = UintOf(field());
  series.buys = UintOf(field());
  if (!absl::SimpleAtod(TextOf(field()), &series.hot_score)) series.hot_score = 0;
  const pqxx::field venues = field();
  const pqxx::field state = field();

  const auto damaged = [&](absl::string_view column) {
    return absl::DataLossError(absl::StrCat("column token_prices.", column, " of ", series.key.token.address.text(),
                                            " holds what this service did not write"));
  };
  if (has_high) {
    const std::string bytes = BytesOf(high_detail);
    Unpacker unpacker(bytes);
    UnpackDetail(unpacker, high);
    if (!unpacker.ok() || !unpacker.at_end()) return damaged("high_detail");
    series.high = high;
  }
  const std::string bytes = BytesOf(state);
  Unpacker unpacker(bytes);
  const uint8_t version = unpacker.Byte();
  if (version != kVersion && version != kVersionWithoutCandles) return damaged("state");
  series.first.cursor = unpacker.Uint();
  const uint64_t without_candles = version == kVersionWithoutCandles ? 0 : unpacker.Uint();
  if (without_candles > series.cursor) return damaged("state");
  series.candle_cursor = series.cursor - without_candles;
  series.newest = UnpackMoment(unpacker);
  if (has_last) {
    last.at.cursor = unpacker.Uint();
    UnpackDetail(unpacker, last);
    series.last = last;
  }
  if (has_low) {
    low.at.cursor = unpacker.Uint();
    low.transaction = chain::TransactionId::FromCanonical(unpacker.Text()).value_or(chain::TransactionId());
    low.venue = Word(unpacker.Text().substr(0, Word::kMaxSize));
    UnpackDetail(unpacker, low);
    series.low = low;
  }
  auto traders = TraderCount::Decode(unpacker.Text());
  if (!traders.ok() || !unpacker.ok() || !unpacker.at_end()) return damaged("state");
  series.traders = *std::move(traders);
  if (venues.size() > 0) {
    for (const absl::string_view line : absl::StrSplit(TextOf(venues), '\n')) {
      if (!ReadVenue(line, series.last, series.venues.emplace_back())) return damaged("venues");
    }
  }
  return series;
}

}  // namespace tokenwatch::pricing
