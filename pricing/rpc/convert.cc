#include "pricing/rpc/convert.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "pricing/decimal_text.h"
#include "pricing/ratio.h"

namespace tokenwatch::pricing {
namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;
constexpr int kMaxSources = 7;
constexpr int kDefaultSources = 2;

std::string Text(absl::string_view text) { return std::string(text); }

bool IsFinite(absl::Time time) { return time != absl::InfiniteFuture() && time != absl::InfinitePast(); }

}  // namespace

absl::Status Bad(absl::string_view field, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", why));
}

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  const int64_t seconds = absl::ToUnixSeconds(time);
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return timestamp;
}

google::protobuf::Duration ToDuration(absl::Duration duration) {
  google::protobuf::Duration out;
  out.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  out.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
  return out;
}

void ToProto(const chain::TokenRef& token, ::tokenwatch::common::v1::TokenRef* out) {
  out->set_chain(Text(chain::ChainName(token.chain)));
  out->set_address(Text(token.address.text()));
}

void ToProto(const Ratio& ratio, pb::Ratio* out) {
  out->set_quote_units(ratio.quote_units.ToString());
  out->set_token_units(ratio.token_units.ToString());
}

void ToProto(const Reference& reference, pb::ReferencePrice* out) {
  out->set_asset(absl::StrCat(chain::ChainName(reference.asset.chain), ":", reference.asset.address.text()));
  out->set_price_usd(reference.usd);
  *out->mutable_event_time() = ToTimestamp(reference.event_time);
  out->set_source(Text(reference.source.text()));
}

void ToProto(const SourceReport& report, pb::PriceSource* out) {
  out->set_name(Text(report.source.text()));
  out->set_used(report.used);
  if (report.observation.has_value()) {
    const Observation& observation = *report.observation;
    out->set_price_usd(observation.usd);
    if (observation.event_time.has_value()) *out->mutable_event_time() = ToTimestamp(*observation.event_time);
    if (observation.liquidity_usd.has_value()) out->set_liquidity_usd(DecimalText(*observation.liquidity_usd));
  }
  if (!report.used) out->set_reason(report.rejected.empty() ? Text(ToWord(report.outcome)) : report.rejected);
}

void ToProto(const Price& price, absl::Time as_of, pb::Price* out) {
  ToProto(price.token, out->mutable_token());
  out->set_quote_address(Text(price.quote.text()));
  if (price.in_quote.has_value()) out->set_price(*price.in_quote);
  if (price.usd.has_value()) out->set_price_usd(*price.usd);
  if (price.reference.has_value()) ToProto(*price.reference, out->mutable_reference());
  out->set_basis(static_cast<pb::PriceBasis>(price.basis));
  out->set_grade(static_cast<pb::PriceGrade>(price.grade));
  for (const SourceReport& report : price.sources) ToProto(report, out->add_sources());
  *out->mutable_event_time() = ToTimestamp(price.event_time);
  *out->mutable_age() = ToDuration(std::max(as_of - price.event_time, absl::ZeroDuration()));
  if (price.confidence_bps.has_value()) out->set_confidence_bps(*price.confidence_bps);
  if (price.point.has_value()) {
    const PricePoint& point = *price.point;
    out->set_quote_units(point.ratio.quote_units.ToString());
    out->set_token_units(point.ratio.token_units.ToString());
    if (point.pool_quote.has_value()) out->set_liquidity(point.pool_quote->ToString());
    out->set_cursor(point.at.cursor);
    out->set_venue(Text(point.venue.text()));
    out->set_transaction(Text(point.transaction.text()));
    out->set_is_mayhem(point.is_mayhem);
  }
  out->set_unknown_reason(price.unknown_reason);
}

void ToProto(const Candle& candle, const CandleContext& context, pb::Candle* out) {
  *out->mutable_start() = ToTimestamp(candle.start);
  ToProto(candle.open, out->mutable_open());
  ToProto(candle.high, out->mutable_high());
  ToProto(candle.low, out->mutable_low());
  ToProto(candle.close, out->mutable_close());
  if (context.token_decimals.has_value() && context.quote_decimals.has_value()) {
    const auto derived = [&](const Ratio& ratio) {
      return ToDouble(ratio, *context.token_decimals, *context.quote_decimals);
    };
    out->set_open_price(derived(candle.open));
    out->set_high_price(derived(candle.high));
    out->set_low_price(derived(candle.low));
    out->set_close_price(derived(candle.close));
  }
  out->set_quote_volume(candle.quote_volume.ToString());
  out->set_token_volume(candle.token_volume.ToString());
  out->set_trades(static_cast<int64_t>(candle.trades));
  out->set_buys(static_cast<int64_t>(candle.buys));
  out->set_is_open(candle.start + Length(context.interval) > context.newest_event);
}

