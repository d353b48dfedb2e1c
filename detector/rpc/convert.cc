#include "detector/rpc/convert.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "detector/feeds/event_time.h"
#include "detector/feeds/frame_decoder.h"

namespace tokenwatch::detector {
namespace {

constexpr int kMaxFilterEntries = 1000;
constexpr size_t kMaxNameBytes = 1024;
// What a bigint holds.
constexpr uint64_t kMaxSlot = 0x7fffffffffffffff;

std::string Text(absl::string_view text) { return std::string(text); }

void SetTime(const std::optional<absl::Time>& time, google::protobuf::Timestamp* (pb::Token::*field)(),
             pb::Token* out) {
  if (time.has_value()) *(out->*field)() = ToTimestamp(*time);
}

absl::Status Bad(absl::string_view field, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", why));
}

absl::StatusOr<absl::Time> EventTime(bool present, const google::protobuf::Timestamp& timestamp) {
  if (!present) return Bad("event_time", "is required");
  const absl::Time time = absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
  if (!IsPlausibleEventTime(time)) return Bad("event_time", "is not between 2015 and 2100");
  // The log keeps microseconds.
  return absl::FromUnixMicros(absl::ToUnixMicros(time));
}

absl::StatusOr<chain::Chain> ParseChainName(absl::string_view name, absl::string_view field) {
  const chain::Chain parsed = chain::ParseChain(name);
  if (parsed == chain::Chain::kUnknown) return Bad(field, "is none of solana, ethereum, base, bsc");
  return parsed;
}

// Empty stays empty.
absl::StatusOr<chain::Address> OptionalAddress(chain::Chain on, absl::string_view text, absl::string_view field) {
  if (text.empty()) return chain::Address();
  const auto address = chain::ParseAddress(on, text);
  if (!address.has_value()) return Bad(field, absl::StrCat("is no address on ", chain::ChainName(on)));
  return *address;
}

// An address of a filter, which does not say the chain: any chain's will do.
absl::StatusOr<chain::Address> AnyAddress(absl::string_view text, absl::string_view field) {
  if (const auto address = chain::Address::ParseSolana(text)) return *address;
  if (const auto address = chain::Address::ParseEvm(text)) return *address;
  return Bad(field, "is no address");
}

absl::Status ParseAmount(absl::string_view text, absl::string_view field, chain::Amount* amount) {
  const auto parsed = chain::Amount::Parse(text);
  if (!parsed.has_value()) return Bad(field, "is no unsigned decimal number of at most 256 bits");
  *amount = *parsed;
  return absl::OkStatus();
}

absl::StatusOr<Word> OptionalWord(absl::string_view text, absl::string_view field) {
  if (text.empty()) return Word();
  return ParseName(text, field);
}

template <typename From, typename Parse, typename To>
absl::Status ParseAll(const From& from, absl::string_view field, Parse parse, std::vector<To>* to) {
  if (from.size() > kMaxFilterEntries) return Bad(field, absl::StrCat("has more than ", kMaxFilterEntries, " entries"));
  for (const auto& text : from) {
    auto value = parse(text, field);
    if (!value.ok()) return value.status();
    to->push_back(*std::move(value));
  }
  return absl::OkStatus();
}

google::protobuf::Duration ToDuration(absl::Duration duration) {
  google::protobuf::Duration out;
  out.set_seconds(absl::ToInt64Seconds(duration));
  out.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration - absl::Seconds(out.seconds()))));
  return out;
}

}  // namespace

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  const int64_t seconds = absl::ToUnixSeconds(time);
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return timestamp;
}

void ToProto(const Token& token, pb::Token* out) {
  out->mutable_token()->set_chain(Text(chain::ChainName(token.ref.chain)));
  out->mutable_token()->set_address(Text(token.ref.address.text()));
  out->set_state(static_cast<pb::TokenState>(token.state));
  out->set_origin(static_cast<pb::TokenOrigin>(token.origin));
  out->set_name(token.name);
  out->set_symbol(token.symbol);
  out->set_uri(token.uri);
  out->set_name_source(token.name_source);
  out->set_name_sanitized(token.name_sanitized);
  out->set_creator(Text(token.creator.text()));
  out->set_venue(Text(token.venue.text()));
  out->set_pool(Text(token.pool.text()));
  out->set_quote_address(Text(token.quote.text()));
  if (token.decimals.has_value()) out->set_decimals(*token.decimals);
  if (token.supply.has_value()) out->set_supply(token.supply->ToString());
  if (token.is_mayhem.has_value()) out->set_is_mayhem(*token.is_mayhem);
  if (token.is_cashback.has_value()) out->set_is_cashback(*token.is_cashback);
  out->set_launch_transaction(Text(token.launch_transaction.text()));
  out->set_launch_slot(token.launch_slot);
  SetTime(token.launched_at, &pb::Token::mutable_launched_at, out);
  *out->mutable_first_seen_at() = ToTimestamp(token.first_seen_at);
  SetTime(token.named_at, &pb::Token::mutable_named_at, out);
  SetTime(token.completed_at, &pb::Token::mutable_completed_at, out);
  if (token.migration.has_value()) {
    out->set_migrated_to(Text(token.migration->venue.text()));
    *out->mutable_migrated_at() = ToTimestamp(token.migration->time);
    out->set_migration_transaction(Text(token.migration->transaction.text()));
  }
  for (const std::string& feed : token.feeds) out->add_feeds(feed);
  if (token.imitates.has_value()) {
    out->mutable_imitates()->set_chain(Text(chain::ChainName(token.imitates->chain)));
    out->mutable_imitates()->set_address(Text(token.imitates->address.text()));
  }
}

