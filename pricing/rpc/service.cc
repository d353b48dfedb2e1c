#include "pricing/rpc/service.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/rpc/run_on_executor.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "pricing/rpc/batch_prices.h"
#include "pricing/rpc/convert.h"
#include "pricing/rpc/list_candles.h"
#include "pricing/rpc/list_hot_tokens.h"

namespace tokenwatch::pricing {
namespace {

constexpr int kMaxStreamedTokens = 1000;
constexpr int kMaxRefreshedTokens = 100;
constexpr int kDefaultPage = 100;
constexpr int kMaxPage = 1000;
constexpr size_t kMaxRequestIdBytes = 64;
constexpr absl::Duration kDefaultLifetime = absl::Hours(24);
constexpr absl::Duration kMaxLifetime = absl::Hours(7 * 24);
constexpr size_t kRememberedTokens = 10'000;
// Of calls that brought no deadline of their own.
constexpr absl::Duration kLongestCall = absl::Seconds(30);
constexpr char kRequestPageKind[] = "requests";

absl::StatusOr<FindPolicy> ToPolicy(v1::PricePolicy policy) {
  if (policy == v1::PRICE_POLICY_UNSPECIFIED) return FindPolicy::kFirstGood;
  if (!v1::PricePolicy_IsValid(policy)) return Bad("policy", "must be FIRST_GOOD, AGGREGATE or LOG_ONLY");
  return static_cast<FindPolicy>(policy);
}

absl::StatusOr<PriceQuestion> ToQuestion(const v1::GetPriceRequest& request, absl::Time now) {
  PriceQuestion question;
  const auto token = FromProto(request.token(), "token");
  if (!token.ok()) return token.status();
  question.token = *token;
  const auto policy = ToPolicy(request.policy());
  if (!policy.ok()) return policy.status();
  question.policy = *policy;
  const auto min_sources = MinSources(request.min_sources());
  if (!min_sources.ok()) return min_sources.status();
  question.min_sources = *min_sources;
  const auto quote = QuoteAddress(token->chain, request.quote_address(), "quote_address");
  if (!quote.ok()) return quote.status();
  question.quote = *quote;
  if (request.has_max_age()) {
    const auto max_age = FromProto(request.max_age(), "max_age");
    if (!max_age.ok()) return max_age.status();
    if (*max_age <= absl::ZeroDuration()) return Bad("max_age", "must be more than zero");
    question.max_age = *max_age;
  }
  if (question.policy == FindPolicy::kAggregate && !question.quote.empty()) {
    return Bad("quote_address", "cannot be asked for with AGGREGATE: oracles tell USD only");
  }
  if (!request.has_at()) return question;
  const auto at = FromProto(request.at(), "at");
  if (!at.ok()) return at.status();
  if (*at > now) return Bad("at", "lies in the future: what came before it is not known yet");
  if (question.policy == FindPolicy::kAggregate)
    return Bad("at", "cannot be asked for with AGGREGATE: oracles know no past");
  question.at = *at;
  return question;
}

// A deadline for what a call causes.
absl::Time DeadlineOf(const grpc::ServerContextBase& context, absl::Time now) {
  return std::min(common::CallInfoOf(context).deadline, now + kLongestCall);
}

absl::StatusOr<PriceRequest> ToRequest(const v1::RequestPriceRequest& request, absl::Time now) {
  PriceRequest wish;
  wish.request_id = request.request_id();
  const bool printable = std::all_of(wish.request_id.begin(), wish.request_id.end(),
                                     [](char c) { return absl::ascii_isprint(static_cast<unsigned char>(c)); });
  if (wish.request_id.empty() || wish.request_id.size() > kMaxRequestIdBytes || !printable) {
    return Bad("request_id", absl::StrCat("must have 1 to ", kMaxRequestIdBytes, " printable characters"));
  }
  const auto token = FromProto(request.token(), "token");
  if (!token.ok()) return token.status();
  wish.token = *token;
  absl::Duration lifetime = kDefaultLifetime;
  if (request.has_lifetime()) {
    const auto given = FromProto(request.lifetime(), "lifetime");
    if (!given.ok()) return given.status();
    if (*given < absl::Seconds(1) || *given > kMaxLifetime) return Bad("lifetime", "must be 1 s to 7 days");
    lifetime = *given;
  }
  wish.state = RequestState::kWaiting;
  // The database keeps microseconds.
  wish.created_at = absl::FromUnixMicros(absl::ToUnixMicros(now));
  wish.expires_at = wish.created_at + lifetime;
  wish.next_attempt_at = wish.created_at;
  return wish;
}

}  // namespace

PricingServiceImpl::PricingServiceImpl(const Parts& parts)
    : parts_(parts),
      minutes_(parts.hot, parts.store),
      series_(parts.hot, parts.store, parts.detector, parts.parked),
      candles_({}, minutes_, series_, parts.detector),
      history_({}, minutes_, series_, parts.detector),
      hot_list_({}, parts.hot, parts.clock),
      memory_(kRememberedTokens),
      finder_({parts.view, series_, history_, parts.oracle, memory_, parts.clock}) {}

grpc::ServerUnaryReactor* PricingServiceImpl::Run(grpc::CallbackServerContext* context,
                                                  std::function<absl::Status(absl::Time)> work) const {
  return common::RunOnExecutor(parts_.calls, context, [this, work = std::move(work)](const common::CallInfo& info) {
    return work(std::min(info.deadline, parts_.clock.Now() + kLongestCall));
  });
}

grpc::ServerUnaryReactor* PricingServiceImpl::GetPrice(grpc::CallbackServerContext* context,
                                                       const v1::GetPriceRequest* request,
                                                       v1::GetPriceResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  auto responder = std::make_shared<common::Responder>(reactor);
  const absl::Time now = parts_.clock.Now();
  auto question = ToQuestion(*request, now);
  if (!question.ok()) {
    responder->Finish(question.status());
    return reactor;
  }
  if (const auto price = finder_.FindInMemory(*question)) {
    parts_.metrics.from_memory.Increment();
    ToProto(*price, now, response->mutable_price());
    responder->Finish(absl::OkStatus());
    return reactor;
  }
  parts_.metrics.from_behind.Increment();
  const absl::Time deadline = DeadlineOf(*context, now);
  const bool accepted = parts_.calls.TrySubmit([this, responder, response, question = *question, deadline] {
    finder_.Find(question, deadline, [this, responder, response, at = question.at](absl::StatusOr<Price> price) {
      if (price.ok()) ToProto(*price, at.value_or(parts_.clock.Now()), response->mutable_price());
      responder->Finish(price.status());
    });
  });
  if (!accepted) responder->Finish(absl::ResourceExhaustedError("too many calls are waiting: retry later"));
  return reactor;
}

grpc::ServerUnaryReactor* PricingServiceImpl::BatchGetPrices(grpc::CallbackServerContext* context,
                                                             const grpc::ByteBuffer* request,
                                                             grpc::ByteBuffer* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  common::Responder responder(reactor);
  const auto counts = BatchPrices(*request, parts_.hot, parts_.view, parts_.clock.Now(), response);
  if (counts.ok()) {
    parts_.metrics.batch_prices.Increment(static_cast<double>(counts->prices));
    parts_.metrics.batch_missing.Increment(static_cast<double>(counts->missing));
  }
  responder.Finish(counts.status());
  return reactor;
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* PricingServiceImpl::StreamPrices(grpc::CallbackServerContext* context,
                                                                             const grpc::ByteBuffer* raw_request) {
  using Stream = common::PullStream<grpc::ByteBuffer>;
  v1::StreamPricesRequest request;
  grpc::ByteBuffer bytes(*raw_request);
  if (!grpc::SerializationTraits<v1::StreamPricesRequest>::Deserialize(&bytes, &request).ok()) {
    return Stream::Refuse(absl::InvalidArgumentError("the request is no StreamPricesRequest"));
  }
  auto tokens = FromProto(request.tokens(), "tokens", 0, kMaxStreamedTokens);
  if (!tokens.ok()) return Stream::Refuse(tokens.status());
  return Stream::Start(context, parts_.streams, parts_.price_streams,
                       parts_.hub.Open(*std::move(tokens), request.with_present()));
}

grpc::ServerUnaryReactor* PricingServiceImpl::ListCandles(grpc::CallbackServerContext* context,
                                                          const v1::ListCandlesRequest* request,
                                                          v1::ListCandlesResponse* response) {
  return Run(context, [=, this](absl::Time deadline) {
    return pricing::ListCandles(*request, series_, candles_, parts_.view, parts_.state.state().position.newest_event,
                                deadline, response);
  });
}

grpc::ServerUnaryReactor* PricingServiceImpl::GetMarkets(grpc::CallbackServerContext* context,
                                                         const v1::GetMarketsRequest* request,
                                                         v1::GetMarketsResponse* response) {
  return Run(context, [=, this](absl::Time deadline) -> absl::Status {
    const auto token = FromProto(request->token(), "token");
    if (!token.ok()) return token.status();
    const absl::Time now = parts_.clock.Now();
    const auto found = MarketsOf(*token, series_, parts_.view, memory_, now, deadline);
    if (!found.ok()) return found.status();
    for (const Market& market : found->markets) ToProto(market, now, response->add_markets());
    for (const Series& series : found->series) {
      ToProto(series, parts_.view.DecimalsOf(*token, FixedDecimals(series)),
              parts_.view.DecimalsOf({token->chain, series.key.quote}), response->add_histories());
    }
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* PricingServiceImpl::RefreshMarkets(grpc::CallbackServerContext* context,
                                                             const v1::RefreshMarketsRequest* request,
                                                             v1::RefreshMarketsResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  auto responder = std::make_shared<common::Responder>(reactor);
  const auto refuse = [&](const absl::Status& status) {
    responder->Finish(status);
    return reactor;
  };
  auto tokens = FromProto(request->tokens(), "tokens", 1, kMaxRefreshedTokens);
  if (!tokens.ok()) return refuse(tokens.status());
  const auto policy = ToPolicy(request->policy());
  if (!policy.ok()) return refuse(policy.status());
  if (*policy == FindPolicy::kLogOnly)
    return refuse(Bad("policy", "must be FIRST_GOOD or AGGREGATE: the log is not asked"));
  const auto min_sources = MinSources(request->min_sources());
  if (!min_sources.ok()) return refuse(min_sources.status());
  OracleQuestion question;
  question.policy = *policy == FindPolicy::kAggregate ? Policy::kAggregate : Policy::kFirstGood;
  question.min_sources = *min_sources;
  question.deadline = DeadlineOf(*context, parts_.clock.Now());
  question.refresh = true;
  std::vector<OracleQuestion> questions(tokens->size(), question);
  for (size_t i = 0; i < questions.size(); ++i) questions[i].token = (*tokens)[i];
  parts_.oracle.AskMany(questions, [this, responder, response, tokens = *tokens](std::vector<OracleAnswer> answers) {
    const absl::Time now = parts_.clock.Now();
    for (size_t i = 0; i < answers.size() && i < tokens.size(); ++i) {
      v1::RefreshedToken* out = response->add_tokens();
      ToProto(tokens[i], out->mutable_token());
      memory_.Remember(tokens[i], answers[i].sources);
      if (const auto price = parts_.view.Make(tokens[i], answers[i], now)) {
        ToProto(*price, now, out->mutable_price());
      } else {
        for (const SourceReport& report : answers[i].sources) ToProto(report, out->add_sources());
      }
    }
    responder->Finish(absl::OkStatus());
  });
  return reactor;
}

grpc::ServerUnaryReactor* PricingServiceImpl::WatchToken(grpc::CallbackServerContext* context,
                                                         const v1::WatchTokenRequest* request,
                                                         v1::WatchTokenResponse* response) {
  return Run(context, [=, this](absl::Time deadline) -> absl::Status {
    const auto token = FromProto(request->token(), "token");
    if (!token.ok()) return token.status();
    const auto added = parts_.store.Watch(*token, parts_.clock.Now(), deadline);
    if (!added.ok()) return added.status();
    parts_.set_watched(*token, true);
    response->set_added(*added);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* PricingServiceImpl::UnwatchToken(grpc::CallbackServerContext* context,
                                                           const v1::UnwatchTokenRequest* request,
                                                           v1::UnwatchTokenResponse* response) {
  return Run(context, [=, this](absl::Time deadline) -> absl::Status {
    const auto token = FromProto(request->token(), "token");
    if (!token.ok()) return token.status();
    const auto removed = parts_.store.Unwatch(*token, deadline);
    if (!removed.ok()) return removed.status();
    parts_.set_watched(*token, false);
    response->set_removed(*removed);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* PricingServiceImpl::ListHotTokens(grpc::CallbackServerContext* context,
                                                            const v1::ListHotTokensRequest* request,
                                                            v1::ListHotTokensResponse* response) {
  return Run(context, [=, this](absl::Time) {
    return pricing::ListHotTokens(*request, parts_.hot, parts_.view, hot_list_, parts_.state.state().position,
                                  parts_.clock.Now(), response);
  });
}

grpc::ServerWriteReactor<v1::RequestPriceResponse>* PricingServiceImpl::RequestPrice(
    grpc::CallbackServerContext* context, const v1::RequestPriceRequest* request) {
  using Stream = common::PullStream<v1::RequestPriceResponse>;
  auto wish = ToRequest(*request, parts_.clock.Now());
  if (!wish.ok()) return Stream::Refuse(wish.status());
  return Stream::Start(context, parts_.calls, parts_.request_streams, parts_.requests.Open(*std::move(wish)));
}

grpc::ServerUnaryReactor* PricingServiceImpl::ListPriceRequests(grpc::CallbackServerContext* context,
                                                                const v1::ListPriceRequestsRequest* request,
                                                                v1::ListPriceRequestsResponse* response) {
  return Run(context, [=, this](absl::Time deadline) -> absl::Status {
    std::optional<RequestState> state;
    if (request->state() != v1::PRICE_REQUEST_STATE_UNSPECIFIED) {
      if (!v1::PriceRequestState_IsValid(request->state())) return Bad("state", "is unknown");
      state = static_cast<RequestState>(request->state());
    }
    const auto limit = PageSize(request->page_size(), kDefaultPage, kMaxPage);
    if (!limit.ok()) return limit.status();
    std::optional<std::pair<absl::Time, std::string>> after;
    if (!request->page_token().empty()) {
      auto position = FromPageToken(kRequestPageKind, request->page_token());
      if (!position.ok()) return position.status();
      after.emplace(absl::FromUnixMicros(position->first), std::move(position->second));
    }
    const auto page = parts_.store.ListRequests(state, after, *limit, deadline);
    if (!page.ok()) return page.status();
    const absl::Time now = parts_.clock.Now();
    for (const PriceRequest& each : page->requests) ToProto(each, now, response->add_requests());
    if (page->next.has_value()) {
      response->set_next_page_token(
          ToPageToken(kRequestPageKind, absl::ToUnixMicros(page->next->first), page->next->second));
    }
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* PricingServiceImpl::GetStatus(grpc::CallbackServerContext* context,
                                                        const v1::GetStatusRequest*, v1::GetStatusResponse* response) {
  return Run(context, [=, this](absl::Time deadline) -> absl::Status {
    const auto waiting = parts_.store.CountWaiting(deadline);
    if (!waiting.ok()) return waiting.status();
    response->set_waiting_requests(*waiting);
    ToProto(parts_.state.state(), response);
    const absl::Time now = parts_.clock.Now();
    for (const ProviderState& provider : parts_.oracle.providers()) ToProto(provider, now, response->add_providers());
    for (const Reference& reference : parts_.references.Newest()) ToProto(reference, response->add_references());
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* PricingServiceImpl::Diagnose(grpc::CallbackServerContext* context, const v1::DiagnoseRequest*,
                                                       v1::DiagnoseResponse* response) {
  return Run(context, [=, this](absl::Time deadline) -> absl::Status {
    const auto state = parts_.store.Diagnose(deadline);
    if (!state.ok()) return state.status();
    ToProto(*state, response->mutable_database());
    return absl::OkStatus();
  });
}

}  // namespace tokenwatch::pricing