void ToProto(const PriceRequest& request, absl::Time now, pb::PriceRequest* out) {
  out->set_request_id(request.request_id);
  ToProto(request.token, out->mutable_token());
  out->set_state(static_cast<pb::PriceRequestState>(request.state));
  *out->mutable_created_at() = ToTimestamp(request.created_at);
  *out->mutable_expires_at() = ToTimestamp(request.expires_at);
  if (request.state == RequestState::kWaiting && IsFinite(request.next_attempt_at)) {
    *out->mutable_next_attempt_at() = ToTimestamp(request.next_attempt_at);
  }
  out->set_attempts(request.attempts);
  out->set_reason(request.reason);
  if (request.price.has_value()) ToProto(*request.price, now, out->mutable_price());
}

void ToProto(const ProviderState& provider, absl::Time now, pb::ProviderStatus* out) {
  out->set_name(provider.name);
  out->set_breaker(provider.breaker);
  out->set_calls(provider.calls);
  out->set_failures(provider.failures);
  out->set_budget_remaining(provider.budget_remaining);
  out->set_budget_limit(provider.budget_limit);
  if (IsFinite(provider.closed_until) && provider.closed_until > now) {
    *out->mutable_closed_until() = ToTimestamp(provider.closed_until);
  }
}

void ToProto(const ServiceState& state, pb::GetStatusResponse* out) {
  out->set_cursor(state.position.cursor);
  out->set_redo_cursor(state.position.redo_cursor);
  out->set_log_head(state.log_head);
  if (IsFinite(state.position.newest_event)) *out->mutable_newest_event() = ToTimestamp(state.position.newest_event);
  out->set_is_writer(state.is_writer);
  out->set_hot_tokens(static_cast<int64_t>(state.fold.hot));
  out->set_parked_tokens(static_cast<int64_t>(state.fold.parked));
  out->set_persisted_tokens(static_cast<int64_t>(state.fold.kept));
  out->set_trades_folded(static_cast<int64_t>(state.fold.trades));
  out->set_rows_written(static_cast<int64_t>(state.rows_written));
  out->set_transactions(static_cast<int64_t>(state.transactions));
  out->set_rows_saved(static_cast<int64_t>(state.rows_saved));
  out->set_candles(static_cast<int64_t>(state.fold.candles));
}

void ToProto(const Market& market, absl::Time now, pb::Market* out) {
  out->set_venue(Text(market.venue.text()));
  out->set_quote_address(Text(market.quote.text()));
  out->set_pool(market.pool);
  out->set_source(Text(market.source.text()));
  if (market.price.has_value()) ToProto(*market.price, now, out->mutable_price());
  if (market.reserves.has_value()) {
    out->set_token_reserve(market.reserves->token.ToString());
    out->set_quote_reserve(market.reserves->quote.ToString());
  }
  if (market.quote_volume.has_value()) out->set_quote_volume(market.quote_volume->ToString());
  out->set_trades(static_cast<int64_t>(market.trades));
  if (market.liquidity_usd.has_value()) out->set_liquidity_usd(DecimalText(*market.liquidity_usd));
  if (market.updated_at.has_value()) *out->mutable_updated_at() = ToTimestamp(*market.updated_at);
}

void ToProto(const Series& series, std::optional<int> token_decimals, std::optional<int> quote_decimals,
             pb::TradingHistory* out) {
  out->set_quote_address(Text(series.key.quote.text()));
  out->set_trades(static_cast<int64_t>(series.trades));
  out->set_buys(static_cast<int64_t>(series.buys));
  out->set_traders(static_cast<int64_t>(series.traders.count()));
  out->set_traders_estimated(series.traders.is_estimate());
  out->set_quote_volume(series.quote_volume.ToString());
  out->set_token_volume(series.token_volume.ToString());
  const auto add = [&](const PricePoint& point, pb::PricePoint* to) {
    ToProto(point.ratio, to->mutable_ratio());
    if (token_decimals.has_value() && quote_decimals.has_value()) {
      to->set_price(ToDouble(point.ratio, *token_decimals, *quote_decimals));
    }
    *to->mutable_at() = ToTimestamp(point.at.event_time);
    to->set_venue(Text(point.venue.text()));
    to->set_transaction(Text(point.transaction.text()));
    to->set_cursor(point.at.cursor);
  };
  if (series.high.has_value()) add(*series.high, out->mutable_high());
  if (series.low.has_value()) add(*series.low, out->mutable_low());
  *out->mutable_first_trade_at() = ToTimestamp(series.first.event_time);
  *out->mutable_newest_trade_at() = ToTimestamp(series.newest.event_time);
  out->set_is_partial(series.is_partial);
}

