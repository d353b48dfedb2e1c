#include "resolver/service.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/rpc/database_report.h"
#include "common/rpc/responder.h"
#include "common/rpc/run_on_executor.h"
#include "resolver/convert.h"

namespace tokenwatch::resolver {
namespace {

constexpr int kMaxBatch = 500;
constexpr int kMaxPage = 1000;
constexpr int kDefaultPage = 100;
constexpr int kMaxAttemptsShown = 100;
constexpr size_t kMaxRequestIdBytes = 128;
constexpr size_t kRememberedRetries = 1024;

absl::Status StatusOf(const Finished& finished) {
  const Resolution& resolution = finished.resolution;
  if (resolution.state == State::kResolved) return absl::OkStatus();
  const std::string text = absl::StrCat(ToText(resolution.token), " has no name yet: ", resolution.reason);
  return finished.verdict == Verdict::kNotFound ? absl::NotFoundError(text) : absl::UnavailableError(text);
}

absl::StatusOr<std::vector<TokenRef>> ToTokens(
    const google::protobuf::RepeatedPtrField<tokenwatch::common::v1::TokenRef>& from) {
  if (from.empty() || from.size() > kMaxBatch) {
    return absl::InvalidArgumentError(
        absl::StrCat("tokens has ", from.size(), " entries; allowed are 1 to ", kMaxBatch));
  }
  std::vector<TokenRef> tokens;
  for (int i = 0; i < from.size(); ++i) {
    const absl::StatusOr<TokenRef> token = ToTokenRef(from[i], absl::StrCat("tokens[", i, "]"));
    if (!token.ok()) return token.status();
    tokens.push_back(*token);
  }
  return tokens;
}

absl::Time Bounded(absl::Time deadline, absl::Time now) { return std::min(deadline, now + absl::Seconds(30)); }

}  // namespace

// One call that waits for its tokens. Answers when the last has been told.
class ResolverServiceImpl::Gathering {
 public:
  using Finish = std::function<absl::Status(std::vector<Resolution>, std::vector<absl::Status>)>;

  Gathering(common::Responder responder, size_t tokens, Finish finish, std::function<void()> gone)
      : responder_(std::move(responder)), finish_(std::move(finish)), gone_(std::move(gone)), left_(tokens) {
    resolutions_.resize(tokens);
    statuses_.resize(tokens);
  }
  ~Gathering() { gone_(); }

  void Tell(size_t index, const Resolution& resolution, absl::Status status) {
    common::MutexLock lock(mutex_);
    resolutions_[index] = resolution;
    statuses_[index] = std::move(status);
    if (--left_ == 0) responder_.Finish(finish_(std::move(resolutions_), std::move(statuses_)));
  }

  // Ends the call at once; what is told afterwards is not heard.
  void Fail(const absl::Status& status) {
    common::MutexLock lock(mutex_);
    responder_.Finish(status);
  }

 private:
  common::Mutex mutex_;
  common::Responder responder_ TW_GUARDED_BY(mutex_);
  const Finish finish_;
  const std::function<void()> gone_;
  size_t left_ TW_GUARDED_BY(mutex_);
  std::vector<Resolution> resolutions_ TW_GUARDED_BY(mutex_);
  std::vector<absl::Status> statuses_ TW_GUARDED_BY(mutex_);
};

ResolverServiceImpl::ResolverServiceImpl(Store& store, Cascade& cascade, ClaimLoop& claims, common::Executor& executor,
                                         const Config& config, WorkMetrics& metrics, common::Clock& clock)
    : store_(store),
      cascade_(cascade),
      claims_(claims),
      executor_(executor),
      config_(config),
      metrics_(metrics),
      clock_(clock) {}

grpc::ServerUnaryReactor* ResolverServiceImpl::StartGathering(grpc::CallbackServerContext* context,
                                                              std::vector<TokenRef> tokens, bool refresh,
                                                              Gathering::Finish finish) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  common::Responder responder(reactor);
  if (waiting_.fetch_add(1) >= config_.resolve_waiters) {
    --waiting_;
    metrics_.waiters_refused.Increment();
    responder.Finish(absl::ResourceExhaustedError(
        absl::StrCat("resolver: ", config_.resolve_waiters, " calls wait for their tokens already; try again later")));
    return reactor;
  }
  metrics_.waiters.Increment();
  const absl::Time deadline = Bounded(common::CallInfoOf(*context).deadline, clock_.Now());
  auto gathering = std::make_shared<Gathering>(std::move(responder), tokens.size(), std::move(finish), [this] {
    --waiting_;
    metrics_.waiters.Decrement();
  });
  const bool accepted = executor_.TrySubmit([this, gathering, tokens = std::move(tokens), refresh, deadline] {
    ResolveAll(gathering, tokens, refresh, deadline);
  });
  if (!accepted) gathering->Fail(absl::ResourceExhaustedError("resolver: too many calls; try again later"));
  return reactor;
}

