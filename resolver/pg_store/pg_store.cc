#include "resolver/pg_store/pg_store.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "common/postgres/migration.h"
#include "resolver/pg_store/rows.h"
#include "resolver/pg_store/schema.h"
#include "resolver/pg_store/statements.h"

namespace tokenwatch::resolver {

// Defined by the generated source that holds migrations/*.sql.
absl::Span<const common::Migration> Migrations();

namespace {

using common::Transaction;

// Dead letters put back in one transaction.
constexpr int kRetryBatch = 5000;

std::vector<Resolution> ToResolutions(const pqxx::result& rows) {
  std::vector<Resolution> resolutions;
  resolutions.reserve(rows.size());
  for (const pqxx::row& row : rows) resolutions.push_back(ToResolution(row));
  return resolutions;
}

std::vector<StoredBudget> ToBudgets(const pqxx::result& rows) {
  std::vector<StoredBudget> budgets;
  for (const pqxx::row& row : rows) budgets.push_back(ToBudget(row));
  return budgets;
}

Begun ToBegun(const pqxx::row& row, const LeaseTerms& lease, BeginMode mode) {
  Begun begun;
  begun.resolution = ToResolution(row);
  const std::string holder = row[kResolutionColumns].c_str();
  const absl::Time until = ToTime(row[kResolutionColumns + 1], absl::InfinitePast());
  const State state = begun.resolution.state;
  if (holder == lease.holder && absl::ToUnixMicros(until) == absl::ToUnixMicros(lease.until)) {
    begun.standing = Begun::Standing::kLeased;
  } else if (state == State::kResolved && mode != BeginMode::kRefresh) {
    begun.standing = Begun::Standing::kResolved;
  } else if (until > lease.now) {
    begun.standing = Begun::Standing::kBusy;
    begun.busy_until = until;
  } else if (state == State::kDeadLetter) {
    begun.standing = Begun::Standing::kDeadLetter;
  }
  return begun;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PgStore>> PgStore::Open(const PgStoreOptions& options, absl::Time deadline,
                                                       common::PostgresObserver& observer, common::Clock& clock) {
  common::ConnectionOptions connection;
  connection.dsn = options.dsn;
  connection.application_name = "tokenwatch-resolver";
  {
    auto session = common::Connection::Open(connection, deadline, observer, clock);
    if (!session.ok()) return session.status();
    absl::Status prepared =
        PrepareSchema(**session, Migrations(), options.expected_database, options.expected_role, deadline);
    if (!prepared.ok()) return prepared;
  }
  common::PoolOptions pool_options;
  pool_options.connection = connection;
  pool_options.connection.statements = Statements();
  pool_options.max_connections = options.max_connections;
  auto pool = common::Pool::Create(pool_options, deadline, observer, clock);
  if (!pool.ok()) return pool.status();
  return std::unique_ptr<PgStore>(new PgStore(*std::move(pool)));
}

absl::StatusOr<std::vector<Begun>> PgStore::Begin(absl::Span<const BeginRequest> requests, BeginMode mode,
                                                  const LeaseTerms& lease, absl::Time deadline) {
  auto connection = pool_->Acquire(deadline);
  if (!connection.ok()) return connection.status();
  return (*connection)->Transact("begin resolutions", deadline, [&](Transaction& transaction) {
    transaction.Exec(kBegin, RequestsJson(requests), lease.holder, TimeText(lease.until), TimeText(lease.now),
                     static_cast<int>(mode));
    std::vector<TokenRef> tokens;
    for (const BeginRequest& request : requests) tokens.push_back(request.token);
    const pqxx::result rows = transaction.Exec(kGet, TokensJson(tokens));
    absl::flat_hash_map<TokenRef, Begun> by_token;
    for (const pqxx::row& row : rows) {
      Begun begun = ToBegun(row, lease, mode);
      const TokenRef token = begun.resolution.token;
      by_token.emplace(token, std::move(begun));
    }
    std::vector<Begun> begun;
    for (const TokenRef& token : tokens) begun.push_back(by_token[token]);
    return begun;
  });
}

absl::StatusOr<std::vector<Resolution>> PgStore::TakeDue(int limit, const LeaseTerms& lease, absl::Time deadline) {
  auto connection = pool_->Acquire(deadline);
  if (!connection.ok()) return connection.status();
  auto rows = (*connection)
                  ->Query("take due resolutions", kTakeDue, deadline, TimeText(lease.now), lease.holder,
                          TimeText(lease.until), limit);
  if (!rows.ok()) return rows.status();
  return common::Guard("read due resolutions", [&] { return ToResolutions(*rows); });
}

absl::Status PgStore::Finish(absl::Span<const Finished> finished, const std::string& holder, int attempts_per_token,
                             absl::Time now, absl::Time deadline) {
  auto connection = pool_->Acquire(deadline);
  if (!connection.ok()) return connection.status();
  return (*connection)->Transact("store resolutions", deadline, [&](Transaction& transaction) {
    transaction.Exec(kFinish, FinishedJson(finished), holder, TimeText(now));
    std::vector<TokenRef> asked;
    for (const Finished& one : finished) {
      if (!one.attempts.empty()) asked.push_back(one.resolution.token);
    }
    if (asked.empty()) return;
    transaction.Exec(kInsertAttempts, AttemptsJson(finished));
    transaction.Exec(kTrimAttempts, TokensJson(asked), attempts_per_token);
  });
}

absl::Status PgStore::MarkReported(absl::Span<const TokenRef> tokens, absl::Time deadline) {
  auto connection = pool_->Acquire(deadline);
  if (!connection.ok()) return connection.status();
  return (*connection)->Query("mark names as reported", kMarkReported, deadline, TokensJson(tokens)).status();
}

absl::StatusOr<std::vector<Resolution>> PgStore::ListUnreported(int limit, absl::Time stored_before,
                                                                absl::Time deadline) {
  auto connection = pool_->Acquire(deadline);
  if (!connection.ok()) return connection.status();
  auto rows = (*connection)->Query("list unreported names", kListUnreported, deadline, TimeText(stored_before), limit);
  if (!rows.ok()) return rows.status();
  return common::Guard("read unreported names", [&] { return ToResolutions(*rows); });
}

absl::Status PgStore::SaveLaunches(absl::Span<const Resolution> launches, uint64_t cursor, absl::Time now,
                                   absl::Time deadline) {
  auto connection = pool_->Acquire(deadline);
  if (!connection.ok()) return connection.status();
  return (*connection)->Transact("store launches", deadline, [&](Transaction& transaction) {
    if (!launches.empty()) transaction.Exec(kSaveLaunches, ResolutionsJson(launches), TimeText(now));
    transaction.Exec(kMoveCursor, static_cast<int64_t>(cursor), TimeText(now));
  });
}

absl::StatusOr<uint64_t> PgStore::LoadCursor(absl::Time deadline) {
  auto connection = pool_->Acquire(deadline);
  if (!connection.ok()) return connection.status();
  auto rows = (*connection)->Query("load the cursor", kLoadCursor, deadline);
  if (!rows.ok()) return rows.status();
  return rows->empty() ? 0 : static_cast<uint64_t>((*rows)[0][0].as<int64_t>());
}

absl::Status PgStore::ResetCursor(absl::Time now, absl::Time deadline) {
  auto connection = pool_->Acquire(deadline);
  if (!connection.ok()) return connection.status();
  return (*connection)->Query("reset the cursor", kResetCursor, deadline, TimeText(now)).status();
}

absl::StatusOr<std::vector<Resolution>> PgStore::Get(absl::Span<const TokenRef> tokens, absl::Time deadline) {
  auto connection = pool_->Acquire(deadline);
  if (!connection.ok()) return connection.status();
  auto rows = (*connection)->Query("get resolutions", kGet, deadline, TokensJson(tokens));
  if (!rows.ok()) return rows.status();
  return common::Guard("read resolutions", [&] { return ToResolutions(*rows); });
}

absl::StatusOr<std::vector<Attempt>> PgStore::ListAttempts(const TokenRef& token, int limit, absl::Time deadline) {
  auto connection = pool_->Acquire(deadline);
  if (!connection.ok()) return connection.status();
  auto rows = (*connection)
                  ->Query("list attempts", kListAttempts, deadline, std::string(chain::ChainName(token.chain)),
                          std::string(token.address.text()), limit);
  if (!rows.ok()) return rows.status();
  return common::Guard("read attempts", [&] {
    std::vector<Attempt> attempts;
    for (const pqxx::row& row : *rows) {
      attempts.push_back({token, row[0].c_str(), ToTime(row[1], absl::InfinitePast()),
                          ParseOutcome(row[2].c_str()).value_or(Outcome::kUnavailable), row[3].c_str(),
                          absl::Microseconds(row[4].as<int64_t>())});
    }
    return attempts;
  });
}

absl::StatusOr<UnresolvedPage> PgStore::ListUnresolved(std::optional<State> state,
                                                       const std::optional<UnresolvedPosition>& after, int limit,
                                                       absl::Time deadline) {
  const UnresolvedPosition position = after.value_or(UnresolvedPosition{});
  const bool start = !after.has_value();
  auto connection = pool_->Acquire(deadline);
  if (!connection.ok()) return connection.status();
  auto rows =
      (*connection)
          ->Query("list unresolved tokens", kListUnresolved, deadline,
                  state.has_value() ? std::string(StateName(*state)) : std::string(), TimeText(position.created_at),
                  start ? std::string() : std::string(chain::ChainName(position.token.chain)),
                  start ? std::string() : std::string(position.token.address.text()), limit + 1);
  if (!rows.ok()) return rows.status();
  return common::Guard("read unresolved tokens", [&] {
    UnresolvedPage page;
    for (const pqxx::row& row : *rows) {
      if (page.resolutions.size() == static_cast<size_t>(limit)) {
        const pqxx::row last = (*rows)[static_cast<pqxx::result::size_type>(limit - 1)];
        page.next = {ToTime(last[kResolutionColumns], absl::InfinitePast()), page.resolutions.back().token};
        break;
      }
      page.resolutions.push_back(ToResolution(row));
    }
    return page;
  });
}

absl::StatusOr<StateCounts> PgStore::CountStates(absl::Time deadline) {
  auto connection = pool_->Acquire(deadline);
  if (!connection.ok()) return connection.status();
  auto rows = (*connection)->Query("count resolutions", kCountStates, deadline);
  if (!rows.ok()) return rows.status();
  return common::Guard("read counts", [&] {
    StateCounts counts;
    for (const pqxx::row& row : *rows) {
      const int64_t count = row[1].as<int64_t>();
      switch (ParseState(row[0].c_str()).value_or(State::kPending)) {
        case State::kPending:
          counts.pending = count;
          break;
        case State::kResolved:
          counts.resolved = count;
          break;
        case State::kDeadLetter:
          counts.dead_letters = count;
          break;
      }
    }
    return counts;
  });
}

absl::StatusOr<int64_t> PgStore::Retry(const std::optional<TokenRef>& token, absl::Time now, absl::Time deadline) {
  auto connection = pool_->Acquire(deadline);
  if (!connection.ok()) return connection.status();
  if (token.has_value()) {
    auto rows = (*connection)
                    ->Query("retry a resolution", kRetryOne, deadline, TimeText(now),
                            std::string(chain::ChainName(token->chain)), std::string(token->address.text()));
    if (!rows.ok()) return rows.status();
    return static_cast<int64_t>(rows->affected_rows());
  }
  int64_t retried = 0;
  while (true) {
    auto rows = (*connection)->Query("retry dead letters", kRetryDeadLetters, deadline, TimeText(now), kRetryBatch);
    if (!rows.ok()) return rows.status();
    retried += static_cast<int64_t>(rows->affected_rows());
    if (rows->affected_rows() < static_cast<pqxx::result::size_type>(kRetryBatch)) return retried;
  }
}

absl::StatusOr<std::vector<StoredBudget>> PgStore::ExchangeBudgets(absl::Span<const StoredBudget> budgets,
                                                                   absl::Time now, absl::Time deadline) {
  auto connection = pool_->Acquire(deadline);
  if (!connection.ok()) return connection.status();
  auto rows = (*connection)->Query("exchange budgets", kExchangeBudgets, deadline, BudgetsJson(budgets), TimeText(now));
  if (!rows.ok()) return rows.status();
  return common::Guard("read budgets", [&] { return ToBudgets(*rows); });
}

absl::StatusOr<std::vector<StoredBudget>> PgStore::LoadBudgets(absl::Time deadline) {
  auto connection = pool_->Acquire(deadline);
  if (!connection.ok()) return connection.status();
  auto rows = (*connection)->Query("load budgets", kLoadBudgets, deadline);
  if (!rows.ok()) return rows.status();
  return common::Guard("read budgets", [&] { return ToBudgets(*rows); });
}

absl::StatusOr<int64_t> PgStore::PruneAttempts(absl::Time before, int64_t max_rows, int limit, absl::Time deadline) {
  auto connection = pool_->Acquire(deadline);
  if (!connection.ok()) return connection.status();
  auto rows = (*connection)->Query("prune attempts", kPruneAttempts, deadline, TimeText(before), max_rows, limit);
  if (!rows.ok()) return rows.status();
  return static_cast<int64_t>(rows->affected_rows());
}

absl::StatusOr<common::DatabaseReport> PgStore::Diagnose(absl::Time deadline) {
  auto connection = pool_->Acquire(deadline);
  if (!connection.ok()) return connection.status();
  return InspectSchema(**connection, deadline);
}

}  // namespace tokenwatch::resolver
