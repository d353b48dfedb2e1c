#include "pricing/oracle/chain/oracle_chain.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tokenwatch::pricing {
namespace {

// What makes two questions one inquiry.
struct InquiryKey {
  chain::TokenRef token;
  Policy policy = Policy::kFirstGood;
  int min_sources = 0;
  absl::Duration max_age;
  bool refresh = false;

  explicit InquiryKey(const OracleQuestion& question)
      : token(question.token),
        policy(question.policy),
        min_sources(question.policy == Policy::kAggregate ? question.min_sources : 0),
        max_age(question.max_age),
        refresh(question.refresh) {}

  friend bool operator==(const InquiryKey&, const InquiryKey&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const InquiryKey& key) {
    return H::combine(std::move(state), key.token, key.policy, key.min_sources, key.max_age, key.refresh);
  }
};

OracleAnswer NotAnswered(std::string reason) {
  OracleAnswer answer;
  answer.reason = std::move(reason);
  return answer;
}

}  // namespace

// Everything here runs on the loop, or after the loop has stopped.
class OracleChain::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(const OracleChainOptions& options, const std::vector<Provider*>& providers, common::EventLoop& loop,
       common::UniformRandom random, OracleObserver& observer, AnswerCache& cache, std::atomic<size_t>& waiting)
      : options_(options),
        loop_(loop),
        observer_(observer),
        cache_(cache),
        waiting_(waiting),
        random_(std::move(random)),
        not_found_(options.not_found),
        hedge_credit_(options.hedge_share) {
    for (size_t i = 0; i < providers.size(); ++i) {
      lanes_.push_back(std::make_shared<Lane>(
          i, *providers[i], options_.lane, loop, not_found_, [this] { return random_(); }, observer));
    }
  }

  // `done` may be null: then the answer is for the cache alone.
  void Begin(const OracleQuestion& question, absl::Time asked_at, OracleCallback done) {
    const InquiryKey key(question);
    auto [found, is_new] = running_.try_emplace(key);
    if (is_new) found->second = std::make_unique<Running>();
    Running& running = *found->second;
    if (done != nullptr) {
      running.waiters.push_back({std::move(done), question.deadline, asked_at});
      ArmDeadline(key, running);
    }
    if (!is_new) return;
    running.inquiry = std::make_shared<Inquiry>(
        InquiryContext{options_.inquiry, loop_, lanes_, hedge_credit_, random_, observer_}, question,
        [this, key, question](const OracleAnswer& answer) { Conclude(key, question, answer); });
    const std::shared_ptr<Inquiry> inquiry = running.inquiry;
    inquiry->Start();
  }

  void ForgetNotFound(const chain::TokenRef& token) { not_found_.Forget(static_cast<int>(lanes_.size()), token); }

  void Stop() {
    auto running = std::move(running_);
    running_.clear();
    for (auto& [key, one] : running) {
      loop_.Cancel(one->deadline_timer);
      one->inquiry.reset();
      for (Waiter& waiter : one->waiters) {
        Finish(waiter, NotAnswered("the service is shutting down"), AnsweredBy::kInterrupted);
      }
    }
  }

  const std::vector<std::shared_ptr<Lane>>& lanes() const { return lanes_; }

 private:
  struct Waiter {
    OracleCallback done;
    absl::Time deadline;
    absl::Time asked_at;
  };
  struct Running {
    std::shared_ptr<Inquiry> inquiry;
    std::vector<Waiter> waiters;
    // At the earliest deadline of a waiter.
    common::EventLoop::TimerId deadline_timer = 0;
    absl::Time deadline = absl::InfiniteFuture();
  };

  void ArmDeadline(const InquiryKey& key, Running& running) {
    absl::Time earliest = absl::InfiniteFuture();
    for (const Waiter& waiter : running.waiters) earliest = std::min(earliest, waiter.deadline);
    if (earliest == running.deadline) return;
    loop_.Cancel(running.deadline_timer);
    running.deadline = earliest;
    running.deadline_timer = 0;
    if (earliest == absl::InfiniteFuture()) return;
    running.deadline_timer = loop_.At(earliest, [weak = weak_from_this(), key] {
      if (const auto self = weak.lock()) self->PassDeadline(key);
    });
  }

  void PassDeadline(const InquiryKey& key) {
    const auto found = running_.find(key);
    if (found == running_.end()) return;
    Running& running = *found->second;
    const absl::Time now = loop_.Now();
    const auto late = std::stable_partition(running.waiters.begin(), running.waiters.end(),
                                            [&](const Waiter& waiter) { return waiter.deadline > now; });
    std::vector<Waiter> leaving(std::make_move_iterator(late), std::make_move_iterator(running.waiters.end()));
    running.waiters.erase(late, running.waiters.end());
    running.deadline = absl::InfinitePast();
    ArmDeadline(key, running);
    // The inquiry goes on: its answer is for the cache.
    const OracleAnswer answer = running.inquiry->Compose();
    for (Waiter& waiter : leaving) {
      Finish(waiter, answer, answer.usd.has_value() ? AnsweredBy::kSources : AnsweredBy::kInterrupted);
    }
  }

  void Conclude(const InquiryKey& key, const OracleQuestion& question, const OracleAnswer& answer) {
    cache_.Put(question, answer, loop_.Now());
    const auto found = running_.find(key);
    // The waiters may ask again, and then begin a new inquiry of the same key.
    const std::unique_ptr<Running> running = std::move(found->second);
    running_.erase(found);
    loop_.Cancel(running->deadline_timer);
    const AnsweredBy by = answer.usd.has_value() ? AnsweredBy::kSources : AnsweredBy::kNobody;
    for (Waiter& waiter : running->waiters) Finish(waiter, answer, by);
  }

  void Finish(Waiter& waiter, OracleAnswer answer, AnsweredBy by) {
    observer_.OnAnswered(by, loop_.Now() - waiter.asked_at);
    --waiting_;
    waiter.done(std::move(answer));
  }

  const OracleChainOptions options_;
  common::EventLoop& loop_;
  OracleObserver& observer_;
  AnswerCache& cache_;
  std::atomic<size_t>& waiting_;
  common::UniformRandom random_;
  NotFoundCache not_found_;
  ExtraCallCredit hedge_credit_;
  std::vector<std::shared_ptr<Lane>> lanes_;
  absl::flat_hash_map<InquiryKey, std::unique_ptr<Running>> running_;
};

