#include "resolver/loops/follow_loop.h"

#include <algorithm>
#include <utility>

#include "common/log/log.h"
#include "common/sync/stop.h"
#include "common/text/safe_text.h"
#include "common/time/backoff.h"

namespace tokenwatch::resolver {
namespace {

// Found and not saved; beyond it the log is not read on.
constexpr size_t kMaxUnsaved = 10'000;
constexpr size_t kBatch = 1000;
// How long findings gather before they are saved.
constexpr absl::Duration kGather = absl::Milliseconds(50);
constexpr common::Backoff::Options kBackoff{
    .initial = absl::Milliseconds(50), .cap = absl::Seconds(2), .multiplier = 2};

}  // namespace

std::optional<uint64_t> FollowLoop::LoadCursor(const std::stop_token& stop) {
  common::Backoff backoff(kBackoff, common::SystemRandom());
  while (!stop.stop_requested()) {
    const absl::StatusOr<uint64_t> cursor = context_.store.LoadCursor(StoreDeadline(context_));
    if (TellDatabase(context_, cursor.status(), "load the cursor")) return *cursor;
    common::SleepUnlessStopped(stop, backoff.Next());
  }
  return std::nullopt;
}

void FollowLoop::Follow(const std::stop_token& stop) {
  const std::optional<uint64_t> start = LoadCursor(stop);
  if (!start.has_value()) return;
  {
    common::MutexLock lock(mutex_);
    read_ = saved_ = *start;
  }
  common::Backoff backoff(kBackoff, common::SystemRandom());
  while (!stop.stop_requested()) {
    uint64_t cursor = 0;
    {
      common::MutexLock lock(mutex_);
      cursor = read_;
    }
    const absl::Status ended = context_.detector.Follow(
        cursor,
        [&](const TokenLogBatch& batch) {
          backoff.Reset();
          return Take(batch, stop);
        },
        stop);
    if (stop.stop_requested()) return;
    if (absl::IsOutOfRange(ended)) {
      StartOver(stop);
    } else {
      // A reader that is cut off for being slow, or a detector that goes down in order, is no failure of either.
      if (absl::IsUnavailable(ended)) {
        TellDetector(context_, ended, "follow the token log");
      } else {
        TW_LOG_EVERY(absl::Seconds(1), common::Severity::kInfo, "the token log's stream ended; reconnecting",
                     {{"cursor", cursor}, {"status", ended.ToString()}});
      }
      common::SleepUnlessStopped(stop, backoff.Next());
    }
  }
}

void FollowLoop::StartOver(const std::stop_token& stop) {
  common::Log(common::Severity::kWarning,
              "the detector's token log is shorter than what was read of it: reading it again from its beginning");
  {
    common::MutexLock lock(mutex_);
    found_.clear();
    read_ = saved_ = 0;
  }
  common::Backoff backoff(kBackoff, common::SystemRandom());
  while (!stop.stop_requested()) {
    const absl::Status reset = context_.store.ResetCursor(context_.clock.Now(), StoreDeadline(context_));
    if (TellDatabase(context_, reset, "reset the cursor")) return;
    common::SleepUnlessStopped(stop, backoff.Next());
  }
}

Resolution FollowLoop::Examine(const TokenSeen& seen) const {
  // The detector has made these safe; a resolver does not rely on it.
  const common::SafeTextResult name = common::SafeText(seen.name, {kMaxNameBytes, 96});
  const common::SafeTextResult symbol = common::SafeText(seen.symbol, {kMaxSymbolBytes, 32});
  const common::SafeTextResult uri = common::SafeText(seen.uri, {kMaxUriBytes, kMaxUriBytes});
  Resolution launch;
  launch.token = seen.token;
  launch.state = State::kResolved;
  launch.name = {name.text, "launch", seen.event_time, seen.name_sanitized || name.removed};
  if (!symbol.text.empty()) launch.symbol = {symbol.text, "launch", seen.event_time, symbol.removed};
  if (!uri.text.empty()) launch.uri = {uri.text, "launch", seen.event_time, uri.removed};
  launch.decimals = seen.decimals;
  if (seen.decimals.has_value()) launch.decimals_source = "launch";
  launch.imitates = context_.known_tokens.ImitatedBy(seen.token, name.text, symbol.text);
  launch.next_attempt_at = absl::InfiniteFuture();
  return launch;
}

absl::Status FollowLoop::Take(const TokenLogBatch& batch, const std::stop_token& stop) {
  bool pending = false;
  std::vector<Resolution> launches;
  for (const TokenSeen& seen : batch.tokens) {
    pending |= seen.pending;
    if (!seen.named_at_launch) continue;
    Resolution launch = Examine(seen);
    if (launch.name.value.empty()) continue;
    context_.metrics.launches.Increment();
    if (launch.imitates.has_value()) context_.metrics.impostors_at_launch.Increment();
    launches.push_back(std::move(launch));
  }
  if (pending) on_pending_();
  common::StopWaker waker(stop, mutex_, changed_);
  common::MutexLock lock(mutex_);
  while (found_.size() >= kMaxUnsaved && !stop.stop_requested()) changed_.Wait(mutex_);
  std::move(launches.begin(), launches.end(), std::back_inserter(found_));
  read_ = std::max(read_, batch.cursor);
  changed_.NotifyAll();
  return absl::OkStatus();
}

void FollowLoop::Save(const std::stop_token& stop) {
  while (true) {
    std::vector<Resolution> batch;
    uint64_t cursor = 0;
    {
      common::StopWaker waker(stop, mutex_, changed_);
      common::MutexLock lock(mutex_);
      while (read_ == saved_ && found_.empty() && !stop.stop_requested()) changed_.Wait(mutex_);
      if (read_ == saved_ && found_.empty()) return;
    }
    common::SleepUnlessStopped(stop, kGather);
    {
      common::MutexLock lock(mutex_);
      // The cursor goes with everything found up to it, so all of it is taken.
      batch.swap(found_);
      cursor = read_;
      changed_.NotifyAll();
    }
    if (!SaveBatch(batch, cursor, stop)) return;
    context_.metrics.token_cursor.Set(static_cast<double>(cursor));
    common::MutexLock lock(mutex_);
    if (read_ >= cursor) saved_ = cursor;
  }
}

bool FollowLoop::SaveBatch(const std::vector<Resolution>& launches, uint64_t cursor, const std::stop_token& stop) {
  common::Backoff backoff(kBackoff, common::SystemRandom());
  size_t done = 0;
  while (true) {
    const size_t count = std::min(kBatch, launches.size() - done);
    const bool last = done + count == launches.size();
    // Only the last part may move the cursor. A token that occurs twice in one part would be an error of the statement.
    std::vector<Resolution> part(launches.begin() + static_cast<std::ptrdiff_t>(done),
                                 launches.begin() + static_cast<std::ptrdiff_t>(done + count));
    std::stable_sort(part.begin(), part.end(),
                     [](const Resolution& a, const Resolution& b) { return a.token < b.token; });
    part.erase(std::unique(part.begin(), part.end(),
                           [](const Resolution& a, const Resolution& b) { return a.token == b.token; }),
               part.end());
    const absl::Status saved =
        context_.store.SaveLaunches(part, last ? cursor : 0, context_.clock.Now(), StoreDeadline(context_));
    if (TellDatabase(context_, saved, "store launches")) {
      if (last) return true;
      done += count;
      backoff.Reset();
      continue;
    }
    if (!common::SleepUnlessStopped(stop, backoff.Next())) return false;
  }
}

}  // namespace tokenwatch::resolver