void ToProto(const TokenEvent& event, pb::TokenEvent* out) {
  out->set_cursor(event.cursor);
  out->set_kind(static_cast<pb::TokenEventKind>(event.kind));
  *out->mutable_event_time() = ToTimestamp(event.event_time);
  ToProto(event.token, out->mutable_token());
}

void ToProto(const Trade& trade, pb::Trade* out) {
  AmountTexts texts;
  ToProto(FieldsOf(trade, texts), out);
}

void ToProto(const TradeFields& trade, pb::Trade* out) {
  out->set_cursor(trade.cursor);
  out->set_chain(Text(trade.chain));
  out->set_transaction(Text(trade.transaction));
  if (trade.event_index.has_value()) out->set_event_index(*trade.event_index);
  out->set_token(Text(trade.token));
  out->set_trader(Text(trade.trader));
  out->set_side(static_cast<pb::TradeSide>(trade.side));
  out->set_venue(Text(trade.venue));
  out->set_quote_address(Text(trade.quote));
  out->set_token_amount(Text(trade.token_amount));
  out->set_quote_amount(Text(trade.quote_amount));
  out->set_virtual_token_reserve(Text(trade.virtual_token));
  out->set_virtual_quote_reserve(Text(trade.virtual_quote));
  out->set_real_token_reserve(Text(trade.real_token));
  out->set_real_quote_reserve(Text(trade.real_quote));
  out->set_protocol_fee(Text(trade.protocol_fee));
  out->set_creator_fee(Text(trade.creator_fee));
  out->set_slot(trade.slot);
  *out->mutable_event_time() = ToTimestamp(trade.event_time);
  out->set_feed(Text(trade.feed));
  out->set_is_mayhem(trade.is_mayhem);
}

void ToProto(const QuarantinedFrame& frame, pb::QuarantinedFrame* out) {
  out->set_id(frame.id);
  out->set_feed(Text(frame.feed.text()));
  out->set_reason(frame.reason);
  out->set_detail(frame.detail);
  out->set_raw(frame.raw);
  out->set_raw_cut(frame.raw_cut);
  *out->mutable_received_at() = ToTimestamp(frame.received_at);
}

void ToProto(const Consumer& consumer, pb::Consumer* out) {
  out->set_name(consumer.name);
  out->set_cursor(consumer.cursor);
  *out->mutable_updated_at() = ToTimestamp(consumer.updated_at);
}

void ToProto(const FeedReport& report, pb::FeedStatus* out) {
  out->set_name(report.name);
  out->set_state(Text(FeedStateName(report.state)));
  out->set_detail(report.detail);
  out->set_frames(static_cast<int64_t>(report.decoded.frames));
  out->set_launches(static_cast<int64_t>(report.counts.launches));
  out->set_trades(static_cast<int64_t>(report.counts.trades));
  out->set_duplicates(static_cast<int64_t>(report.counts.duplicates));
  out->set_quarantined(static_cast<int64_t>(report.counts.quarantined));
  if (report.last_frame_at > absl::UnixEpoch()) *out->mutable_last_frame_at() = ToTimestamp(report.last_frame_at);
}

void ToProto(const LatencySummary& summary, pb::LatencySummary* out) {
  out->set_count(summary.count);
  if (summary.count == 0) return;
  *out->mutable_p50() = ToDuration(summary.p50);
  *out->mutable_p95() = ToDuration(summary.p95);
  *out->mutable_p99() = ToDuration(summary.p99);
}

absl::StatusOr<chain::TokenRef> FromProto(const ::tokenwatch::common::v1::TokenRef& ref, absl::string_view field) {
  const auto address = chain::ParseAddress(ref.chain(), ref.address());
  // The message names the field of the reference.
  if (!address.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(field, field.empty() ? "" : ".", address.status().message()));
  }
  return chain::TokenRef{chain::ParseChain(ref.chain()), *address};
}

