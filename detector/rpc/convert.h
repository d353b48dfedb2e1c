// Protobuf to domain and back. Functions from protobuf check everything that came from outside: INVALID_ARGUMENT names
// the field.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "detector/feed_event.h"
#include "detector/log/feed_board.h"
#include "detector/metrics.h"
#include "detector/store.h"
#include "detector/token.h"
#include "detector/trade.h"
#include "tokenwatch/detector/v1/detector.pb.h"

namespace tokenwatch::detector {

namespace pb = ::tokenwatch::detector::v1;

void ToProto(const Token& token, pb::Token* out);
void ToProto(const TokenEvent& event, pb::TokenEvent* out);
void ToProto(const Trade& trade, pb::Trade* out);
void ToProto(const TradeFields& trade, pb::Trade* out);
void ToProto(const QuarantinedFrame& frame, pb::QuarantinedFrame* out);
void ToProto(const Consumer& consumer, pb::Consumer* out);
void ToProto(const FeedReport& report, pb::FeedStatus* out);
void ToProto(const LatencySummary& summary, pb::LatencySummary* out);
google::protobuf::Timestamp ToTimestamp(absl::Time time);

// `field` is where the caller has put it, such as "token", or empty: the message of an error begins with the path of
// what is wrong, as "token.address".
absl::StatusOr<chain::TokenRef> FromProto(const ::tokenwatch::common::v1::TokenRef& ref, absl::string_view field);
absl::StatusOr<TokenFilter> FromProto(const pb::TokenFilter& filter);
absl::StatusOr<TradeFilter> FromProto(const pb::TradeFilter& filter);
absl::StatusOr<LaunchSeen> FromProto(const pb::LaunchReport& report);
// A trade of a report, without cursor.
absl::StatusOr<Trade> FromProto(const pb::Trade& trade, const Word& feeder);
absl::StatusOr<Resolution> FromProto(const pb::Resolution& resolution);
// A feeder's or consumer's name: 1 to 23 of a-z, 0-9, '-' and '_', beginning with a letter.
absl::StatusOr<Word> ParseName(absl::string_view text, absl::string_view field);

// `value`, or `by_default` when it is 0. INVALID_ARGUMENT when it is out of [1, max].
absl::StatusOr<int> PageSize(int value, int by_default, int max);

}  // namespace tokenwatch::detector
