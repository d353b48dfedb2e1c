// Between protobuf and the domain. Pure; thread-safe.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "resolver/detector.h"
#include "resolver/store.h"
#include "tokenwatch/common/v1/common.pb.h"
#include "tokenwatch/detector/v1/detector.pb.h"
#include "tokenwatch/resolver/v1/resolver.pb.h"

namespace tokenwatch::resolver {

google::protobuf::Timestamp ToTimestamp(absl::Time time);
absl::Time FromTimestamp(const google::protobuf::Timestamp& timestamp);
google::protobuf::Duration ToDuration(absl::Duration duration);

// INVALID_ARGUMENT names the field.
absl::StatusOr<TokenRef> ToTokenRef(const tokenwatch::common::v1::TokenRef& token, absl::string_view field = "token");
tokenwatch::common::v1::TokenRef FromTokenRef(const TokenRef& token);

v1::TokenResolution ToProto(const Resolution& resolution);
v1::Attempt ToProto(const Attempt& attempt);
detector::v1::Resolution ToDetectorResolution(const Completion& completion);

// Opaque page tokens. INVALID_ARGUMENT for one that is not of this service.
std::string ToPageToken(const UnresolvedPosition& position);
absl::StatusOr<UnresolvedPosition> FromPageToken(absl::string_view page_token);

}  // namespace tokenwatch::resolver