absl::StatusOr<Word> ParseName(absl::string_view text, absl::string_view field) {
  if (!IsFeedName(text)) {
    return Bad(field, "must be 1 to 23 of a-z, 0-9, '-' and '_', beginning with a letter");
  }
  return Word(text);
}

absl::StatusOr<int> PageSize(int value, int by_default, int max) {
  if (value == 0) return by_default;
  if (value < 1 || value > max) return Bad("page_size", absl::StrCat("must be 1 to ", max));
  return value;
}

absl::StatusOr<TokenFilter> FromProto(const pb::TokenFilter& filter) {
  TokenFilter parsed;
  if (absl::Status s = ParseAll(filter.chains(), "filter.chains", ParseChainName, &parsed.chains); !s.ok()) return s;
  if (absl::Status s = ParseAll(filter.creators(), "filter.creators", AnyAddress, &parsed.creators); !s.ok()) return s;
  if (absl::Status s = ParseAll(filter.venues(), "filter.venues", ParseName, &parsed.venues); !s.ok()) return s;
  for (const int kind : filter.kinds()) {
    if (kind < 1 || kind > pb::TOKEN_EVENT_KIND_MIGRATED) return Bad("filter.kinds", "has an unknown kind");
    parsed.kinds.push_back(static_cast<TokenEventKind>(kind));
  }
  for (const int state : filter.states()) {
    if (state < 1 || state > pb::TOKEN_STATE_DETECTED) return Bad("filter.states", "has an unknown state");
    parsed.states.push_back(static_cast<TokenState>(state));
  }
  return parsed;
}

absl::StatusOr<TradeFilter> FromProto(const pb::TradeFilter& filter) {
  TradeFilter parsed;
  if (absl::Status s = ParseAll(filter.chains(), "filter.chains", ParseChainName, &parsed.chains); !s.ok()) return s;
  if (absl::Status s = ParseAll(filter.tokens(), "filter.tokens", AnyAddress, &parsed.tokens); !s.ok()) return s;
  if (absl::Status s = ParseAll(filter.traders(), "filter.traders", AnyAddress, &parsed.traders); !s.ok()) return s;
  if (absl::Status s = ParseAll(filter.venues(), "filter.venues", ParseName, &parsed.venues); !s.ok()) return s;
  if (filter.side() != pb::TRADE_SIDE_UNSPECIFIED) {
    if (!pb::TradeSide_IsValid(filter.side())) return Bad("filter.side", "is unknown");
    parsed.side = static_cast<Side>(filter.side());
  }
  return parsed;
}

absl::StatusOr<LaunchSeen> FromProto(const pb::LaunchReport& report) {
  LaunchSeen launch;
  auto ref = FromProto(report.token(), "token");
  if (!ref.ok()) return ref.status();
  launch.ref = *ref;
  for (const auto& [field, text] : {std::pair<absl::string_view, const std::string&>{"name", report.name()},
                                    {"symbol", report.symbol()},
                                    {"uri", report.uri()}}) {
    if (text.size() > kMaxNameBytes) return Bad(field, absl::StrCat("is longer than ", kMaxNameBytes, " bytes"));
  }
  launch.name = report.name();
  launch.symbol = report.symbol();
  launch.uri = report.uri();
  auto creator = OptionalAddress(launch.ref.chain, report.creator(), "creator");
  if (!creator.ok()) return creator.status();
  launch.creator = *creator;
  auto venue = OptionalWord(report.venue(), "venue");
  if (!venue.ok()) return venue.status();
  launch.venue = *venue;
  auto pool = OptionalAddress(launch.ref.chain, report.pool(), "pool");
  if (!pool.ok()) return pool.status();
  launch.pool = *pool;
  auto quote = OptionalAddress(launch.ref.chain, report.quote_address(), "quote_address");
  if (!quote.ok()) return quote.status();
  launch.quote = *quote;
  const auto transaction = chain::ParseTransactionId(launch.ref.chain, report.transaction());
  if (!transaction.has_value()) return Bad("transaction", "is no transaction of the chain");
  launch.transaction = *transaction;
  launch.slot = report.slot();
  if (launch.slot > kMaxSlot) return Bad("slot", "is out of range");
  auto time = EventTime(report.has_event_time(), report.event_time());
  if (!time.ok()) return time.status();
  launch.event_time = *time;
  if (report.has_decimals()) {
    if (report.decimals() > 255) return Bad("decimals", "is more than 255");
    launch.decimals = static_cast<uint8_t>(report.decimals());
  }
  return launch;
}

