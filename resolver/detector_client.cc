#include "resolver/detector_client.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/rpc/client_call.h"
#include "common/rpc/status.h"
#include "resolver/convert.h"

namespace tokenwatch::resolver {
namespace {

namespace pb = detector::v1;

TokenSeen ToTokenSeen(const pb::TokenEvent& event, const TokenRef& token) {
  TokenSeen seen;
  seen.token = token;
  seen.pending = event.token().state() == pb::TOKEN_STATE_PENDING;
  seen.named_at_launch = !seen.pending && event.token().name_source() == "launch";
  seen.name = event.token().name();
  seen.symbol = event.token().symbol();
  seen.uri = event.token().uri();
  if (event.token().has_decimals()) seen.decimals = event.token().decimals();
  seen.name_sanitized = event.token().name_sanitized();
  seen.event_time = FromTimestamp(event.event_time());
  return seen;
}

}  // namespace

DetectorClient::DetectorClient(std::shared_ptr<grpc::Channel> channel, absl::Duration timeout)
    : stub_(pb::DetectorService::NewStub(std::move(channel))), timeout_(timeout) {}

absl::StatusOr<std::vector<ClaimedToken>> DetectorClient::Claim(const std::string& claimant, int limit,
                                                                absl::Duration lease, const std::stop_token& stop) {
  pb::ClaimPendingTokensRequest request;
  request.set_claimant(claimant);
  request.set_limit(limit);
  *request.mutable_lease() = ToDuration(lease);
  pb::ClaimPendingTokensResponse response;
  // Not repeated here: a claim whose answer was lost holds its tokens until the lease ends.
  common::ClientCallOptions options{.timeout = timeout_};
  options.stop = stop;
  const absl::Status status = common::CallUnary({}, options, [&](grpc::ClientContext& context) {
    return stub_->ClaimPendingTokens(&context, request, &response);
  });
  if (!status.ok()) return status;
  std::vector<ClaimedToken> claimed;
  for (const pb::ClaimedToken& one : response.tokens()) {
    const absl::StatusOr<TokenRef> token = ToTokenRef(one.token().token());
    // A chain that this program is too old to know: the lease runs out, and a newer replica takes it.
    if (!token.ok()) continue;
    ClaimedToken& entry = claimed.emplace_back(ClaimedToken{*token, one.token().uri(), {}});
    if (one.token().has_decimals()) entry.decimals = one.token().decimals();
  }
  return claimed;
}

absl::Status DetectorClient::Complete(const std::string& claimant, absl::Span<const Completion> completions,
                                      const std::stop_token& stop) {
  pb::CompleteResolutionsRequest request;
  request.set_claimant(claimant);
  for (const Completion& completion : completions) *request.add_resolutions() = ToDetectorResolution(completion);
  pb::CompleteResolutionsResponse response;
  common::ClientCallOptions options{.timeout = timeout_, .idempotent = true};
  options.stop = stop;
  return common::CallUnary({}, options, [&](grpc::ClientContext& context) {
    return stub_->CompleteResolutions(&context, request, &response);
  });
}

absl::Status DetectorClient::Follow(uint64_t cursor, const std::function<absl::Status(const TokenLogBatch&)>& handle,
                                    const std::stop_token& stop) {
  pb::WatchTokensRequest request;
  request.set_after_cursor(cursor);
  for (const pb::TokenEventKind kind :
       {pb::TOKEN_EVENT_KIND_LAUNCHED, pb::TOKEN_EVENT_KIND_DISCOVERED, pb::TOKEN_EVENT_KIND_NAMED}) {
    request.mutable_filter()->add_kinds(kind);
  }
  // Without a deadline: the stream is quiet while nothing is launched, and keep-alive notices a dead peer.
  grpc::ClientContext context;
  const std::stop_callback cancel(stop, [&] { context.TryCancel(); });
  const std::unique_ptr<grpc::ClientReader<pb::WatchTokensResponse>> reader = stub_->WatchTokens(&context, request);
  pb::WatchTokensResponse response;
  absl::Status handled;
  while (handled.ok() && reader->Read(&response)) {
    TokenLogBatch batch;
    batch.cursor = response.cursor();
    for (const pb::TokenEvent& event : response.events()) {
      const absl::StatusOr<TokenRef> token = ToTokenRef(event.token().token());
      if (token.ok()) batch.tokens.push_back(ToTokenSeen(event, *token));
    }
    handled = handle(batch);
  }
  if (!handled.ok()) context.TryCancel();
  const absl::Status ended = common::FromGrpc(reader->Finish());
  return handled.ok() ? ended : handled;
}

}  // namespace tokenwatch::resolver