void ResolverServiceImpl::ResolveAll(const std::shared_ptr<Gathering>& gathering, const std::vector<TokenRef>& tokens,
                                     bool refresh, absl::Time deadline) {
  // The table is asked once about each token; what it says is told to every place that named it.
  std::vector<BeginRequest> requests;
  absl::flat_hash_map<TokenRef, std::vector<size_t>> places;
  for (size_t i = 0; i < tokens.size(); ++i) {
    auto& of_token = places[tokens[i]];
    of_token.push_back(i);
    if (of_token.size() > 1) continue;
    if (!cascade_.Contains(tokens[i])) requests.push_back({tokens[i]});
  }
  absl::flat_hash_map<TokenRef, Begun> begun;
  if (!requests.empty()) {
    auto result = store_.Begin(requests, refresh ? BeginMode::kRefresh : BeginMode::kNow, claims_.Lease(), deadline);
    if (!result.ok()) return gathering->Fail(result.status());
    for (Begun& one : *result) {
      const TokenRef token = one.resolution.token;
      begun.emplace(token, std::move(one));
    }
  }
  for (const auto& [token, indices] : places) {
    const auto found = begun.find(token);
    Resolution known;
    known.token = token;
    absl::Status status;
    bool wait = true;
    if (found != begun.end()) {
      known = found->second.resolution;
      switch (found->second.standing) {
        case Begun::Standing::kResolved:
          wait = false;
          break;
        case Begun::Standing::kLeased:
          if (!cascade_.Submit(known, std::min(claims_.GiveUpAt(), deadline), refresh) && !cascade_.Contains(token)) {
            status = absl::UnavailableError("resolver: no room for another token, or shutting down; try again later");
            wait = false;
          }
          break;
        default:
          if (!cascade_.Contains(token)) {
            status = absl::UnavailableError(
                absl::StrCat(ToText(token), " is being asked for by another replica; see GetResolution in a moment"));
            wait = false;
          }
          break;
      }
    }
    for (const size_t index : indices) {
      if (wait) {
        WaitOrAnswer(gathering, index, known, deadline);
      } else {
        gathering->Tell(index, known, status);
      }
    }
  }
}

void ResolverServiceImpl::WaitOrAnswer(const std::shared_ptr<Gathering>& gathering, size_t index,
                                       const Resolution& resolution, absl::Time deadline) {
  const bool waits = cascade_.Wait(resolution.token, [gathering, index](const Finished& finished) {
    gathering->Tell(index, finished.resolution, StatusOf(finished));
  });
  if (waits) return;
  // It was stored before there was anybody to tell.
  auto stored = store_.Get({resolution.token}, deadline);
  if (!stored.ok()) return gathering->Tell(index, resolution, stored.status());
  const Resolution known = stored->empty() ? resolution : stored->front();
  gathering->Tell(index, known,
                  known.state == State::kResolved
                      ? absl::OkStatus()
                      : absl::NotFoundError(absl::StrCat(ToText(known.token), " has no name yet: ", known.reason)));
}

