#include "pricing/decimals.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "common/sync/mutex.h"

namespace tokenwatch::pricing {

class DecimalsBook::State {
 public:
  State(const Options& options, Lookup lookup, common::Clock& clock)
      : options_(options), lookup_(std::move(lookup)), clock_(clock) {}

  struct Answer {
    std::optional<int> decimals;
    // Nobody has been asked lately.
    bool unasked = false;
    // The caller should have AskWanted run.
    bool start = false;
  };

  Answer Find(const chain::TokenRef& token, bool want) TW_EXCLUDES(mutex_) {
    common::MutexLock lock(mutex_);
    const auto entry = entries_.find(token);
    if (entry != entries_.end() && entry->second.decimals >= 0) return {entry->second.decimals};
    if (entry != entries_.end() && clock_.Now() < entry->second.retry_at) return {};
    Answer answer{std::nullopt, true, false};
    if (!want || closed_ || wanted_.size() >= kMaxLookup) return answer;
    wanted_.insert(token);
    answer.start = !std::exchange(asking_, true);
    return answer;
  }

  void NotStarted() TW_EXCLUDES(mutex_) {
    common::MutexLock lock(mutex_);
    asking_ = false;
    idle_.NotifyAll();
  }

  // Asks for what is wanted until nothing is.
  void AskWanted() TW_EXCLUDES(mutex_) {
    while (true) {
      std::vector<chain::TokenRef> tokens;
      {
        common::MutexLock lock(mutex_);
        if (wanted_.empty() || closed_) {
          asking_ = false;
          idle_.NotifyAll();
          return;
        }
        tokens.assign(wanted_.begin(), wanted_.end());
        wanted_.clear();
      }
      // A lookup that fails is one that knows nothing: it is repeated after retry_after.
      Ask(tokens, clock_.Now() + options_.lookup_timeout).IgnoreError();
    }
  }

  absl::Status Ask(const std::vector<chain::TokenRef>& tokens, absl::Time deadline) TW_EXCLUDES(mutex_) {
    const auto known = lookup_(tokens, deadline);
    common::MutexLock lock(mutex_);
    const absl::Time retry_at = clock_.Now() + options_.retry_after;
    for (const chain::TokenRef& token : tokens) Remember(token, {-1, retry_at});
    if (!known.ok()) return known.status();
    for (const TokenDecimals& each : *known) {
      const bool sane = each.decimals >= 0 && each.decimals <= UINT8_MAX;
      if (sane) Remember(each.token, {static_cast<int16_t>(each.decimals), absl::InfinitePast()});
    }
    return absl::OkStatus();
  }

  void Close() TW_EXCLUDES(mutex_) {
    common::MutexLock lock(mutex_);
    closed_ = true;
    // A task that the executor has dropped or not begun finds it closed and touches nothing.
    while (running_ > 0) idle_.Wait(mutex_);
  }

  // Whether the task may run: not after Close().
  bool Begin() TW_EXCLUDES(mutex_) {
    common::MutexLock lock(mutex_);
    if (closed_) return false;
    ++running_;
    return true;
  }
  void End() TW_EXCLUDES(mutex_) {
    common::MutexLock lock(mutex_);
    --running_;
    idle_.NotifyAll();
  }

 private:
  struct Entry {
    // Below zero: not known.
    int16_t decimals;
    absl::Time retry_at;
  };

  void Remember(const chain::TokenRef& token, const Entry& entry) TW_REQUIRES(mutex_) {
    const auto [place, added] = entries_.try_emplace(token, entry);
    if (!added) {
      place->second = entry;
      return;
    }
    order_.push_back(token);
    if (order_.size() <= options_.capacity) return;
    entries_.erase(order_.front());
    order_.pop_front();
  }

  const Options options_;
  const Lookup lookup_;
  common::Clock& clock_;

  common::Mutex mutex_;
  common::CondVar idle_;
  absl::flat_hash_map<chain::TokenRef, Entry> entries_ TW_GUARDED_BY(mutex_);
  // The keys of entries_ in the order they came.
  std::deque<chain::TokenRef> order_ TW_GUARDED_BY(mutex_);
  absl::flat_hash_set<chain::TokenRef> wanted_ TW_GUARDED_BY(mutex_);
  bool asking_ TW_GUARDED_BY(mutex_) = false;
  int running_ TW_GUARDED_BY(mutex_) = 0;
  bool closed_ TW_GUARDED_BY(mutex_) = false;
};

DecimalsBook::DecimalsBook(const Options& options, Lookup lookup, common::Executor& executor, common::Clock& clock)
    : state_(std::make_shared<State>(options, std::move(lookup), clock)), executor_(executor) {}

DecimalsBook::~DecimalsBook() { state_->Close(); }

std::optional<int> DecimalsBook::Find(const chain::TokenRef& token) {
  const State::Answer answer = state_->Find(token, true);
  if (answer.start) {
    const bool accepted = executor_.TrySubmit([state = state_] {
      if (!state->Begin()) return;
      state->AskWanted();
      state->End();
    });
    if (!accepted) state_->NotStarted();
  }
  return answer.decimals;
}

absl::StatusOr<std::optional<int>> DecimalsBook::Fetch(const chain::TokenRef& token, absl::Time deadline) {
  State::Answer answer = state_->Find(token, false);
  if (!answer.unasked) return answer.decimals;
  if (absl::Status asked = state_->Ask({token}, deadline); !asked.ok()) return asked;
  return state_->Find(token, false).decimals;
}

}  // namespace tokenwatch::pricing
