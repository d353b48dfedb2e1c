#include "detector/rpc/service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/rpc/call_info.h"
#include "common/rpc/database_report.h"
#include "common/rpc/responder.h"
#include "common/rpc/run_on_executor.h"
#include "detector/feeds/event_time.h"
#include "detector/quarantine.h"
#include "detector/rpc/convert.h"
#include "detector/rpc/log_sources.h"
#include "grpcpp/impl/codegen/proto_utils.h"

namespace tokenwatch::detector {
namespace {

using common::CallInfo;
using common::RunOnExecutor;

constexpr int kDefaultPage = 100;
constexpr int kMaxPage = 1000;
constexpr int kMaxBatchGet = 500;
constexpr int kMaxBatchGetTrades = 5000;
constexpr int kMaxReportedLaunches = 1000;
constexpr int kMaxReportedTrades = 5000;
constexpr int kMaxResolutions = 1000;
constexpr int kMaxRedecode = 10'000;
constexpr size_t kMaxQueryBytes = 256;

grpc::ServerUnaryReactor* Refuse(grpc::CallbackServerContext* context, const absl::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  common::Responder(reactor).Finish(status);
  return reactor;
}

absl::Status Bad(absl::string_view field, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", why));
}

absl::Status CheckCount(absl::string_view field, int count, int max) {
  if (count >= 1 && count <= max) return absl::OkStatus();
  return Bad(field, absl::StrCat("must have 1 to ", max, " entries"));
}

absl::StatusOr<uint64_t> ParsePageToken(const std::string& token) {
  uint64_t value = 0;
  if (token.empty()) return value;
  if (!absl::SimpleAtoi(token, &value)) return Bad("page_token", "is not one that this service gave");
  return value;
}

// Parses each entry; an error names its place.
template <typename Entries, typename Parse, typename Out>
absl::Status ParseEntries(const Entries& entries, absl::string_view field, Parse parse, Out* out) {
  for (int i = 0; i < entries.size(); ++i) {
    auto parsed = parse(entries[i]);
    if (!parsed.ok()) {
      return absl::Status(parsed.status().code(), absl::StrCat(field, "[", i, "].", parsed.status().message()));
    }
    out->emplace_back(*std::move(parsed));
  }
  return absl::OkStatus();
}

absl::Status AheadOfLog(uint64_t after, uint64_t head) {
  return absl::OutOfRangeError(absl::StrCat("after_cursor: ", after, " is ahead of the log, whose head is ", head));
}

// Reported events must have happened by now.
absl::Status CheckEventTimes(const std::vector<FeedEvent>& events, absl::string_view field, absl::Time now) {
  for (size_t i = 0; i < events.size(); ++i) {
    const auto* launch = std::get_if<LaunchSeen>(&events[i]);
    const auto* trade = std::get_if<Trade>(&events[i]);
    const absl::Time time = launch != nullptr ? launch->event_time : trade->event_time;
    if (IsAheadOfArrival(time, now)) return Bad(absl::StrCat(field, "[", i, "].event_time"), "lies in the future");
  }
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* DetectorServiceImpl::Write(grpc::CallbackServerContext* context, Intake intake,
                                                     std::function<void(const IntakeOutcome&)> fill) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  intake.batch.received_at = parts_.clock.Now();
  intake.batch.arrived_at = absl::Now();
  auto responder = std::make_shared<common::Responder>(reactor);
  const absl::Status submitted = parts_.writer.TrySubmit(
      std::move(intake), [responder, fill = std::move(fill)](absl::StatusOr<IntakeOutcome> outcome) {
        if (outcome.ok()) fill(*outcome);
        responder->Finish(outcome.status());
      });
  if (!submitted.ok()) responder->Finish(submitted);
  return reactor;
}

grpc::ServerWriteReactor<v1::WatchTokensResponse>* DetectorServiceImpl::WatchTokens(
    grpc::CallbackServerContext* context, const v1::WatchTokensRequest* request) {
  using Stream = common::PullStream<v1::WatchTokensResponse>;
  auto filter = FromProto(request->filter());
  if (!filter.ok()) return Stream::Refuse(filter.status());
  if (const uint64_t head = parts_.events.head(); request->after_cursor() > head) {
    return Stream::Refuse(AheadOfLog(request->after_cursor(), head));
  }
  return Stream::Start(context, parts_.streams, parts_.open_streams,
                       std::make_unique<TokenEventSource>(TailPosition{request->after_cursor(), request->until_head()},
                                                          *std::move(filter), parts_.events, parts_.store));
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* DetectorServiceImpl::TailTrades(grpc::CallbackServerContext* context,
                                                                            const grpc::ByteBuffer* raw_request) {
  using Stream = common::PullStream<grpc::ByteBuffer>;
  v1::TailTradesRequest request;
  grpc::ByteBuffer bytes(*raw_request);
  if (const grpc::Status parsed = grpc::SerializationTraits<v1::TailTradesRequest>::Deserialize(&bytes, &request);
      !parsed.ok()) {
    return Stream::Refuse(absl::InvalidArgumentError("the request is no TailTradesRequest"));
  }
  auto filter = FromProto(request.filter());
  if (!filter.ok()) return Stream::Refuse(filter.status());
  if (request.from_head() && request.after_cursor() != 0) {
    return Stream::Refuse(Bad("after_cursor", "must be 0 with from_head"));
  }
  TailPosition position{0, request.until_head()};
  if (request.until_cursor() != 0) {
    if (request.from_head()) return Stream::Refuse(Bad("until_cursor", "must be 0 with from_head"));
    if (request.until_cursor() < request.after_cursor()) {
      return Stream::Refuse(Bad("until_cursor", "is less than after_cursor"));
    }
    position.until = request.until_cursor();
  }
  const uint64_t head = parts_.trades.head();
  const uint64_t after = request.from_head() ? head : request.after_cursor();
  if (after > head) return Stream::Refuse(AheadOfLog(after, head));
  position.after = after;
  return Stream::Start(context, parts_.streams, parts_.open_streams,
                       std::make_unique<TradeSource>(position, *std::move(filter), parts_.trades, parts_.store));
}

grpc::ServerUnaryReactor* DetectorServiceImpl::BatchGetTrades(grpc::CallbackServerContext* context,
                                                              const v1::BatchGetTradesRequest* request,
                                                              v1::BatchGetTradesResponse* response) {
  return RunOnExecutor(parts_.calls, context, [=, this](const CallInfo& info) -> absl::Status {
    if (absl::Status s = CheckCount("cursors", request->cursors_size(), kMaxBatchGetTrades); !s.ok()) return s;
    const std::vector<uint64_t> cursors(request->cursors().begin(), request->cursors().end());
    if (std::adjacent_find(cursors.begin(), cursors.end(), std::greater_equal<>()) != cursors.end()) {
      return Bad("cursors", "must grow");
    }
    return parts_.store.ReadTradesAt(
        cursors, [&](const TradeFields& trade) { ToProto(trade, response->add_trades()); }, info.deadline);
  });
}

grpc::ServerUnaryReactor* DetectorServiceImpl::GetToken(grpc::CallbackServerContext* context,
                                                        const v1::GetTokenRequest* request,
                                                        v1::GetTokenResponse* response) {
  return RunOnExecutor(parts_.calls, context, [=, this](const CallInfo& info) -> absl::Status {
    const auto ref = FromProto(request->token(), "token");
    if (!ref.ok()) return ref.status();
    const auto tokens = parts_.store.GetTokens({&*ref, 1}, info.deadline);
    if (!tokens.ok()) return tokens.status();
    if (tokens->empty()) {
      return absl::NotFoundError(
          absl::StrCat("token ", chain::ChainName(ref->chain), ":", ref->address.text(), " was never seen"));
    }
    ToProto(tokens->front(), response->mutable_token());
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* DetectorServiceImpl::BatchGetTokens(grpc::CallbackServerContext* context,
                                                              const v1::BatchGetTokensRequest* request,
                                                              v1::BatchGetTokensResponse* response) {
  return RunOnExecutor(parts_.calls, context, [=, this](const CallInfo& info) -> absl::Status {
    if (absl::Status s = CheckCount("tokens", request->tokens_size(), kMaxBatchGet); !s.ok()) return s;
    std::vector<chain::TokenRef> refs;
    const auto parse = [](const auto& ref) { return FromProto(ref, ""); };
    if (absl::Status s = ParseEntries(request->tokens(), "tokens", parse, &refs); !s.ok()) return s;
    std::sort(refs.begin(), refs.end());
    refs.erase(std::unique(refs.begin(), refs.end()), refs.end());
    const auto tokens = parts_.store.GetTokens(refs, info.deadline);
    if (!tokens.ok()) return tokens.status();
    for (const Token& token : *tokens) ToProto(token, response->add_tokens());
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* DetectorServiceImpl::ListTokens(grpc::CallbackServerContext* context,
                                                          const v1::ListTokensRequest* request,
                                                          v1::ListTokensResponse* response) {
  return RunOnExecutor(parts_.calls, context, [=, this](const CallInfo& info) -> absl::Status {
    TokenQuery query;
    const auto limit = PageSize(request->page_size(), kDefaultPage, kMaxPage);
    if (!limit.ok()) return limit.status();
    query.limit = *limit;
    if (request->state() != v1::TOKEN_STATE_UNSPECIFIED) {
      if (!v1::TokenState_IsValid(request->state())) return Bad("state", "is unknown");
      query.state = static_cast<TokenState>(request->state());
    }
    if (!request->chain().empty()) {
      query.chain = chain::ParseChain(request->chain());
      if (*query.chain == chain::Chain::kUnknown) return Bad("chain", "is none of solana, ethereum, base, bsc");
    }
    if (!request->creator().empty()) {
      query.creator = chain::Address::ParseSolana(request->creator());
      if (!query.creator.has_value()) query.creator = chain::Address::ParseEvm(request->creator());
      if (!query.creator.has_value()) return Bad("creator", "is no address");
    }
    const auto before = ParsePageToken(request->page_token());
    if (!before.ok()) return before.status();
    query.before = *before;
    const auto tokens = parts_.store.ListTokens(query, info.deadline);
    if (!tokens.ok()) return tokens.status();
    for (const Token& token : *tokens) ToProto(token, response->add_tokens());
    if (static_cast<int>(tokens->size()) == query.limit) {
      response->set_next_page_token(absl::StrCat(tokens->back().first_cursor));
    }
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* DetectorServiceImpl::SearchTokens(grpc::CallbackServerContext* context,
                                                            const v1::SearchTokensRequest* request,
                                                            v1::SearchTokensResponse* response) {
  return RunOnExecutor(parts_.calls, context, [=, this](const CallInfo& info) -> absl::Status {
    SearchQuery query;
    query.text = absl::AsciiStrToLower(request->query());
    if (query.text.empty() || query.text.size() > kMaxQueryBytes) return Bad("query", "must have 1 to 256 bytes");
    if (!request->chain().empty()) {
      query.chain = chain::ParseChain(request->chain());
      if (*query.chain == chain::Chain::kUnknown) return Bad("chain", "is none of solana, ethereum, base, bsc");
    }
    const auto limit = PageSize(request->page_size(), kDefaultPage, kMaxPage);
    if (!limit.ok()) return limit.status();
    query.limit = *limit;
    const auto offset = ParsePageToken(request->page_token());
    if (!offset.ok()) return offset.status();
    if (*offset > 100'000) return Bad("page_token", "goes too far: narrow the query");
    query.offset = static_cast<int>(*offset);
    const auto tokens = parts_.store.SearchTokens(query, info.deadline);
    if (!tokens.ok()) return tokens.status();
    for (const Token& token : *tokens) ToProto(token, response->add_tokens());
    if (static_cast<int>(tokens->size()) == query.limit) {
      response->set_next_page_token(absl::StrCat(*offset + tokens->size()));
    }
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* DetectorServiceImpl::ReportTokens(grpc::CallbackServerContext* context,
                                                            const v1::ReportTokensRequest* request,
                                                            v1::ReportTokensResponse* response) {
  Intake intake;
  const auto feeder = ParseName(request->feeder(), "feeder");
  if (!feeder.ok()) return Refuse(context, feeder.status());
  intake.batch.feed = *feeder;
  if (absl::Status s = CheckCount("launches", request->launches_size(), kMaxReportedLaunches); !s.ok()) {
    return Refuse(context, s);
  }
  const auto parse = [](const v1::LaunchReport& report) { return FromProto(report); };
  if (absl::Status s = ParseEntries(request->launches(), "launches", parse, &intake.batch.events); !s.ok()) {
    return Refuse(context, s);
  }
  if (absl::Status s = CheckEventTimes(intake.batch.events, "launches", parts_.clock.Now()); !s.ok()) {
    return Refuse(context, s);
  }
  return Write(context, std::move(intake), [response](const IntakeOutcome& outcome) {
    response->set_accepted(outcome.accepted);
    response->set_duplicates(outcome.duplicates);
  });
}

grpc::ServerUnaryReactor* DetectorServiceImpl::ReportTrades(grpc::CallbackServerContext* context,
                                                            const v1::ReportTradesRequest* request,
                                                            v1::ReportTradesResponse* response) {
  Intake intake;
  const auto feeder = ParseName(request->feeder(), "feeder");
  if (!feeder.ok()) return Refuse(context, feeder.status());
  intake.batch.feed = *feeder;
  if (absl::Status s = CheckCount("trades", request->trades_size(), kMaxReportedTrades); !s.ok()) {
    return Refuse(context, s);
  }
  const auto parse = [&](const v1::Trade& trade) { return FromProto(trade, *feeder); };
  if (absl::Status s = ParseEntries(request->trades(), "trades", parse, &intake.batch.events); !s.ok()) {
    return Refuse(context, s);
  }
  if (absl::Status s = CheckEventTimes(intake.batch.events, "trades", parts_.clock.Now()); !s.ok()) {
    return Refuse(context, s);
  }
  return Write(context, std::move(intake), [response](const IntakeOutcome& outcome) {
    response->set_accepted(outcome.accepted);
    response->set_duplicates(outcome.duplicates);
    response->set_cursor(outcome.trade_cursor);
  });
}

grpc::ServerUnaryReactor* DetectorServiceImpl::ClaimPendingTokens(grpc::CallbackServerContext* context,
                                                                  const v1::ClaimPendingTokensRequest* request,
                                                                  v1::ClaimPendingTokensResponse* response) {
  return RunOnExecutor(parts_.calls, context, [=, this](const CallInfo& info) -> absl::Status {
    if (request->claimant().empty() || request->claimant().size() > 128) {
      return Bad("claimant", "must have 1 to 128 bytes");
    }
    if (request->limit() < 1 || request->limit() > kMaxPage) return Bad("limit", "must be 1 to 1000");
    const absl::Duration lease =
        absl::Seconds(request->lease().seconds()) + absl::Nanoseconds(request->lease().nanos());
    if (lease < absl::Seconds(1) || lease > absl::Minutes(10)) return Bad("lease", "must be 1 s to 10 min");
    const auto claimed =
        parts_.store.ClaimPending(request->claimant(), request->limit(), parts_.clock.Now(), lease, info.deadline);
    if (!claimed.ok()) return claimed.status();
    for (const ClaimedToken& token : *claimed) {
      v1::ClaimedToken* out = response->add_tokens();
      ToProto(token.token, out->mutable_token());
      out->set_claims(token.claims);
      *out->mutable_lease_until() = ToTimestamp(token.lease_until);
    }
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* DetectorServiceImpl::CompleteResolutions(grpc::CallbackServerContext* context,
                                                                   const v1::CompleteResolutionsRequest* request,
                                                                   v1::CompleteResolutionsResponse* response) {
  Intake intake;
  if (absl::Status s = CheckCount("resolutions", request->resolutions_size(), kMaxResolutions); !s.ok()) {
    return Refuse(context, s);
  }
  const auto parse = [](const v1::Resolution& resolution) { return FromProto(resolution); };
  if (absl::Status s = ParseEntries(request->resolutions(), "resolutions", parse, &intake.resolutions); !s.ok()) {
    return Refuse(context, s);
  }
  return Write(context, std::move(intake), [response](const IntakeOutcome& outcome) {
    response->set_named(outcome.named);
    response->set_returned(outcome.returned);
    response->set_already_named(outcome.already_named);
    response->set_unknown(outcome.unknown);
  });
}

grpc::ServerUnaryReactor* DetectorServiceImpl::RegisterConsumer(grpc::CallbackServerContext* context,
                                                                const v1::RegisterConsumerRequest* request,
                                                                v1::RegisterConsumerResponse* response) {
  return RunOnExecutor(parts_.calls, context, [=, this](const CallInfo& info) -> absl::Status {
    if (const auto name = ParseName(request->name(), "name"); !name.ok()) return name.status();
    if (request->cursor() > parts_.trades.head()) return Bad("cursor", "is ahead of the log");
    const auto consumer =
        parts_.store.SaveConsumer(request->name(), request->cursor(), parts_.clock.Now(), info.deadline);
    if (!consumer.ok()) return consumer.status();
    ToProto(*consumer, response->mutable_consumer());
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* DetectorServiceImpl::ListConsumers(grpc::CallbackServerContext* context,
                                                             const v1::ListConsumersRequest* request,
                                                             v1::ListConsumersResponse* response) {
  return RunOnExecutor(parts_.calls, context, [=, this](const CallInfo& info) -> absl::Status {
    const auto limit = PageSize(request->page_size(), kDefaultPage, kMaxPage);
    if (!limit.ok()) return limit.status();
    const auto consumers = parts_.store.ListConsumers(request->page_token(), *limit, info.deadline);
    if (!consumers.ok()) return consumers.status();
    for (const Consumer& consumer : *consumers) ToProto(consumer, response->add_consumers());
    if (static_cast<int>(consumers->size()) == *limit) response->set_next_page_token(consumers->back().name);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* DetectorServiceImpl::DeleteConsumer(grpc::CallbackServerContext* context,
                                                              const v1::DeleteConsumerRequest* request,
                                                              v1::DeleteConsumerResponse*) {
  return RunOnExecutor(parts_.calls, context, [=, this](const CallInfo& info) {
    return parts_.store.DeleteConsumer(request->name(), info.deadline);
  });
}

grpc::ServerUnaryReactor* DetectorServiceImpl::ListQuarantined(grpc::CallbackServerContext* context,
                                                               const v1::ListQuarantinedRequest* request,
                                                               v1::ListQuarantinedResponse* response) {
  return RunOnExecutor(parts_.calls, context, [=, this](const CallInfo& info) -> absl::Status {
    const auto limit = PageSize(request->page_size(), kDefaultPage, kMaxPage);
    if (!limit.ok()) return limit.status();
    const auto before = ParsePageToken(request->page_token());
    if (!before.ok()) return before.status();
    const auto frames = parts_.store.ListQuarantine(request->feed(), request->reason(), *before, *limit, info.deadline);
    if (!frames.ok()) return frames.status();
    for (const QuarantinedFrame& frame : *frames) ToProto(frame, response->add_frames());
    if (static_cast<int>(frames->size()) == *limit) response->set_next_page_token(absl::StrCat(frames->back().id));
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* DetectorServiceImpl::RedecodeQuarantined(grpc::CallbackServerContext* context,
                                                                   const v1::RedecodeQuarantinedRequest* request,
                                                                   v1::RedecodeQuarantinedResponse* response) {
  return RunOnExecutor(parts_.calls, context, [=, this](const CallInfo& info) -> absl::Status {
    if (request->ids_size() > kMaxPage) return Bad("ids", "has more than 1000 entries");
    const auto limit = PageSize(request->limit(), kMaxPage, kMaxRedecode);
    if (!limit.ok()) return Bad("limit", "must be 1 to 10000");
    const std::vector<uint64_t> ids(request->ids().begin(), request->ids().end());
    const auto redecoded = Redecode(parts_.store, parts_.writer, ids, request->reason(), *limit, info.deadline);
    if (!redecoded.ok()) return redecoded.status();
    response->set_examined(redecoded->examined);
    response->set_decoded(redecoded->decoded);
    response->set_events(redecoded->events);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* DetectorServiceImpl::GetStatus(grpc::CallbackServerContext* context,
                                                         const v1::GetStatusRequest*, v1::GetStatusResponse* response) {
  return RunOnExecutor(parts_.calls, context, [=, this](const CallInfo& info) -> absl::Status {
    const auto totals = parts_.store.ReadTotals(info.deadline);
    if (!totals.ok()) return totals.status();
    response->set_token_cursor(totals->heads.token_cursor);
    response->set_trade_cursor(totals->heads.trade_cursor);
    response->set_detected_tokens(totals->detected);
    response->set_pending_tokens(totals->pending);
    response->set_migrated_tokens(totals->migrated);
    response->set_quarantined_frames(totals->quarantined);
    for (const auto& [source, tokens] : totals->named_by_source) {
      v1::NameSourceCount* count = response->add_named_by_source();
      count->set_source(source);
      count->set_tokens(tokens);
    }
    for (const FeedReport& report : parts_.board.Report()) ToProto(report, response->add_feeds());
    ToProto(parts_.metrics.launch_latency().Summarize(), response->mutable_launch_latency());
    ToProto(parts_.metrics.trade_latency().Summarize(), response->mutable_trade_latency());
    response->set_is_leader(parts_.writer.leads());
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* DetectorServiceImpl::Diagnose(grpc::CallbackServerContext* context,
                                                        const v1::DiagnoseRequest*, v1::DiagnoseResponse* response) {
  return RunOnExecutor(parts_.calls, context, [=, this](const CallInfo& info) -> absl::Status {
    const auto state = parts_.store.Diagnose(info.deadline);
    if (!state.ok()) return state.status();
    common::ToProto(*state, response->mutable_database());
    return absl::OkStatus();
  });
}

}  // namespace tokenwatch::detector
