#include "common/app/readiness.h"

#include <algorithm>

namespace tokenwatch::common {

Readiness::Condition& Readiness::Condition::operator=(Condition&& other) noexcept {
  if (this != &other) {
    if (readiness_ != nullptr) readiness_->Remove(id_);
    readiness_ = std::exchange(other.readiness_, nullptr);
    id_ = other.id_;
  }
  return *this;
}

Readiness::Condition::~Condition() {
  if (readiness_ != nullptr) readiness_->Remove(id_);
}

void Readiness::Condition::SetReady() { readiness_->Set(id_, ""); }

void Readiness::Condition::SetNotReady(const std::string& reason) {
  readiness_->Set(id_, reason.empty() ? "no reason given" : reason);
}

Readiness::Condition Readiness::Add(const std::string& name, const std::string& reason) {
  MutexLock lock(mutex_);
  const uint64_t id = next_id_++;
  conditions_.emplace(id, State{name, reason.empty() ? "no reason given" : reason});
  TellObserver();
  return Condition(this, id);
}

std::vector<Readiness::Reason> Readiness::NotReady() const {
  MutexLock lock(mutex_);
  std::vector<Reason> reasons;
  for (const auto& [id, state] : conditions_) {
    if (!state.reason.empty()) reasons.push_back({state.name, state.reason});
  }
  return reasons;
}

void Readiness::Observe(std::function<void(bool)> observer) {
  MutexLock lock(mutex_);
  observer_ = std::move(observer);
  told_ = ReadyLocked();
  if (observer_) observer_(told_);
}

void Readiness::Set(uint64_t id, const std::string& reason) {
  MutexLock lock(mutex_);
  conditions_.at(id).reason = reason;
  TellObserver();
}

void Readiness::Remove(uint64_t id) {
  MutexLock lock(mutex_);
  conditions_.erase(id);
  TellObserver();
}

bool Readiness::ReadyLocked() const {
  return std::all_of(conditions_.begin(), conditions_.end(),
                     [](const auto& condition) { return condition.second.reason.empty(); });
}

void Readiness::TellObserver() {
  const bool ready = ReadyLocked();
  if (!observer_ || ready == told_) return;
  told_ = ready;
  observer_(ready);
}

}  // namespace tokenwatch::common
