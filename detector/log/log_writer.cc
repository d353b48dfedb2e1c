#include "detector/log/log_writer.h"

#include <algorithm>
#include <future>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "common/sync/stop.h"

namespace tokenwatch::detector {
namespace {

constexpr absl::Duration kSessionTimeout = absl::Seconds(10);
// How long the writer waits for work before it looks whether it shall stop.
constexpr absl::Duration kIdleWait = absl::Seconds(1);
// How soon Flush notices that it is to stop.
constexpr absl::Duration kFlushPoll = absl::Milliseconds(5);

bool HasLaunch(const FeedBatch& batch) {
  return std::any_of(batch.events.begin(), batch.events.end(),
                     [](const FeedEvent& event) { return std::holds_alternative<LaunchSeen>(event); });
}

bool HasTrade(const FeedBatch& batch) {
  return std::any_of(batch.events.begin(), batch.events.end(),
                     [](const FeedEvent& event) { return std::holds_alternative<Trade>(event); });
}

size_t SizeOf(const Intake& intake) { return intake.batch.events.size() + intake.resolutions.size(); }

// For quarantine: what the event was, in words.
std::string DescribeEvent(const FeedEvent& event) {
  if (const auto* trade = std::get_if<Trade>(&event)) {
    return absl::StrCat("trade ", trade->transaction.text(), "/", trade->event_index.value_or(0), " of ",
                        trade->token.text());
  }
  if (const auto* launch = std::get_if<LaunchSeen>(&event)) {
    return absl::StrCat("launch ", launch->transaction.text(), " of ", launch->ref.address.text());
  }
  if (const auto* completion = std::get_if<CompletionSeen>(&event)) {
    return absl::StrCat("completion of ", completion->ref.address.text());
  }
  const auto& migration = std::get<MigrationSeen>(event);
  return absl::StrCat("migration ", migration.transaction.text(), " of ", migration.ref.address.text());
}

// The database refuses what was sent, and would again.
bool IsPermanent(const absl::Status& status) {
  return status.code() == absl::StatusCode::kInvalidArgument ||
         status.code() == absl::StatusCode::kFailedPrecondition || status.code() == absl::StatusCode::kAlreadyExists;
}

absl::Status NotWritten(const std::stop_token& stop) {
  return absl::UnavailableError(stop.stop_requested()
                                    ? "the service is stopping; not all of this was written"
                                    : "this replica lost the log's lead; not all of this was written");
}

}  // namespace

LogWriter::LogWriter(const Options& options, Store& store, LogTail<Trade>& trades, LogTail<TokenEvent>& events,
                     FeedBoard& board, WriterObserver& observer, common::Clock& clock)
    : options_(options),
      store_(store),
      trades_(trades),
      events_(events),
      board_(board),
      observer_(observer),
      clock_(clock),
      queue_(options.queue_capacity + options.call_capacity),
      feed_slots_(options.queue_capacity),
      call_slots_(options.call_capacity),
      health_(absl::UnavailableError("the log has no writer yet")),
      memory_(options.window_trades, options.known_tokens),
      backoff_(options.retry, common::SystemRandom()) {}

LogWriter::~LogWriter() { Stop(absl::ZeroDuration()); }

void LogWriter::Start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

bool LogWriter::Submit(Intake intake, const std::stop_token& stop) {
  if (feed_slots_.Push({}, absl::InfiniteDuration(), stop) != common::QueueResult::kOk) return false;
  return queue_.TryPush(Work{std::move(intake), nullptr, true});
}

absl::Status LogWriter::Flush(const std::stop_token& stop) {
  auto written = std::make_shared<std::promise<absl::Status>>();
  std::future<absl::Status> outcome = written->get_future();
  Work marker{Intake(), [written](const absl::StatusOr<IntakeOutcome>& result) { written->set_value(result.status()); },
              true};
  if (feed_slots_.Push({}, absl::InfiniteDuration(), stop) != common::QueueResult::kOk ||
      !queue_.TryPush(std::move(marker))) {
    return absl::CancelledError("stopped before everything was durable");
  }
  while (outcome.wait_for(absl::ToChronoMilliseconds(kFlushPoll)) != std::future_status::ready) {
    if (stop.stop_requested()) return absl::CancelledError("stopped before everything was durable");
  }
  return outcome.get();
}

absl::Status LogWriter::TrySubmit(Intake intake, Done done) {
  if (stopping_) return absl::UnavailableError("the service is stopping; nothing of this was written");
  if (!leads()) {
    return absl::UnavailableError("this replica does not write the log now: ask the one that leads, or try again");
  }
  if (!call_slots_.TryPush({})) return absl::ResourceExhaustedError("the log's intake is full; try again");
  if (!queue_.TryPush(Work{std::move(intake), std::move(done), false})) {
    return absl::UnavailableError("the service is stopping; nothing of this was written");
  }
  return absl::OkStatus();
}

void LogWriter::Stop(absl::Duration drain) {
  if (!thread_.joinable()) return;
  stopping_ = true;
  feed_slots_.Close();
  queue_.Close();
  const absl::Time end = absl::Now() + drain;
  // The thread ends by itself once the closed queue is empty.
  while (absl::Now() < end && !queue_.Finished()) absl::SleepFor(absl::Milliseconds(1));
  thread_.request_stop();
  thread_.join();
}

absl::Status LogWriter::health() const {
  common::MutexLock lock(health_mutex_);
  return health_;
}

void LogWriter::SetHealth(absl::Status status) {
  common::MutexLock lock(health_mutex_);
  health_ = std::move(status);
}

void LogWriter::SetLeads(bool leads) {
  if (leads_.exchange(leads) != leads) observer_.OnLeading(leads);
}

void LogWriter::Run(const std::stop_token& stop) {
  while (!stop.stop_requested() && !queue_.Finished()) {
    if (session_ == nullptr && !Lead(stop)) {
      Follow(stop);
      continue;
    }
    std::vector<Work> works = TakeGroup(stop);
    if (works.empty()) {
      CheckSession();
    } else if (!WriteAll(works, 0, works.size(), stop) && !stop.stop_requested()) {
      Follow(stop);
    }
  }
  // What is left was not written, and its callers must know.
  while (std::optional<Work> left = TakeOne(absl::ZeroDuration())) {
    Answer(*left, absl::UnavailableError("the service is stopping; nothing of this was written"));
  }
  session_.reset();
  SetLeads(false);
}

void LogWriter::CheckSession() {
  if (const auto heads = session_->ReadHeads(); !heads.ok()) DropSession(heads.status());
}

bool LogWriter::Lead(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    auto session = store_.OpenLogSession(absl::Now() + kSessionTimeout);
    if (session.ok() && *session == nullptr) {
      SetHealth(absl::OkStatus());
      SetLeads(false);
      return false;
    }
    absl::Status status = session.status();
    if (session.ok()) {
      session_ = *std::move(session);
      status = LoadMemory();
      if (status.ok()) {
        backoff_.Reset();
        SetHealth(absl::OkStatus());
        SetLeads(true);
        return true;
      }
    }
    DropSession(status);
    common::SleepUnlessStopped(stop, backoff_.Next());
  }
  return false;
}

