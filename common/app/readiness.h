// Whether this process can do its work, and if not, why: what /readyz and gRPC health tell.
//
//   Readiness::Condition database = readiness.Add("database", "not connected yet");
//   ...
//   database.SetReady();
//   database.SetNotReady("connection refused by 10.0.0.7:5432");
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/sync/mutex.h"

namespace tokenwatch::common {

// Thread-safe. Outlives its conditions. Without any condition it is ready.
class Readiness {
 public:
  // One named reason to be ready or not; taken back when destroyed. Thread-safe.
  class [[nodiscard]] Condition {
   public:
    Condition() = default;
    Condition(Condition&& other) noexcept : readiness_(std::exchange(other.readiness_, nullptr)), id_(other.id_) {}
    Condition& operator=(Condition&& other) noexcept;
    ~Condition();

    void SetReady();
    // `reason` says what is awaited or wrong, for a person.
    void SetNotReady(const std::string& reason);

   private:
    friend class Readiness;
    Condition(Readiness* readiness, uint64_t id) : readiness_(readiness), id_(id) {}
    Readiness* readiness_ = nullptr;
    uint64_t id_ = 0;
  };

  // A new condition, not ready for `reason`.
  Condition Add(const std::string& name, const std::string& reason);

  struct Reason {
    std::string name;
    std::string reason;
  };
  // The conditions that are not met, in the order in which they were added.
  std::vector<Reason> NotReady() const;
  bool ready() const { return NotReady().empty(); }

  // `observer` is told now, and on each change, whether all conditions are met. One observer; an empty one ends it. It
  // is called under this object's lock and must not call back.
  void Observe(std::function<void(bool)> observer);

 private:
  struct State {
    std::string name;
    std::string reason;  // empty: ready
  };
  void Set(uint64_t id, const std::string& reason);
  void Remove(uint64_t id);
  bool ReadyLocked() const TW_REQUIRES(mutex_);
  void TellObserver() TW_REQUIRES(mutex_);

  mutable Mutex mutex_;
  uint64_t next_id_ TW_GUARDED_BY(mutex_) = 1;
  std::map<uint64_t, State> conditions_ TW_GUARDED_BY(mutex_);
  std::function<void(bool)> observer_ TW_GUARDED_BY(mutex_);
  bool told_ TW_GUARDED_BY(mutex_) = false;
};

}  // namespace tokenwatch::common