OracleChain::OracleChain(const OracleChainOptions& options, const std::vector<Provider*>& providers,
                         common::EventLoop& loop, common::UniformRandom random, OracleObserver& observer)
    : options_(options),
      loop_(loop),
      observer_(observer),
      cache_(options.cache, observer),
      core_(std::make_shared<Core>(options, providers, loop, std::move(random), observer, cache_, waiting_)) {}

OracleChain::~OracleChain() {
  for (Begun& one : TakeIntake()) {
    if (one.done != nullptr) one.done(NotAnswered("the service is shutting down"));
  }
  core_->Stop();
}

void OracleChain::Ask(const OracleQuestion& question, OracleCallback done) {
  const absl::Time now = loop_.Now();
  std::optional<AnswerCache::Hit> hit = cache_.Find(question, now);
  std::vector<Begun> begun;
  if (!hit.has_value()) {
    begun.push_back({question, std::move(done), now});
    return Begin(std::move(begun));
  }
  if (hit->fetch) {
    begun.push_back({question, nullptr, now});
    Begin(std::move(begun));
  }
  observer_.OnAnswered(hit->answer.is_stale ? AnsweredBy::kStaleCache : AnsweredBy::kCache, absl::ZeroDuration());
  done(std::move(hit->answer));
}

void OracleChain::AskMany(const std::vector<OracleQuestion>& questions,
                          std::function<void(std::vector<OracleAnswer>)> done) {
  if (questions.empty()) return done({});
  struct Collector {
    std::vector<OracleAnswer> answers;
    std::atomic<size_t> missing;
    std::function<void(std::vector<OracleAnswer>)> done;
    void Set(size_t index, OracleAnswer answer) {
      answers[index] = std::move(answer);
      if (--missing == 0) done(std::move(answers));
    }
  };
  const auto collector = std::make_shared<Collector>();
  collector->answers.resize(questions.size());
  collector->missing = questions.size();
  collector->done = std::move(done);
  const absl::Time now = loop_.Now();
  std::vector<Begun> to_ask;
  for (size_t i = 0; i < questions.size(); ++i) {
    std::optional<AnswerCache::Hit> hit = cache_.Find(questions[i], now);
    if (!hit.has_value()) {
      to_ask.push_back(
          {questions[i], [collector, i](OracleAnswer answer) { collector->Set(i, std::move(answer)); }, now});
      continue;
    }
    if (hit->fetch) to_ask.push_back({questions[i], nullptr, now});
    observer_.OnAnswered(hit->answer.is_stale ? AnsweredBy::kStaleCache : AnsweredBy::kCache, absl::ZeroDuration());
    collector->Set(i, std::move(hit->answer));
  }
  // Together, so that they fill batches.
  if (!to_ask.empty()) Begin(std::move(to_ask));
}

void OracleChain::Begin(std::vector<Begun> questions) {
  const auto waiters = static_cast<size_t>(
      std::count_if(questions.begin(), questions.end(), [](const Begun& one) { return one.done != nullptr; }));
  if (waiting_.fetch_add(waiters) + waiters > options_.max_waiting) {
    waiting_ -= waiters;
    for (Begun& one : questions) {
      if (one.done == nullptr) continue;
      observer_.OnAnswered(AnsweredBy::kRefused, absl::ZeroDuration());
      one.done(NotAnswered("too many questions wait for an answer"));
    }
    return;
  }
  {
    common::MutexLock lock(mutex_);
    const bool is_on_its_way = !intake_.empty();
    std::move(questions.begin(), questions.end(), std::back_inserter(intake_));
    if (is_on_its_way) return;
  }
  loop_.Post([this, weak = std::weak_ptr<Core>(core_)] {
    // The chain outlives its core.
    const std::shared_ptr<Core> core = weak.lock();
    if (core == nullptr) return;
    for (Begun& one : TakeIntake()) core->Begin(one.question, one.asked_at, std::move(one.done));
  });
}

std::vector<OracleChain::Begun> OracleChain::TakeIntake() {
  std::vector<Begun> taken;
  common::MutexLock lock(mutex_);
  taken.swap(intake_);
  return taken;
}

std::vector<ProviderState> OracleChain::providers() const {
  std::vector<ProviderState> states;
  for (const std::shared_ptr<Lane>& lane : core_->lanes()) states.push_back(lane->state());
  return states;
}

void OracleChain::ForgetNotFound(const chain::TokenRef& token) {
  loop_.Post([weak = std::weak_ptr<Core>(core_), token] {
    if (const auto core = weak.lock()) core->ForgetNotFound(token);
  });
}

OracleChain::Sizes OracleChain::sizes() const { return {waiting_.load(), cache_.size()}; }

}  // namespace tokenwatch::pricing
