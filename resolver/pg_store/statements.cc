#include "resolver/pg_store/statements.h"

#include <array>

namespace tokenwatch::resolver {
namespace {

constexpr absl::Duration kWriteLimit = absl::Seconds(10);
constexpr absl::Duration kReadLimit = absl::Seconds(5);

// What ToResolution reads, in its order, of a row of resolutions called r.
#define RESOLUTION_COLUMNS                                                                                      \
  "r.chain, r.address, r.state, r.name, r.name_source, r.name_sanitized, "                                      \
  "(extract(epoch FROM r.name_observed_at) * 1000000)::bigint, r.symbol, r.symbol_source, r.symbol_sanitized, " \
  "(extract(epoch FROM r.symbol_observed_at) * 1000000)::bigint, r.uri, r.uri_source, r.uri_sanitized, "        \
  "(extract(epoch FROM r.uri_observed_at) * 1000000)::bigint, r.decimals, r.decimals_source, "                  \
  "r.imitates_chain, r.imitates_address, r.attempts, "                                                          \
  "CASE WHEN isfinite(r.next_attempt_at) THEN (extract(epoch FROM r.next_attempt_at) * 1000000)::bigint END, "  \
  "r.reason"

#define BUDGET_COLUMNS                                                                               \
  "source, remaining, limit_calls, used, "                                                           \
  "CASE WHEN isfinite(last_used_at) THEN (extract(epoch FROM last_used_at) * 1000000)::bigint END, " \
  "CASE WHEN isfinite(closed_until) THEN (extract(epoch FROM closed_until) * 1000000)::bigint END"

#define TOKENS_OF_JSON "jsonb_to_recordset($1::jsonb) AS a(chain text, address text)"

// The fields of a resolution in JSON, as AppendResolution writes them.
#define RESOLUTION_OF_JSON                                                                                   \
  "jsonb_to_recordset($1::jsonb) AS n(chain text, address text, state text, name text, name_source text, "   \
  "name_observed_at timestamptz, name_sanitized boolean, symbol text, symbol_source text, "                  \
  "symbol_observed_at timestamptz, symbol_sanitized boolean, uri text, uri_source text, "                    \
  "uri_observed_at timestamptz, uri_sanitized boolean, decimals integer, decimals_source text, "             \
  "imitates_chain text, imitates_address text, attempts integer, next_attempt_at timestamptz, reason text, " \
  "named boolean)"

}  // namespace

// $1 requests, $2 holder, $3 until, $4 now, $5 mode (0 when due, 1 now, 2 refresh). In the order of keys, so that two
// replicas cannot lock each other out.
const common::Statement kBegin{
    "begin",
    "INSERT INTO resolver.resolutions AS r (chain, address, state, uri, uri_source, uri_observed_at, decimals, "
    "decimals_source, next_attempt_at, created_at, updated_at, leased_by, leased_until) "
    "SELECT a.chain, a.address, 'pending', a.uri, CASE WHEN a.uri <> '' THEN a.uri_source ELSE '' END, "
    "CASE WHEN a.uri <> '' THEN $4::timestamptz END, a.decimals, "
    "CASE WHEN a.decimals IS NULL THEN '' ELSE a.uri_source END, $4::timestamptz, $4::timestamptz, $4::timestamptz, "
    "$2, "
    "$3::timestamptz "
    "FROM jsonb_to_recordset($1::jsonb) AS a(chain text, address text, uri text, uri_source text, decimals integer) "
    "ORDER BY a.chain, a.address "
    "ON CONFLICT (chain, address) DO UPDATE SET leased_by = excluded.leased_by, leased_until = excluded.leased_until, "
    "uri = CASE WHEN r.uri = '' THEN excluded.uri ELSE r.uri END, "
    "uri_source = CASE WHEN r.uri = '' THEN excluded.uri_source ELSE r.uri_source END, "
    "uri_observed_at = CASE WHEN r.uri = '' THEN excluded.uri_observed_at ELSE r.uri_observed_at END, "
    "decimals_source = CASE WHEN r.decimals IS NULL THEN excluded.decimals_source ELSE r.decimals_source END, "
    "decimals = coalesce(r.decimals, excluded.decimals) "
    "WHERE (r.leased_until <= $4::timestamptz OR r.leased_by = $2) AND "
    "((r.state = 'pending' AND (r.next_attempt_at <= $4::timestamptz OR $5::integer >= 1)) OR "
    "(r.state = 'dead_letter' AND $5::integer >= 1) OR $5::integer >= 2)",
    kWriteLimit};

// $1 tokens. After the resolution: who holds the lease and until when.
const common::Statement kGet{
    "get",
    "SELECT " RESOLUTION_COLUMNS
    ", r.leased_by, "
    "CASE WHEN isfinite(r.leased_until) THEN (extract(epoch FROM r.leased_until) * 1000000)::bigint END "
    "FROM resolver.resolutions r JOIN " TOKENS_OF_JSON " USING (chain, address)",
    kReadLimit};

// $1 now, $2 holder, $3 until, $4 limit.
const common::Statement kTakeDue{
    "take_due",
    "UPDATE resolver.resolutions r SET leased_by = $2, leased_until = $3::timestamptz FROM "
    "(SELECT chain, address FROM resolver.resolutions WHERE state = 'pending' AND next_attempt_at <= $1::timestamptz "
    "AND leased_until <= $1::timestamptz ORDER BY next_attempt_at LIMIT $4 FOR UPDATE SKIP LOCKED) d "
    "WHERE r.chain = d.chain AND r.address = d.address RETURNING " RESOLUTION_COLUMNS,
    kWriteLimit};

// $1 resolutions, $2 holder, $3 now.
const common::Statement kFinish{
    "finish",
    "UPDATE resolver.resolutions r SET state = n.state, name = n.name, name_source = n.name_source, "
    "name_observed_at = n.name_observed_at, name_sanitized = n.name_sanitized, symbol = n.symbol, "
    "symbol_source = n.symbol_source, symbol_observed_at = n.symbol_observed_at, "
    "symbol_sanitized = n.symbol_sanitized, uri = n.uri, uri_source = n.uri_source, "
    "uri_observed_at = n.uri_observed_at, uri_sanitized = n.uri_sanitized, decimals = n.decimals, "
    "decimals_source = n.decimals_source, imitates_chain = n.imitates_chain, imitates_address = n.imitates_address, "
    "attempts = n.attempts, next_attempt_at = n.next_attempt_at, reason = n.reason, updated_at = $3::timestamptz, "
    "leased_by = '', leased_until = '-infinity', reported = CASE WHEN n.named THEN false ELSE r.reported END "
    "FROM " RESOLUTION_OF_JSON
    " WHERE r.chain = n.chain AND r.address = n.address "
    "AND (n.state = 'resolved' OR (r.leased_by = $2 AND r.state <> 'resolved'))",
    kWriteLimit};

const common::Statement kInsertAttempts{
    "insert_attempts",
    "INSERT INTO resolver.attempts (chain, address, asked_at, source, outcome, detail, latency_us) "
    "SELECT a.chain, a.address, a.asked_at, a.source, a.outcome, a.detail, a.latency_us FROM "
    "jsonb_to_recordset($1::jsonb) AS a(chain text, address text, asked_at timestamptz, source text, outcome text, "
    "detail text, latency_us bigint) ON CONFLICT DO NOTHING",
    kWriteLimit};

// $1 tokens, $2 attempts to keep of each.
const common::Statement kTrimAttempts{
    "trim_attempts",
    "DELETE FROM resolver.attempts t USING (SELECT a.chain, a.address, x.asked_at FROM " TOKENS_OF_JSON
    " CROSS JOIN LATERAL (SELECT asked_at FROM resolver.attempts WHERE chain = a.chain AND address = a.address "
    "ORDER BY asked_at DESC OFFSET $2 LIMIT 1) x) old "
    "WHERE t.chain = old.chain AND t.address = old.address AND t.asked_at <= old.asked_at",
    kWriteLimit};

const common::Statement kMarkReported{"mark_reported",
                                      "UPDATE resolver.resolutions r SET reported = true FROM " TOKENS_OF_JSON
                                      " WHERE r.chain = a.chain AND r.address = a.address AND NOT r.reported",
                                      kWriteLimit};

// $1 stored before, $2 limit.
const common::Statement kListUnreported{
    "list_unreported",
    "SELECT " RESOLUTION_COLUMNS
    " FROM resolver.resolutions r WHERE NOT r.reported AND r.updated_at < $1::timestamptz "
    "ORDER BY r.updated_at LIMIT $2",
    kReadLimit};

// $1 resolutions, $2 now.
const common::Statement kSaveLaunches{
    "save_launches",
    "INSERT INTO resolver.resolutions AS r (chain, address, state, name, name_source, name_observed_at, "
    "name_sanitized, symbol, symbol_source, symbol_observed_at, symbol_sanitized, uri, uri_source, uri_observed_at, "
    "uri_sanitized, decimals, decimals_source, imitates_chain, imitates_address, attempts, next_attempt_at, reason, "
    "created_at, updated_at) "
    "SELECT n.chain, n.address, n.state, n.name, n.name_source, n.name_observed_at, n.name_sanitized, n.symbol, "
    "n.symbol_source, n.symbol_observed_at, n.symbol_sanitized, n.uri, n.uri_source, n.uri_observed_at, "
    "n.uri_sanitized, n.decimals, n.decimals_source, n.imitates_chain, n.imitates_address, n.attempts, "
    "n.next_attempt_at, n.reason, $2::timestamptz, $2::timestamptz FROM " RESOLUTION_OF_JSON
    " ORDER BY n.chain, n.address ON CONFLICT (chain, address) DO UPDATE SET state = excluded.state, "
    "name = excluded.name, name_source = excluded.name_source, name_observed_at = excluded.name_observed_at, "
    "name_sanitized = excluded.name_sanitized, symbol = excluded.symbol, symbol_source = excluded.symbol_source, "
    "symbol_observed_at = excluded.symbol_observed_at, symbol_sanitized = excluded.symbol_sanitized, "
    "imitates_chain = excluded.imitates_chain, imitates_address = excluded.imitates_address, "
    "next_attempt_at = excluded.next_attempt_at, reason = excluded.reason, updated_at = excluded.updated_at "
    "WHERE r.state <> 'resolved'",
    kWriteLimit};

// $1 cursor, $2 now.
const common::Statement kMoveCursor{
    "move_cursor",
    "INSERT INTO resolver.checkpoints AS c (name, cursor, updated_at) VALUES ('tokens', $1, $2::timestamptz) "
    "ON CONFLICT (name) DO UPDATE SET cursor = greatest(c.cursor, excluded.cursor), updated_at = excluded.updated_at",
    kWriteLimit};
const common::Statement kLoadCursor{"load_cursor", "SELECT cursor FROM resolver.checkpoints WHERE name = 'tokens'",
                                    kReadLimit};
const common::Statement kResetCursor{
    "reset_cursor", "UPDATE resolver.checkpoints SET cursor = 0, updated_at = $1::timestamptz WHERE name = 'tokens'",
    kWriteLimit};

// $1 chain, $2 address, $3 limit.
const common::Statement kListAttempts{
    "list_attempts",
    "SELECT source, (extract(epoch FROM asked_at) * 1000000)::bigint, outcome, detail, latency_us "
    "FROM resolver.attempts WHERE chain = $1 AND address = $2 ORDER BY asked_at DESC LIMIT $3",
    kReadLimit};

// $1 state or '', $2 $3 $4 position, $5 limit. After the resolution: created_at.
const common::Statement kListUnresolved{
    "list_unresolved",
    "SELECT " RESOLUTION_COLUMNS
    ", (extract(epoch FROM r.created_at) * 1000000)::bigint FROM resolver.resolutions r "
    "WHERE r.state <> 'resolved' AND ($1 = '' OR r.state = $1) AND "
    "(r.created_at, r.chain, r.address) > ($2::timestamptz, $3, $4) ORDER BY r.created_at, r.chain, r.address LIMIT $5",
    kReadLimit};

const common::Statement kCountStates{"count_states", "SELECT state, count(*) FROM resolver.resolutions GROUP BY state",
                                     kReadLimit};

// $1 now, $2 chain, $3 address.
const common::Statement kRetryOne{
    "retry_one",
    "UPDATE resolver.resolutions SET state = 'pending', attempts = 0, next_attempt_at = $1::timestamptz, "
    "updated_at = $1::timestamptz WHERE chain = $2 AND address = $3 AND state <> 'resolved'",
    kWriteLimit};
// $1 now, $2 limit.
const common::Statement kRetryDeadLetters{
    "retry_dead_letters",
    "UPDATE resolver.resolutions r SET state = 'pending', attempts = 0, next_attempt_at = $1::timestamptz, "
    "updated_at = $1::timestamptz FROM (SELECT chain, address FROM resolver.resolutions WHERE state = 'dead_letter' "
    "LIMIT $2 FOR UPDATE SKIP LOCKED) d WHERE r.chain = d.chain AND r.address = d.address",
    kWriteLimit};

// $1 budgets, $2 now.
const common::Statement kExchangeBudgets{
    "exchange_budgets",
    "INSERT INTO resolver.provider_budgets AS b (source, remaining, limit_calls, used, last_used_at, closed_until, "
    "updated_at) "
    "SELECT n.source, n.remaining, n.limit_calls, n.used, n.last_used_at, n.closed_until, $2::timestamptz FROM "
    "jsonb_to_recordset($1::jsonb) AS "
    "n(source text, remaining integer, limit_calls integer, used integer, last_used_at timestamptz, closed_until "
    "timestamptz) ORDER BY n.source "
    "ON CONFLICT (source) DO UPDATE SET remaining = excluded.remaining, limit_calls = excluded.limit_calls, "
    "used = excluded.used, last_used_at = excluded.last_used_at, closed_until = greatest(b.closed_until, "
    "excluded.closed_until), updated_at = excluded.updated_at "
    "RETURNING " BUDGET_COLUMNS,
    kWriteLimit};
const common::Statement kLoadBudgets{"load_budgets", "SELECT " BUDGET_COLUMNS " FROM resolver.provider_budgets",
                                     kReadLimit};

// $1 before, $2 rows to keep, $3 limit.
const common::Statement kPruneAttempts{
    "prune_attempts",
    "DELETE FROM resolver.attempts t USING (SELECT chain, address, asked_at, source FROM resolver.attempts "
    "WHERE asked_at < greatest($1::timestamptz, coalesce((SELECT asked_at FROM resolver.attempts "
    "ORDER BY asked_at DESC OFFSET $2 LIMIT 1), '-infinity')) ORDER BY asked_at LIMIT $3) old "
    "WHERE t.chain = old.chain AND t.address = old.address AND t.asked_at = old.asked_at AND t.source = old.source",
    kWriteLimit};

absl::Span<const common::Statement> Statements() {
  static const std::array<common::Statement, 20> kAll = {kBegin,
                                                         kGet,
                                                         kTakeDue,
                                                         kFinish,
                                                         kInsertAttempts,
                                                         kTrimAttempts,
                                                         kMarkReported,
                                                         kListUnreported,
                                                         kSaveLaunches,
                                                         kMoveCursor,
                                                         kLoadCursor,
                                                         kResetCursor,
                                                         kListAttempts,
                                                         kListUnresolved,
                                                         kCountStates,
                                                         kRetryOne,
                                                         kRetryDeadLetters,
                                                         kExchangeBudgets,
                                                         kLoadBudgets,
                                                         kPruneAttempts};
  return kAll;
}

}  // namespace tokenwatch::resolver