absl::Status LogWriter::LoadMemory() {
  memory_.window.Clear();
  memory_.known.Clear();
  const auto heads = session_->ReadHeads();
  if (!heads.ok()) return heads.status();
  memory_.heads = *heads;
  // What the tails hold may miss a commit whose outcome was not seen.
  trades_.Advance(heads->trade_cursor);
  events_.Advance(heads->token_cursor);
  // Of the trades that are not read back only the latest time is known.
  if (heads->trade_cursor > memory_.window.capacity()) {
    memory_.window.SetHorizon(heads->latest_trade, heads->latest_loose_trade);
  }
  return session_->ReadRecentTrades(memory_.window.capacity(),
                                    [&](const TradeIdentity& identity) { memory_.window.Remember(identity); });
}

void LogWriter::Follow(const std::stop_token& stop) {
  // Intake from the time of leading: feeds read theirs again where the lead is now.
  while (std::optional<Work> left = TakeOne(absl::ZeroDuration())) {
    Answer(*left, absl::UnavailableError("this replica lost the log's lead; nothing of this was written"));
  }
  common::SleepUnlessStopped(stop, options_.follow_interval);
  const auto heads = store_.ReadHeads(absl::Now() + kSessionTimeout);
  if (!heads.ok()) {
    SetHealth(heads.status());
    return;
  }
  trades_.Advance(heads->trade_cursor);
  events_.Advance(heads->token_cursor);
}

std::optional<LogWriter::Work> LogWriter::TakeOne(absl::Duration timeout, const std::stop_token& stop) {
  std::optional<Work> work = queue_.Pop(timeout, stop);
  if (work.has_value()) (work->from_feed ? feed_slots_ : call_slots_).Pop(absl::ZeroDuration());
  return work;
}

std::vector<LogWriter::Work> LogWriter::TakeGroup(const std::stop_token& stop) {
  std::vector<Work> works;
  size_t events = 0;
  std::optional<Work> next = TakeOne(kIdleWait, stop);
  while (next.has_value()) {
    events += SizeOf(next->intake);
    works.push_back(std::move(*next));
    if (events >= options_.max_commit_events) break;
    next = TakeOne(absl::ZeroDuration());
  }
  return works;
}