grpc::ServerUnaryReactor* ResolverServiceImpl::Resolve(grpc::CallbackServerContext* context,
                                                       const v1::ResolveRequest* request,
                                                       v1::ResolveResponse* response) {
  const absl::StatusOr<TokenRef> token = ToTokenRef(request->token());
  if (!token.ok()) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    common::Responder(reactor).Finish(token.status());
    return reactor;
  }
  return StartGathering(
      context, {*token}, request->refresh(),
      [response](const std::vector<Resolution>& resolutions, const std::vector<absl::Status>& statuses) {
        if (statuses[0].ok()) *response->mutable_resolution() = ToProto(resolutions[0]);
        return statuses[0];
      });
}

grpc::ServerUnaryReactor* ResolverServiceImpl::BatchResolve(grpc::CallbackServerContext* context,
                                                            const v1::BatchResolveRequest* request,
                                                            v1::BatchResolveResponse* response) {
  absl::StatusOr<std::vector<TokenRef>> tokens = ToTokens(request->tokens());
  if (!tokens.ok()) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    common::Responder(reactor).Finish(tokens.status());
    return reactor;
  }
  return StartGathering(
      context, *std::move(tokens), request->refresh(),
      [response](const std::vector<Resolution>& resolutions, const std::vector<absl::Status>& statuses) {
        for (size_t i = 0; i < resolutions.size(); ++i) {
          v1::TokenResolution& one = *response->add_resolutions();
          one = ToProto(resolutions[i]);
          if (!statuses[i].ok() && one.reason().empty()) {
            one.set_reason(std::string(statuses[i].message()));
          }
        }
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* ResolverServiceImpl::GetResolution(grpc::CallbackServerContext* context,
                                                             const v1::GetResolutionRequest* request,
                                                             v1::GetResolutionResponse* response) {
  return common::RunOnExecutor(executor_, context, [=, this](const common::CallInfo& info) -> absl::Status {
    const absl::StatusOr<TokenRef> token = ToTokenRef(request->token());
    if (!token.ok()) return token.status();
    const absl::Time deadline = Bounded(info.deadline, clock_.Now());
    auto found = store_.Get({*token}, deadline);
    if (!found.ok()) return found.status();
    if (found->empty()) return absl::NotFoundError(absl::StrCat(ToText(*token), " was never asked for"));
    auto attempts = store_.ListAttempts(*token, kMaxAttemptsShown, deadline);
    if (!attempts.ok()) return attempts.status();
    *response->mutable_resolution() = ToProto(found->front());
    for (const Attempt& attempt : *attempts) *response->add_attempts() = ToProto(attempt);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* ResolverServiceImpl::ListUnresolved(grpc::CallbackServerContext* context,
                                                              const v1::ListUnresolvedRequest* request,
                                                              v1::ListUnresolvedResponse* response) {
  return common::RunOnExecutor(executor_, context, [=, this](const common::CallInfo& info) -> absl::Status {
    std::optional<State> state;
    switch (request->state()) {
      case v1::RESOLUTION_STATE_UNSPECIFIED:
        break;
      case v1::RESOLUTION_STATE_PENDING:
        state = State::kPending;
        break;
      case v1::RESOLUTION_STATE_DEAD_LETTER:
        state = State::kDeadLetter;
        break;
      default:
        return absl::InvalidArgumentError("state must be PENDING, DEAD_LETTER or unspecified");
    }
    if (request->page_size() < 0 || request->page_size() > kMaxPage) {
      return absl::InvalidArgumentError(
          absl::StrCat("page_size is ", request->page_size(), "; allowed are 0 to ", kMaxPage));
    }
    std::optional<UnresolvedPosition> after;
    if (!request->page_token().empty()) {
      const absl::StatusOr<UnresolvedPosition> position = FromPageToken(request->page_token());
      if (!position.ok()) return position.status();
      after = *position;
    }
    const int size = request->page_size() == 0 ? kDefaultPage : request->page_size();
    auto page = store_.ListUnresolved(state, after, size, Bounded(info.deadline, clock_.Now()));
    if (!page.ok()) return page.status();
    for (const Resolution& resolution : page->resolutions) *response->add_resolutions() = ToProto(resolution);
    if (page->next.has_value()) response->set_next_page_token(ToPageToken(*page->next));
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* ResolverServiceImpl::RetryResolution(grpc::CallbackServerContext* context,
                                                               const v1::RetryResolutionRequest* request,
                                                               v1::RetryResolutionResponse* response) {
  return common::RunOnExecutor(executor_, context, [=, this](const common::CallInfo& info) {
    return DoRetry(*request, *response, Bounded(info.deadline, clock_.Now()));
  });
}

absl::Status ResolverServiceImpl::DoRetry(const v1::RetryResolutionRequest& request,
                                          v1::RetryResolutionResponse& response, absl::Time deadline) {
  const std::string& id = request.request_id();
  if (id.size() > kMaxRequestIdBytes) {
    return absl::InvalidArgumentError(absl::StrCat("request_id is longer than ", kMaxRequestIdBytes, " bytes"));
  }
  std::optional<TokenRef> token;
  if (request.has_token()) {
    const absl::StatusOr<TokenRef> given = ToTokenRef(request.token());
    if (!given.ok()) return given.status();
    token = *given;
  }
  if (!id.empty()) {
    common::MutexLock lock(mutex_);
    const auto known = retried_.find(id);
    if (known != retried_.end()) {
      response.set_retried(known->second);
      return absl::OkStatus();
    }
  }
  auto retried = store_.Retry(token, clock_.Now(), deadline);
  if (!retried.ok()) return retried.status();
  if (token.has_value() && *retried == 0) {
    auto found = store_.Get({*token}, deadline);
    if (!found.ok()) return found.status();
    if (found->empty()) return absl::NotFoundError(absl::StrCat(ToText(*token), " was never asked for"));
  }
  if (token.has_value()) {
    cascade_.ForgetNotFound(*token);
  } else {
    cascade_.ForgetAllNotFound();
  }
  claims_.Wake();
  response.set_retried(*retried);
  if (!id.empty()) {
    common::MutexLock lock(mutex_);
    if (retried_.emplace(id, *retried).second) retried_ids_.push_back(id);
    if (retried_ids_.size() > kRememberedRetries) {
      retried_.erase(retried_ids_.front());
      retried_ids_.pop_front();
    }
  }
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* ResolverServiceImpl::GetStatus(grpc::CallbackServerContext* context,
                                                         const v1::GetStatusRequest* /*request*/,
                                                         v1::GetStatusResponse* response) {
  return common::RunOnExecutor(executor_, context, [=, this](const common::CallInfo& info) {
    return DoGetStatus(*response, Bounded(info.deadline, clock_.Now()));
  });
}

absl::Status ResolverServiceImpl::DoGetStatus(v1::GetStatusResponse& response, absl::Time deadline) {
  auto counts = store_.CountStates(deadline);
  if (!counts.ok()) return counts.status();
  response.set_resolved(counts->resolved);
  response.set_pending(counts->pending);
  response.set_dead_letters(counts->dead_letters);
  const std::vector<SourceCounts> calls = cascade_.source_counts();
  const absl::Time now = clock_.Now();
  for (size_t i = 0; i < calls.size(); ++i) {
    const Source& source = *cascade_.sources()[i];
    const BudgetState budget = source.budget(now);
    v1::SourceStatus& status = *response.add_sources();
    status.set_source(std::string(source.name()));
    status.set_found(calls[i].found);
    status.set_not_found(calls[i].not_found);
    status.set_failed(calls[i].failed);
    status.set_calls(calls[i].calls);
    status.set_budget_remaining(budget.remaining);
    status.set_budget_limit(budget.limit);
    if (budget.closed_until > now) *status.mutable_closed_until() = ToTimestamp(budget.closed_until);
  }
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* ResolverServiceImpl::Diagnose(grpc::CallbackServerContext* context,
                                                        const v1::DiagnoseRequest* /*request*/,
                                                        v1::DiagnoseResponse* response) {
  return common::RunOnExecutor(executor_, context, [=, this](const common::CallInfo& info) -> absl::Status {
    const auto state = store_.Diagnose(Bounded(info.deadline, clock_.Now()));
    if (!state.ok()) return state.status();
    common::ToProto(*state, response->mutable_database());
    return absl::OkStatus();
  });
}

}  // namespace tokenwatch::resolver
