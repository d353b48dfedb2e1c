#include "resolver/convert.h"

#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace tokenwatch::resolver {
namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;

v1::SourcedText ToProto(const SourcedText& text) {
  v1::SourcedText proto;
  proto.set_value(text.value);
  proto.set_source(text.source);
  *proto.mutable_observed_at() = ToTimestamp(text.observed_at);
  proto.set_sanitized(text.sanitized);
  return proto;
}

v1::ResolutionState ToProto(State state) {
  switch (state) {
    case State::kPending:
      return v1::RESOLUTION_STATE_PENDING;
    case State::kResolved:
      return v1::RESOLUTION_STATE_RESOLVED;
    case State::kDeadLetter:
      return v1::RESOLUTION_STATE_DEAD_LETTER;
  }
  return v1::RESOLUTION_STATE_UNSPECIFIED;
}

bool IsFinite(absl::Time time) { return time != absl::InfiniteFuture() && time != absl::InfinitePast(); }

}  // namespace

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  const int64_t seconds = absl::ToUnixSeconds(time);
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return timestamp;
}

absl::Time FromTimestamp(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

google::protobuf::Duration ToDuration(absl::Duration duration) {
  google::protobuf::Duration proto;
  const int64_t nanos = absl::ToInt64Nanoseconds(duration);
  proto.set_seconds(nanos / kNanosPerSecond);
  proto.set_nanos(static_cast<int32_t>(nanos % kNanosPerSecond));
  return proto;
}

absl::StatusOr<TokenRef> ToTokenRef(const tokenwatch::common::v1::TokenRef& token, absl::string_view field) {
  const absl::StatusOr<chain::Address> address = chain::ParseAddress(token.chain(), token.address());
  if (!address.ok()) return absl::InvalidArgumentError(absl::StrCat(field, ".", address.status().message()));
  // Sources may spell EVM addresses in any case; callers may not.
  if (address->text() != token.address()) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, ".address: is not in canonical form, which is ", address->text()));
  }
  return TokenRef{chain::ParseChain(token.chain()), *address};
}

tokenwatch::common::v1::TokenRef FromTokenRef(const TokenRef& token) {
  tokenwatch::common::v1::TokenRef proto;
  proto.set_chain(std::string(chain::ChainName(token.chain)));
  proto.set_address(std::string(token.address.text()));
  return proto;
}

v1::TokenResolution ToProto(const Resolution& resolution) {
  v1::TokenResolution proto;
  *proto.mutable_token() = FromTokenRef(resolution.token);
  proto.set_state(ToProto(resolution.state));
  if (!resolution.name.value.empty()) *proto.mutable_name() = ToProto(resolution.name);
  if (!resolution.symbol.value.empty()) *proto.mutable_symbol() = ToProto(resolution.symbol);
  if (!resolution.uri.value.empty()) *proto.mutable_uri() = ToProto(resolution.uri);
  if (resolution.decimals.has_value()) proto.set_decimals(*resolution.decimals);
  proto.set_decimals_source(resolution.decimals_source);
  if (resolution.imitates.has_value()) *proto.mutable_imitates() = FromTokenRef(*resolution.imitates);
  proto.set_attempts(resolution.attempts);
  if (resolution.state == State::kPending && IsFinite(resolution.next_attempt_at)) {
    *proto.mutable_next_attempt_at() = ToTimestamp(resolution.next_attempt_at);
  }
  proto.set_reason(resolution.reason);
  return proto;
}

v1::Attempt ToProto(const Attempt& attempt) {
  v1::Attempt proto;
  proto.set_source(attempt.source);
  *proto.mutable_asked_at() = ToTimestamp(attempt.asked_at);
  proto.set_outcome(std::string(OutcomeName(attempt.outcome)));
  proto.set_detail(attempt.detail);
  proto.set_latency_ms(absl::ToDoubleMilliseconds(attempt.latency));
  return proto;
}

detector::v1::Resolution ToDetectorResolution(const Completion& completion) {
  const Resolution& resolution = completion.resolution;
  detector::v1::Resolution proto;
  *proto.mutable_token() = FromTokenRef(resolution.token);
  if (resolution.state != State::kResolved) {
    if (IsFinite(completion.retry_at)) *proto.mutable_retry_at() = ToTimestamp(completion.retry_at);
    return proto;
  }
  proto.set_name(resolution.name.value);
  proto.set_symbol(resolution.symbol.value);
  proto.set_uri(resolution.uri.value);
  proto.set_source(resolution.name.source);
  if (resolution.decimals.has_value()) proto.set_decimals(*resolution.decimals);
  if (resolution.imitates.has_value()) *proto.mutable_imitates() = FromTokenRef(*resolution.imitates);
  proto.set_name_sanitized(resolution.name.sanitized || resolution.symbol.sanitized);
  return proto;
}

std::string ToPageToken(const UnresolvedPosition& position) {
  return absl::WebSafeBase64Escape(absl::StrCat(absl::ToUnixMicros(position.created_at), "/", ToText(position.token)));
}

absl::StatusOr<UnresolvedPosition> FromPageToken(absl::string_view page_token) {
  const absl::Status bad =
      absl::InvalidArgumentError("page_token is not one that this service gave out; begin again without it");
  std::string text;
  if (!absl::WebSafeBase64Unescape(page_token, &text)) return bad;
  const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits(absl::ByAnyChar("/:"), 2));
  int64_t micros = 0;
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &micros)) return bad;
  const absl::StatusOr<chain::Address> address = chain::ParseAddress(parts[1], parts[2]);
  if (!address.ok()) return bad;
  return UnresolvedPosition{absl::FromUnixMicros(micros), {chain::ParseChain(parts[1]), *address}};
}

}  // namespace tokenwatch::resolver
