#include "pricing/rpc/price_hub.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/sync/stop.h"
#include "pricing/rpc/price_wire.h"

namespace tokenwatch::pricing {
namespace {

// An inbox that grew past this while the thread was busy is rid of repeats, so that it is bounded by the tokens that
// there are.
constexpr size_t kInboxTidy = 65'536;
constexpr size_t kPriceBytes = 512;

void Tidy(std::vector<chain::TokenRef>& tokens) {
  std::sort(tokens.begin(), tokens.end());
  tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
}

}  // namespace

// What one stream has not been sent yet. Thread-safe.
class PriceHub::Subscriber {
 public:
  explicit Subscriber(std::vector<chain::TokenRef> tokens) : tokens_(std::move(tokens)), marked_(tokens_.size()) {}

  const std::vector<chain::TokenRef>& tokens() const { return tokens_; }
  bool wants_all() const { return tokens_.empty(); }

  void Mark(uint32_t index) TW_EXCLUDES(mutex_) {
    common::MutexLock lock(mutex_);
    if (marked_[index]) {
      ++conflated_;
      return;
    }
    marked_[index] = true;
    pending_.push_back(index);
  }

  // Takes up to `limit` of what is marked, the longest marked first.
  void Take(size_t limit, std::vector<chain::TokenRef>* out, uint64_t* conflated) TW_EXCLUDES(mutex_) {
    common::MutexLock lock(mutex_);
    const size_t count = std::min(limit, pending_.size());
    for (size_t i = 0; i < count; ++i) {
      marked_[pending_[i]] = false;
      out->push_back(tokens_[pending_[i]]);
    }
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(count));
    *conflated = conflated_;
  }

  // `has_more`: there is something already, which marks do not show.
  void Arm(std::function<void()> wake, bool has_more) TW_EXCLUDES(mutex_) {
    {
      common::MutexLock lock(mutex_);
      if (pending_.empty() && !has_more) {
        wake_ = std::move(wake);
        return;
      }
    }
    wake();
  }

  void Disarm() TW_EXCLUDES(mutex_) {
    std::function<void()> dropped;
    common::MutexLock lock(mutex_);
    dropped.swap(wake_);
  }

  // What wakes the stream, once for each Arm; empty when it is awake.
  std::function<void()> TakeWake() TW_EXCLUDES(mutex_) {
    common::MutexLock lock(mutex_);
    return std::exchange(wake_, nullptr);
  }

 private:
  const std::vector<chain::TokenRef> tokens_;
  common::Mutex mutex_;
  std::vector<bool> marked_ TW_GUARDED_BY(mutex_);
  std::vector<uint32_t> pending_ TW_GUARDED_BY(mutex_);
  uint64_t conflated_ TW_GUARDED_BY(mutex_) = 0;
  std::function<void()> wake_ TW_GUARDED_BY(mutex_);
};

class PriceHub::Source final : public common::PullSource<grpc::ByteBuffer> {
 public:
  Source(PriceHub& hub, std::shared_ptr<Subscriber> subscriber, uint64_t position)
      : hub_(hub), subscriber_(std::move(subscriber)), began_(position), position_(position) {}
  ~Source() override { Close(); }

  common::Pull Next(grpc::ByteBuffer* response, absl::Status* status) override {
    while (true) {
      std::vector<chain::TokenRef> tokens;
      uint64_t conflated = 0;
      if (!Take(&tokens, &conflated)) {
        *status = absl::ResourceExhaustedError(
            absl::StrCat("cut off: more than ", hub_.options_.list_capacity,
                         " other tokens changed before this reader took what it had; begin again"));
        return common::Pull::kEnd;
      }
      if (tokens.empty()) return common::Pull::kWait;
      hub_.conflated_.fetch_add(conflated - conflated_told_, std::memory_order_relaxed);
      conflated_told_ = conflated;
      // Tokens that have left memory since, or had no price in the first place, make no message.
      if (hub_.MakeMessage(tokens, conflated, response)) return common::Pull::kSend;
    }
  }

  void Arm(std::function<void()> wake) override {
    bool has_more = false;
    if (subscriber_->wants_all()) {
      common::MutexLock lock(hub_.mutex_);
      // Under the lock that Tell holds while it adds to the list: a change comes before this test or after the arming.
      has_more = hub_.changes_.end() > position_;
      if (!has_more) {
        subscriber_->Arm(std::move(wake), false);
        return;
      }
    }
    subscriber_->Arm(std::move(wake), has_more);
  }

  void Disarm() override { Close(); }
  std::string Resume() const override { return "open the stream again with with_present"; }
  // A message is to hold the newest prices when it leaves.
  bool works_ahead() const override { return false; }

 private:
  // What has not been sent, up to one message. False when some of it is forgotten.
  bool Take(std::vector<chain::TokenRef>* tokens, uint64_t* conflated) {
    const size_t limit = hub_.options_.message_prices;
    if (!subscriber_->wants_all()) {
      subscriber_->Take(limit, tokens, conflated);
      return true;
    }
    common::MutexLock lock(hub_.mutex_);
    if (!hub_.changes_.Read(&position_, limit, tokens)) return false;
    // Every change up to the position was sent, or its token changed again before it could be.
    sent_ += tokens->size();
    *conflated = position_ - began_ - sent_;
    return true;
  }

  void Close() {
    if (std::exchange(closed_, true)) return;
    subscriber_->Disarm();
    hub_.Close(subscriber_);
  }