absl::StatusOr<Trade> FromProto(const pb::Trade& report, const Word& feeder) {
  Trade trade;
  auto on = ParseChainName(report.chain(), "chain");
  if (!on.ok()) return on.status();
  trade.chain = *on;
  const auto transaction = chain::ParseTransactionId(trade.chain, report.transaction());
  if (!transaction.has_value()) return Bad("transaction", "is no transaction of the chain");
  trade.transaction = *transaction;
  if (report.has_event_index()) {
    if (report.event_index() > 0x7fffffff) return Bad("event_index", "is more than 2147483647");
    trade.event_index = report.event_index();
  }
  const auto token = chain::ParseAddress(trade.chain, report.token());
  if (!token.has_value()) return Bad("token", "is no address of the chain");
  trade.token = *token;
  const auto trader = chain::ParseAddress(trade.chain, report.trader());
  if (!trader.has_value()) return Bad("trader", "is no address of the chain");
  trade.trader = *trader;
  if (report.side() != pb::TRADE_SIDE_BUY && report.side() != pb::TRADE_SIDE_SELL) return Bad("side", "is required");
  trade.side = static_cast<Side>(report.side());
  auto venue = ParseName(report.venue(), "venue");
  if (!venue.ok()) return venue.status();
  trade.venue = *venue;
  auto quote = OptionalAddress(trade.chain, report.quote_address(), "quote_address");
  if (!quote.ok()) return quote.status();
  trade.quote = *quote;
  if (absl::Status s = ParseAmount(report.token_amount(), "token_amount", &trade.token_amount); !s.ok()) return s;
  if (absl::Status s = ParseAmount(report.quote_amount(), "quote_amount", &trade.quote_amount); !s.ok()) return s;
  if (!report.virtual_token_reserve().empty()) {
    Reserves& reserves = trade.reserves.emplace();
    for (const auto& [text, field, to] :
         {std::tuple{&report.virtual_token_reserve(), "virtual_token_reserve", &reserves.virtual_token},
          std::tuple{&report.virtual_quote_reserve(), "virtual_quote_reserve", &reserves.virtual_quote},
          std::tuple{&report.real_token_reserve(), "real_token_reserve", &reserves.real_token},
          std::tuple{&report.real_quote_reserve(), "real_quote_reserve", &reserves.real_quote}}) {
      if (absl::Status s = ParseAmount(*text, field, to); !s.ok()) return s;
    }
  }
  if (!report.protocol_fee().empty()) {
    Fees& fees = trade.fees.emplace();
    if (absl::Status s = ParseAmount(report.protocol_fee(), "protocol_fee", &fees.protocol); !s.ok()) return s;
    if (absl::Status s = ParseAmount(report.creator_fee(), "creator_fee", &fees.creator); !s.ok()) return s;
  }
  trade.slot = report.slot();
  if (trade.slot > kMaxSlot) return Bad("slot", "is out of range");
  auto time = EventTime(report.has_event_time(), report.event_time());
  if (!time.ok()) return time.status();
  trade.event_time = *time;
  // Another feeder's clock is not known to be the chain's.
  trade.loose_time = true;
  trade.feed = feeder;
  trade.is_mayhem = report.is_mayhem();
  return trade;
}

absl::StatusOr<Resolution> FromProto(const pb::Resolution& report) {
  Resolution resolution;
  auto ref = FromProto(report.token(), "token");
  if (!ref.ok()) return ref.status();
  resolution.ref = *ref;
  for (const auto& [field, text] : {std::pair<absl::string_view, const std::string&>{"name", report.name()},
                                    {"symbol", report.symbol()},
                                    {"uri", report.uri()}}) {
    if (text.size() > kMaxNameBytes) return Bad(field, absl::StrCat("is longer than ", kMaxNameBytes, " bytes"));
  }
  resolution.name = report.name();
  resolution.symbol = report.symbol();
  resolution.uri = report.uri();
  if (!resolution.name.empty()) {
    auto source = ParseName(report.source(), "source");
    if (!source.ok()) return source.status();
    resolution.source = Text(source->text());
  }
  if (report.has_decimals()) {
    if (report.decimals() > 255) return Bad("decimals", "is more than 255");
    resolution.decimals = static_cast<uint8_t>(report.decimals());
  }
  if (report.has_retry_at()) {
    resolution.retry_at =
        absl::FromUnixSeconds(report.retry_at().seconds()) + absl::Nanoseconds(report.retry_at().nanos());
    if (!IsPlausibleEventTime(resolution.retry_at)) return Bad("retry_at", "is not between 2015 and 2100");
  }
  if (report.has_imitates()) {
    auto imitates = FromProto(report.imitates(), "imitates");
    if (!imitates.ok()) return imitates.status();
    resolution.imitates = *imitates;
  }
  resolution.name_sanitized = report.name_sanitized();
  return resolution;
}

}  // namespace tokenwatch::detector
