// What the resolver keeps, in the domain's own types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/postgres/database_report.h"
#include "resolver/cascade/cascade.h"
#include "resolver/resolution.h"
#include "resolver/sources/source.h"

namespace tokenwatch::resolver {

// A replica's right to work on tokens.
struct LeaseTerms {
  std::string holder;  // unique per process
  absl::Time now;
  absl::Time until;
};

// A token to begin with: what is known of it by whoever asks.
struct BeginRequest {
  TokenRef token;
  std::string uri = {};
  std::string uri_source = {};
  std::optional<uint32_t> decimals = {};
};

struct Begun {
  enum class Standing {
    kLeased,      // the caller may work on it
    kBusy,        // another replica works on it, until `busy_until`
    kResolved,    // has a name
    kNotDue,      // pending, but not before resolution.next_attempt_at
    kDeadLetter,  // out of attempts
  };
  Resolution resolution;
  Standing standing = Standing::kNotDue;
  absl::Time busy_until = absl::InfinitePast();
};

// Which tokens Begin leases besides pending ones that are due.
enum class BeginMode {
  kWhenDue,  // none
  kNow,      // pending ones that are not due and dead letters
  kRefresh,  // those, and resolved ones
};

struct StateCounts {
  int64_t resolved = 0;
  int64_t pending = 0;
  int64_t dead_letters = 0;
};

struct StoredBudget {
  std::string source;
  BudgetState state;
};

// Where a page of unresolved tokens begins: after this one. Tokens are in the order of their age.
struct UnresolvedPosition {
  absl::Time created_at = absl::InfinitePast();
  TokenRef token;
};
struct UnresolvedPage {
  std::vector<Resolution> resolutions;
  // Set when there is more.
  std::optional<UnresolvedPosition> next;
};

// Thread-safe; calls block until `deadline` at most. Every write may be repeated without harm. Errors: UNAVAILABLE,
// DEADLINE_EXCEEDED, ABORTED and RESOURCE_EXHAUSTED may pass by themselves; UNKNOWN means that a write may have
// happened.
class Store {
 public:
  virtual ~Store() = default;

  // Makes rows for tokens never asked for, and leases what may be worked on. One result per request, in their order;
  // tokens must be different from each other.
  virtual absl::StatusOr<std::vector<Begun>> Begin(absl::Span<const BeginRequest> requests, BeginMode mode,
                                                   const LeaseTerms& lease, absl::Time deadline) = 0;
  // Leases up to `limit` pending tokens that are due, oldest first.
  virtual absl::StatusOr<std::vector<Resolution>> TakeDue(int limit, const LeaseTerms& lease, absl::Time deadline) = 0;

  // Stores rounds that ended, with their attempts, keeping the newest `attempts_per_token`, and ends the leases of
  // `holder`. A round without a name changes nothing when the lease has gone to another holder or the token has a name.
  virtual absl::Status Finish(absl::Span<const Finished> finished, const std::string& holder, int attempts_per_token,
                              absl::Time now, absl::Time deadline) = 0;

  // The detector knows these names now.
  virtual absl::Status MarkReported(absl::Span<const TokenRef> tokens, absl::Time deadline) = 0;
  // Names that the detector has not acknowledged and that were stored before `stored_before`, oldest first.
  virtual absl::StatusOr<std::vector<Resolution>> ListUnreported(int limit, absl::Time stored_before,
                                                                 absl::Time deadline) = 0;

  // Stores tokens that were launched with a name, unless they have one already, and how far the token log has been
  // read.
  virtual absl::Status SaveLaunches(absl::Span<const Resolution> launches, uint64_t cursor, absl::Time now,
                                    absl::Time deadline) = 0;
  // 0 before the first SaveLaunches.
  virtual absl::StatusOr<uint64_t> LoadCursor(absl::Time deadline) = 0;
  // Back to the beginning of the token log.
  virtual absl::Status ResetCursor(absl::Time now, absl::Time deadline) = 0;

  // Those of the tokens that were ever asked for, in no particular order.
  virtual absl::StatusOr<std::vector<Resolution>> Get(absl::Span<const TokenRef> tokens, absl::Time deadline) = 0;
  // Newest first.
  virtual absl::StatusOr<std::vector<Attempt>> ListAttempts(const TokenRef& token, int limit, absl::Time deadline) = 0;
  // Of one state (pending or dead letter), or both.
  virtual absl::StatusOr<UnresolvedPage> ListUnresolved(std::optional<State> state,
                                                        const std::optional<UnresolvedPosition>& after, int limit,
                                                        absl::Time deadline) = 0;
  virtual absl::StatusOr<StateCounts> CountStates(absl::Time deadline) = 0;

  // Puts the token, or all dead letters, back to the start of their attempts, due at `now`. How many were.
  virtual absl::StatusOr<int64_t> Retry(const std::optional<TokenRef>& token, absl::Time now, absl::Time deadline) = 0;

  // A closed window stays closed until the latest time that any replica was told; returns what is stored afterwards.
  virtual absl::StatusOr<std::vector<StoredBudget>> ExchangeBudgets(absl::Span<const StoredBudget> budgets,
                                                                    absl::Time now, absl::Time deadline) = 0;

  virtual absl::StatusOr<std::vector<StoredBudget>> LoadBudgets(absl::Time deadline) = 0;

  // Deletes up to `limit` attempts asked before `before` or beyond the newest `max_rows`. Returns how many.
  virtual absl::StatusOr<int64_t> PruneAttempts(absl::Time before, int64_t max_rows, int limit,
                                                absl::Time deadline) = 0;

  virtual absl::StatusOr<common::DatabaseReport> Diagnose(absl::Time deadline) = 0;
};

}  // namespace tokenwatch::resolver
