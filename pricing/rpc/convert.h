// Protobuf to domain and back. What comes from outside is checked: INVALID_ARGUMENT names the field. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "chain/address.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/repeated_field.h"
#include "google/protobuf/timestamp.pb.h"
#include "pricing/candles/candle.h"
#include "pricing/fold/series.h"
#include "pricing/oracle/oracle.h"
#include "pricing/price.h"
#include "pricing/price_request.h"
#include "pricing/reads/markets.h"
#include "pricing/service_state.h"
#include "pricing/store.h"
#include "tokenwatch/common/v1/common.pb.h"
#include "tokenwatch/pricing/v1/pricing.pb.h"

namespace tokenwatch::pricing {

namespace pb = ::tokenwatch::pricing::v1;

absl::Status Bad(absl::string_view field, absl::string_view why);

google::protobuf::Timestamp ToTimestamp(absl::Time time);
google::protobuf::Duration ToDuration(absl::Duration duration);

void ToProto(const chain::TokenRef& token, ::tokenwatch::common::v1::TokenRef* out);
// Ages count to `as_of`.
void ToProto(const Price& price, absl::Time as_of, pb::Price* out);
void ToProto(const SourceReport& report, pb::PriceSource* out);
void ToProto(const Reference& reference, pb::ReferencePrice* out);
void ToProto(const Ratio& ratio, pb::Ratio* out);
// Derived prices are absent when decimals are not known. A candle is open when it ends after `newest_event`.
struct CandleContext {
  Interval interval = Interval::k1m;
  std::optional<int> token_decimals;
  std::optional<int> quote_decimals;
  absl::Time newest_event;
};
void ToProto(const Candle& candle, const CandleContext& context, pb::Candle* out);
void ToProto(const PriceRequest& request, absl::Time now, pb::PriceRequest* out);
void ToProto(const ProviderState& provider, absl::Time now, pb::ProviderStatus* out);
// Totals and positions; providers, references and requests are the caller's.
void ToProto(const ServiceState& state, pb::GetStatusResponse* out);
void ToProto(const Market& market, absl::Time now, pb::Market* out);
// Derived prices are absent when either decimals are not known.
void ToProto(const Series& series, std::optional<int> token_decimals, std::optional<int> quote_decimals,
             pb::TradingHistory* out);
void ToProto(const DatabaseState& state, ::tokenwatch::common::v1::DatabaseReport* out);

// `field` is where in the request it stands.
absl::StatusOr<chain::TokenRef> FromProto(const ::tokenwatch::common::v1::TokenRef& ref, absl::string_view field);
absl::StatusOr<std::vector<chain::TokenRef>> FromProto(
    const google::protobuf::RepeatedPtrField<::tokenwatch::common::v1::TokenRef>& refs, absl::string_view field,
    int min_count, int max_count);
absl::StatusOr<absl::Time> FromProto(const google::protobuf::Timestamp& time, absl::string_view field);
absl::StatusOr<absl::Duration> FromProto(const google::protobuf::Duration& duration, absl::string_view field);
absl::StatusOr<Interval> FromProto(pb::CandleInterval interval, absl::string_view field);
// Empty stays empty.
absl::StatusOr<chain::Address> QuoteAddress(chain::Chain on, absl::string_view text, absl::string_view field);
// `value`, or `by_default` when it is 0.
absl::StatusOr<int> PageSize(int value, int by_default, int max);
absl::StatusOr<int> MinSources(int value);

// Opaque page tokens; INVALID_ARGUMENT for one that this service did not give.
std::string ToPageToken(absl::string_view kind, int64_t a, absl::string_view b);
absl::StatusOr<std::pair<int64_t, std::string>> FromPageToken(absl::string_view kind, absl::string_view page_token);

}  // namespace tokenwatch::pricing