void ToProto(const DatabaseState& state, ::tokenwatch::common::v1::DatabaseReport* out) {
  out->set_database(state.database);
  out->set_role(state.role);
  for (const TableState& table : state.tables) {
    auto* row = out->add_tables();
    row->set_name(table.name);
    row->set_present(table.present);
    row->set_problem(table.problem);
    row->set_rows(table.rows);
    row->set_rows_estimated(table.rows_estimated);
  }
}

absl::StatusOr<chain::TokenRef> FromProto(const ::tokenwatch::common::v1::TokenRef& ref, absl::string_view field) {
  const auto address = chain::ParseAddress(ref.chain(), ref.address());
  if (!address.ok()) {
    return absl::Status(address.status().code(), absl::StrCat(field, ".", address.status().message()));
  }
  return chain::TokenRef{chain::ParseChain(ref.chain()), *address};
}

absl::StatusOr<std::vector<chain::TokenRef>> FromProto(
    const google::protobuf::RepeatedPtrField<::tokenwatch::common::v1::TokenRef>& refs, absl::string_view field,
    int min_count, int max_count) {
  if (refs.size() < min_count || refs.size() > max_count) {
    return Bad(field, absl::StrCat("has ", refs.size(), " entries; allowed are ", min_count, " to ", max_count));
  }
  std::vector<chain::TokenRef> tokens;
  for (int i = 0; i < refs.size(); ++i) {
    auto token = FromProto(refs[i], absl::StrCat(field, "[", i, "]"));
    if (!token.ok()) return token.status();
    tokens.push_back(*token);
  }
  return tokens;
}

absl::StatusOr<absl::Time> FromProto(const google::protobuf::Timestamp& time, absl::string_view field) {
  // What protobuf calls a valid Timestamp: the years 1 to 9999.
  if (time.seconds() < -62'135'596'800 || time.seconds() > 253'402'300'799 || time.nanos() < 0 ||
      time.nanos() >= kNanosPerSecond) {
    return Bad(field, "is no time");
  }
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

absl::StatusOr<absl::Duration> FromProto(const google::protobuf::Duration& duration, absl::string_view field) {
  // Ten thousand years, and nanoseconds of the sign of the seconds.
  constexpr int64_t kMaxSeconds = 315'576'000'000;
  const bool mixed =
      (duration.seconds() > 0 && duration.nanos() < 0) || (duration.seconds() < 0 && duration.nanos() > 0);
  if (duration.seconds() < -kMaxSeconds || duration.seconds() > kMaxSeconds || mixed ||
      std::abs(static_cast<int64_t>(duration.nanos())) >= kNanosPerSecond) {
    return Bad(field, "is no duration");
  }
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

absl::StatusOr<Interval> FromProto(pb::CandleInterval interval, absl::string_view field) {
  if (interval == pb::CANDLE_INTERVAL_UNSPECIFIED || !pb::CandleInterval_IsValid(interval)) {
    return Bad(field, "must be 1S, 1M, 5M, 1H or 1D");
  }
  return static_cast<Interval>(interval);
}

absl::StatusOr<chain::Address> QuoteAddress(chain::Chain on, absl::string_view text, absl::string_view field) {
  if (text.empty()) return chain::Address();
  const auto address = chain::ParseAddress(on, text);
  if (!address.has_value()) return Bad(field, absl::StrCat("is no address on ", chain::ChainName(on)));
  return *address;
}

absl::StatusOr<int> PageSize(int value, int by_default, int max) {
  if (value == 0) return by_default;
  if (value < 0 || value > max) return Bad("page_size", absl::StrCat("must be 1 to ", max, ", or 0 for ", by_default));
  return value;
}

absl::StatusOr<int> MinSources(int value) {
  if (value == 0) return kDefaultSources;
  if (value < 0 || value > kMaxSources) return Bad("min_sources", absl::StrCat("must be 1 to ", kMaxSources));
  return value;
}

std::string ToPageToken(absl::string_view kind, int64_t a, absl::string_view b) {
  return absl::WebSafeBase64Escape(absl::StrCat(kind, " ", a, " ", b));
}

absl::StatusOr<std::pair<int64_t, std::string>> FromPageToken(absl::string_view kind, absl::string_view page_token) {
  const absl::Status bad = Bad("page_token", "is not one that this service gave; begin again without it");
  std::string text;
  if (!absl::WebSafeBase64Unescape(page_token, &text)) return bad;
  absl::string_view rest = text;
  if (!absl::ConsumePrefix(&rest, kind) || !absl::ConsumePrefix(&rest, " ")) return bad;
  const size_t space = rest.find(' ');
  int64_t a = 0;
  if (space == rest.npos || !absl::SimpleAtoi(rest.substr(0, space), &a)) return bad;
  return std::make_pair(a, std::string(rest.substr(space + 1)));
}

}  // namespace tokenwatch::pricing