  PriceHub& hub_;
  const std::shared_ptr<Subscriber> subscriber_;
  // In the list of changes: where the stream began and how far it has come.
  const uint64_t began_;
  uint64_t position_;
  uint64_t sent_ = 0;
  uint64_t conflated_told_ = 0;
  bool closed_ = false;
};

PriceHub::PriceHub(const Options& options, const HotSet& hot, const PriceView& view, common::Clock& clock)
    : options_(options),
      hot_(hot),
      view_(view),
      clock_(clock),
      changes_(options.list_capacity),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

PriceHub::~PriceHub() = default;

void PriceHub::OnPrices(absl::Span<const chain::TokenRef> tokens) {
  if (tokens.empty() || streams_.load(std::memory_order_acquire) == 0) return;
  common::MutexLock lock(inbox_mutex_);
  inbox_.insert(inbox_.end(), tokens.begin(), tokens.end());
  if (inbox_.size() > kInboxTidy) Tidy(inbox_);
  inbox_filled_.NotifyOne();
}

void PriceHub::Run(const std::stop_token& stop) {
  std::vector<chain::TokenRef> tokens;
  while (!stop.stop_requested()) {
    tokens.clear();
    {
      const common::StopWaker waker(stop, inbox_mutex_, inbox_filled_);
      common::MutexLock lock(inbox_mutex_);
      while (inbox_.empty() && !stop.stop_requested()) inbox_filled_.Wait(inbox_mutex_);
      tokens.swap(inbox_);
    }
    Tidy(tokens);
    const size_t woken = Tell(tokens);
    common::SleepUnlessStopped(stop,
                               std::max(options_.interval, options_.interval_per_stream * static_cast<int64_t>(woken)));
  }
}

size_t PriceHub::Tell(const std::vector<chain::TokenRef>& tokens) {
  std::vector<std::function<void()>> wakes;
  const auto wake = [&wakes](Subscriber& subscriber) {
    if (std::function<void()> each = subscriber.TakeWake()) wakes.push_back(std::move(each));
  };
  {
    common::MutexLock lock(mutex_);
    for (const chain::TokenRef& token : tokens) {
      if (!for_all_.empty()) changes_.Add(token);
      const auto interested = interests_.find(token);
      if (interested == interests_.end()) continue;
      for (const Interest& interest : interested->second) {
        interest.subscriber->Mark(interest.index);
        wake(*interest.subscriber);
      }
    }
    if (!tokens.empty()) {
      for (const auto& subscriber : for_all_) wake(*subscriber);
    }
  }
  changes_told_.fetch_add(tokens.size(), std::memory_order_relaxed);
  for (const std::function<void()>& each : wakes) each();
  return wakes.size();
}

std::unique_ptr<common::PullSource<grpc::ByteBuffer>> PriceHub::Open(std::vector<chain::TokenRef> tokens,
                                                                     bool with_present) {
  Tidy(tokens);
  auto subscriber = std::make_shared<Subscriber>(std::move(tokens));
  // Before the stream is entered: from then on the fold must tell.
  streams_.fetch_add(1, std::memory_order_release);
  uint64_t position = 0;
  {
    common::MutexLock lock(mutex_);
    position = changes_.end();
    if (subscriber->wants_all()) for_all_.insert(subscriber);
    for (uint32_t i = 0; i < subscriber->tokens().size(); ++i) {
      interests_[subscriber->tokens()[i]].push_back({subscriber, i});
      if (with_present) subscriber->Mark(i);
    }
  }
  return std::make_unique<Source>(*this, std::move(subscriber), position);
}

void PriceHub::Close(const std::shared_ptr<Subscriber>& subscriber) {
  streams_.fetch_sub(1, std::memory_order_release);
  common::MutexLock lock(mutex_);
  if (for_all_.erase(subscriber) > 0 && for_all_.empty()) changes_.Clear();
  for (const chain::TokenRef& token : subscriber->tokens()) {
    const auto interested = interests_.find(token);
    if (interested == interests_.end()) continue;
    std::erase_if(interested->second, [&](const Interest& each) { return each.subscriber == subscriber; });
    if (interested->second.empty()) interests_.erase(interested);
  }
}

bool PriceHub::MakeMessage(const std::vector<chain::TokenRef>& tokens, uint64_t conflated, grpc::ByteBuffer* out) {
  std::vector<std::optional<PriceInputs>> inputs(tokens.size());
  hot_.ReadMany(tokens, [&](size_t index, const Series& series) { inputs[index] = InputsOf(series); });
  const absl::Time now = clock_.Now();
  std::string wire;
  wire.reserve(tokens.size() * kPriceBytes);
  uint64_t prices = 0;
  PriceView::Memo memo;
  for (const std::optional<PriceInputs>& each : inputs) {
    if (!each.has_value()) continue;
    AppendPriceField(view_.Make(*each, now, memo), now, wire);
    ++prices;
  }
  if (prices == 0) return false;
  AppendConflatedField(conflated, wire);
  prices_sent_.fetch_add(prices, std::memory_order_relaxed);
  messages_sent_.fetch_add(1, std::memory_order_relaxed);
  *out = ToByteBuffer(std::move(wire));
  return true;
}

PriceHub::Counts PriceHub::counts() const {
  return {streams_.load(std::memory_order_relaxed), changes_told_.load(std::memory_order_relaxed),
          prices_sent_.load(std::memory_order_relaxed), messages_sent_.load(std::memory_order_relaxed),
          conflated_.load(std::memory_order_relaxed)};
}

}  // namespace tokenwatch::pricing
