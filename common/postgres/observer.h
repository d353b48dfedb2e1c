// What a pool or connection tells about itself. Implemented with counters by who has them; the default does nothing.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tokenwatch::common {

// Called from any thread, some calls under the pool's lock: implementations must be thread-safe, quick and not call
// back.
class PostgresObserver {
 public:
  virtual ~PostgresObserver() = default;
  // Connections open, connections leased, callers waiting for one; told whenever one of them changes.
  virtual void OnPool(int /*open*/, int /*busy*/, int /*waiting*/) {}
  // One Acquire ended, in `code`, after `waited`.
  virtual void OnAcquire(absl::Duration /*waited*/, absl::StatusCode /*code*/) {}
  // A connection attempt ended.
  virtual void OnConnect(absl::Duration /*took*/, absl::StatusCode /*code*/) {}
  // A connection was dropped because it broke.
  virtual void OnBroken() {}
  // A statement of the catalogue ended.
  virtual void OnStatement(absl::string_view /*name*/, absl::Duration /*took*/, absl::StatusCode /*code*/) {}

  // The one that does nothing.
  static PostgresObserver& None() {
    static PostgresObserver none;
    return none;
  }
};

}  // namespace tokenwatch::common