bool LogWriter::WriteAll(std::vector<Work>& works, size_t first, size_t count, const std::stop_token& stop) {
  int refusals = 0;
  while (true) {
    if (session_ == nullptr && !Lead(stop)) {
      AnswerNotWritten(works, first, count, stop);
      return false;
    }
    const absl::Status status = WriteOnce(works, first, count);
    if (status.ok()) return true;
    DropSession(status);
    // Once may be a mistake about the state, such as a partition that retention has dropped.
    if (IsPermanent(status) && ++refusals > 1) {
      if (count == 1) return WriteUnwritable(works[first], status, stop);
      const size_t half = count / 2;
      if (WriteAll(works, first, half, stop)) return WriteAll(works, first + half, count - half, stop);
      AnswerNotWritten(works, first + half, count - half, stop);
      return false;
    }
    common::SleepUnlessStopped(stop, backoff_.Next());
  }
}

absl::Status LogWriter::WriteOnce(std::vector<Work>& works, size_t first, size_t count) {
  const absl::Time started = absl::Now();
  std::vector<const Intake*> intake;
  intake.reserve(count);
  for (size_t i = first; i < first + count; ++i) intake.push_back(&works[i].intake);
  auto draft = Draft::Make(intake, *session_, memory_, clock_.Now(), options_.draft);
  if (!draft.ok()) return draft.status();
  if (!(*draft)->commit().empty()) {
    if (absl::Status status = session_->Write((*draft)->commit()); !status.ok()) return status;
    memory_.heads = (*draft)->commit().heads;
  }
  backoff_.Reset();
  SetHealth(absl::OkStatus());
  Publish(works, first, count, **draft, started);
  return absl::OkStatus();
}

void LogWriter::Publish(std::vector<Work>& works, size_t first, size_t count, Draft& draft, absl::Time started) {
  observer_.OnCommit(draft.commit(), absl::Now() - started);
  Commit commit = draft.TakeCommit();
  events_.Publish(std::move(commit.events));
  trades_.Publish(std::move(commit.trades));
  const absl::Time now = absl::Now();
  for (size_t i = 0; i < count; ++i) {
    Work& work = works[first + i];
    const FeedBatch& batch = work.intake.batch;
    if (!batch.events.empty()) {
      board_.AddOutcome(batch.feed.text(), draft.feed_counts()[i].second);
      observer_.OnPublished(HasLaunch(batch), HasTrade(batch), now - batch.arrived_at);
    }
    Answer(work, draft.outcomes()[i]);
  }
}

bool LogWriter::WriteUnwritable(Work& work, const absl::Status& why, const std::stop_token& stop) {
  std::vector<FeedEvent>& events = work.intake.batch.events;
  if (events.size() + work.intake.resolutions.size() > 1 && !events.empty()) return WriteParts(work, stop);
  observer_.OnUnwritable(why);
  if (events.empty() || std::holds_alternative<FrameRefused>(events.front())) {
    Answer(work, why);
    return true;
  }
  events.front() = FrameRefused{"unwritable", std::string(why.message()), DescribeEvent(events.front())};
  std::vector<Work> refused;
  refused.push_back(std::move(work));
  return WriteAll(refused, 0, 1, stop);
}

bool LogWriter::WriteParts(Work& work, const std::stop_token& stop) {
  std::vector<FeedEvent> events = std::exchange(work.intake.batch.events, {});
  IntakeOutcome sum;
  // One by one, in order; the position, resolutions and answer come with the rest, after all of them.
  for (FeedEvent& event : events) {
    std::vector<Work> part(1);
    FeedBatch& batch = part.front().intake.batch;
    batch.feed = work.intake.batch.feed;
    batch.received_at = work.intake.batch.received_at;
    batch.arrived_at = work.intake.batch.arrived_at;
    batch.events.push_back(std::move(event));
    part.front().done = [&sum](absl::StatusOr<IntakeOutcome> outcome) {
      if (outcome.ok()) sum.Add(*outcome);
    };
    if (!WriteAll(part, 0, 1, stop)) {
      Answer(work, NotWritten(stop));
      return false;
    }
  }
  std::vector<Work> rest;
  rest.push_back(std::move(work));
  if (rest.front().done != nullptr) {
    rest.front().done = [sum, done = std::move(rest.front().done)](absl::StatusOr<IntakeOutcome> outcome) mutable {
      if (outcome.ok()) outcome->Add(sum);
      std::move(done)(std::move(outcome));
    };
  }
  return WriteAll(rest, 0, 1, stop);
}

void LogWriter::Answer(Work& work, absl::StatusOr<IntakeOutcome> outcome) {
  if (work.done != nullptr) std::move(work.done)(std::move(outcome));
  work.done = nullptr;
}

void LogWriter::AnswerNotWritten(std::vector<Work>& works, size_t first, size_t count, const std::stop_token& stop) {
  for (size_t i = first; i < first + count; ++i) Answer(works[i], NotWritten(stop));
}

void LogWriter::DropSession(const absl::Status& why) {
  session_.reset();
  SetHealth(why);
  observer_.OnFailure(why);
}

}  // namespace tokenwatch::detector
