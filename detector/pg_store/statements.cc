#include "detector/pg_store/statements.h"

#include <deque>
#include <string>

#include "absl/strings/str_cat.h"

namespace tokenwatch::detector {
namespace {

// A statement within a group commit: short work that never waits for readers. As much as the session's own limit: the
// server's time-out is then set once and not before each commit.
constexpr absl::Duration kWriteLimit = absl::Seconds(30);
constexpr absl::Duration kReadLimit = absl::Seconds(5);

// INSERT ... ON CONFLICT of the tokens in the JSON array $1. A token's address, age and first sight never change.
std::string UpsertTokens(absl::string_view table) {
  std::string assignments;
  for (const char* column : {"name",
                             "symbol",
                             "uri",
                             "name_source",
                             "name_sanitized",
                             "creator",
                             "venue",
                             "pool",
                             "quote_address",
                             "decimals",
                             "supply",
                             "is_mayhem",
                             "is_cashback",
                             "launch_transaction",
                             "launch_slot",
                             "launched_at",
                             "named_at",
                             "completed_at",
                             "migrated_to",
                             "migrated_at",
                             "migration_transaction",
                             "feeds",
                             "imitates_chain",
                             "imitates_address"}) {
    absl::StrAppend(&assignments, assignments.empty() ? "" : ", ", column, " = excluded.", column);
  }
  return absl::StrCat("INSERT INTO detector.", table, " AS t (", kTokenColumns, ") SELECT ", kTokenColumns,
                      " FROM jsonb_populate_recordset(NULL::detector.", table,
                      ", $1::jsonb) ON CONFLICT (chain, address) DO UPDATE SET ", assignments);
}

// A row of either table as ParseTokenJson reads it. The supply goes as text: a JSON number of 256 bits would be read as
// a double.
constexpr absl::string_view kTokenJson = "(to_jsonb(t) || jsonb_build_object('supply', t.supply::text))::text";

// State and JSON of the tokens in both tables that satisfy `where`, which speaks of t.
std::string SelectTokens(absl::string_view where) {
  return absl::StrCat("SELECT 2 AS state, ", kTokenJson, ", t.first_cursor FROM detector.detected_tokens t ", where,
                      " UNION ALL SELECT 1, ", kTokenJson, ", t.first_cursor FROM detector.pending_tokens t ", where);
}

// For the life of the process: statements hold plain pointers. The strings stay reachable, or they would be leaks.
const char* Keep(std::string sql) {
  static auto* const kept = new std::deque<std::string>();
  return kept->emplace_back(std::move(sql)).c_str();
}

constexpr absl::string_view kRefs =
    "FROM jsonb_to_recordset($1::jsonb) AS r(chain text, address text) WHERE t.chain = r.chain AND t.address = "
    "r.address";

constexpr absl::string_view kJoinRefs =
    "JOIN jsonb_to_recordset($1::jsonb) AS r(chain text, address text) USING (chain, address)";

}  // namespace

const common::Statement kReadHeads{
    "read_heads",
    "SELECT token_cursor, trade_cursor, quarantine_id, (extract(epoch FROM latest_trade) * 1000000)::bigint, "
    "(extract(epoch FROM latest_loose_trade) * 1000000)::bigint FROM detector.log_heads WHERE shard = 0",
    kReadLimit};
const common::Statement kMoveHeads{
    "move_heads",
    "SELECT detector.move_heads($1, $2, $3, $4, $5, $6, 'epoch'::timestamptz + $7::bigint * interval '1 microsecond', "
    "'epoch'::timestamptz + $8::bigint * interval '1 microsecond')",
    kWriteLimit};
const common::Statement kListPartitions{
    "list_partitions",
    "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
    "WHERE i.inhparent = 'detector.trades'::regclass",
    kReadLimit};
// IS TRUE keeps the list of transactions a hash table, where = ANY would go through it for each row. "+ 0" keeps the
// plan from walking the whole log in the order of its cursors, which looks cheap as long as the log is empty.
const common::Statement kFindTrades{
    "find_trades",
    "SELECT transaction, event_index, token, side, token_amount, (extract(epoch FROM event_time) * 1000000)::bigint, "
    "loose_time FROM detector.trades WHERE event_time BETWEEN 'epoch'::timestamptz + $1::bigint * interval '1 "
    "microsecond' AND 'epoch'::timestamptz + $2::bigint * interval '1 microsecond' "
    "AND (transaction IN (SELECT unnest($3::text[]))) IS TRUE ORDER BY cursor + 0",
    kWriteLimit};
const common::Statement kLoadTokens{"load_tokens", Keep(SelectTokens(kJoinRefs)), kWriteLimit};
const common::Statement kDeletePending{
    "delete_pending",
    Keep(absl::StrCat("DELETE FROM detector.pending_tokens t USING ", kRefs.substr(sizeof("FROM ") - 1))), kWriteLimit};
const common::Statement kUpsertDetected{"upsert_detected", Keep(UpsertTokens("detected_tokens")), kWriteLimit};
const common::Statement kUpsertPending{"upsert_pending", Keep(UpsertTokens("pending_tokens")), kWriteLimit};
const common::Statement kInsertEvents{
    "insert_events",
    "INSERT INTO detector.token_events (cursor, kind, event_time, chain, address, state, token) "
    "SELECT cursor, kind, event_time, chain, address, state, token FROM jsonb_to_recordset($1::jsonb) AS "
    "e(cursor bigint, kind text, event_time timestamptz, chain text, address text, state smallint, token jsonb)",
    kWriteLimit};
const common::Statement kInsertQuarantine{
    "insert_quarantine",
    "INSERT INTO detector.quarantined_frames (id, feed, reason, detail, raw, raw_cut, raw_digest, received_at) "
    "SELECT id, feed, reason, detail, decode(raw, 'hex'), raw_cut, decode(raw_digest, 'hex'), received_at "
    "FROM jsonb_to_recordset($1::jsonb) AS q(id bigint, feed text, reason text, detail text, raw text, "
    "raw_cut boolean, raw_digest text, received_at timestamptz) ON CONFLICT (feed, reason, raw_digest) DO NOTHING",
    kWriteLimit};
const common::Statement kReleaseQuarantine{
    "release_quarantine", "DELETE FROM detector.quarantined_frames WHERE id = ANY($1::bigint[])", kWriteLimit};
const common::Statement kSavePosition{
    "save_position",
    "INSERT INTO detector.feed_positions AS p (reader, source, frames) VALUES ($1, $2, $3) "
    "ON CONFLICT (reader, source) DO UPDATE SET frames = GREATEST(p.frames, excluded.frames)",
    kWriteLimit};
const common::Statement kReturnClaim{
    "return_claim",
    "UPDATE detector.pending_tokens SET claimed_by = '', lease_until = $3::timestamptz "
    "WHERE chain = $1 AND address = $2",
    kWriteLimit};

absl::Span<const common::Statement> LogStatements() {
  static const common::Statement statements[] = {
      kReadHeads,         kMoveHeads,      kListPartitions, kFindTrades,   kLoadTokens,
      kDeletePending,     kUpsertDetected, kUpsertPending,  kInsertEvents, kInsertQuarantine,
      kReleaseQuarantine, kSavePosition,   kReturnClaim,
  };
  return statements;
}

const common::Statement kOldestTrade{"oldest_trade", "SELECT min(cursor) FROM detector.trades", kReadLimit};
const common::Statement kReadEvents{
    "read_events",
    "SELECT cursor, kind, (extract(epoch FROM event_time) * 1000000)::bigint, state, token::text "
    "FROM detector.token_events WHERE cursor > $1 ORDER BY cursor LIMIT $2",
    kReadLimit};
const common::Statement kListTokens{
    "list_tokens",
    Keep(absl::StrCat(
        "SELECT state, token FROM ((SELECT 2 AS state, ", kTokenJson,
        " AS token, first_cursor "
        "FROM detector.detected_tokens t WHERE first_cursor < $1 AND ($2 = '' OR chain = $2) AND ($3 = '' OR creator = "
        "$3) AND $4 <> 1 ORDER BY first_cursor DESC LIMIT $5) UNION ALL (SELECT 1, ",
        kTokenJson,
        ", first_cursor "
        "FROM detector.pending_tokens t WHERE first_cursor < $1 AND ($2 = '' OR chain = $2) AND ($3 = '' OR creator = "
        "$3) AND $4 <> 2 ORDER BY first_cursor DESC LIMIT $5)) u ORDER BY first_cursor DESC LIMIT $5")),
    kReadLimit};
// Best match first: the whole symbol, the whole name, then by where the text begins; newest first among equals.
const common::Statement kSearchTokens{
    "search_tokens",
    Keep(absl::StrCat("SELECT state, token FROM (SELECT 2 AS state, ", kTokenJson,
                      " AS token, first_cursor, "
                      "lower(symbol) AS s, lower(name) AS n FROM detector.detected_tokens t "
                      "WHERE (position($1 IN lower(symbol)) > 0 OR position($1 IN lower(name)) > 0) "
                      "AND ($2 = '' OR chain = $2)) u ORDER BY s = $1 DESC, n = $1 DESC, "
                      "position($1 IN n) = 1 DESC, first_cursor DESC OFFSET $3 LIMIT $4")),
    kReadLimit};
const common::Statement kClaimPending{
    "claim_pending",
    Keep(absl::StrCat(
        "UPDATE detector.pending_tokens t SET claimed_by = $1, claims = t.claims + 1, lease_until = $3::timestamptz "
        "FROM (SELECT chain, address FROM detector.pending_tokens WHERE lease_until <= $2::timestamptz "
        "ORDER BY lease_until, first_cursor LIMIT $4 FOR UPDATE SKIP LOCKED) c "
        "WHERE t.chain = c.chain AND t.address = c.address RETURNING ",
        kTokenJson, ", t.claims")),
    kReadLimit};
const common::Statement kSaveConsumer{
    "save_consumer",
    "INSERT INTO detector.consumers AS c (name, cursor, updated_at) VALUES ($1, $2, $3::timestamptz) "
    "ON CONFLICT (name) DO UPDATE SET cursor = GREATEST(c.cursor, excluded.cursor), updated_at = excluded.updated_at "
    "RETURNING cursor",
    kReadLimit};
const common::Statement kListConsumers{
    "list_consumers",
    "SELECT name, cursor, (extract(epoch FROM updated_at) * 1000000)::bigint FROM detector.consumers "
    "WHERE name > $1 ORDER BY name LIMIT $2",
    kReadLimit};
const common::Statement kDeleteConsumer{"delete_consumer", "DELETE FROM detector.consumers WHERE name = $1",
                                        kReadLimit};
const common::Statement kListQuarantine{
    "list_quarantine",
    "SELECT id, feed, reason, detail, raw, raw_cut, (extract(epoch FROM received_at) * 1000000)::bigint "
    "FROM detector.quarantined_frames WHERE id < $1 AND ($2 = '' OR feed = $2) AND ($3 = '' OR reason = $3) "
    "ORDER BY id DESC LIMIT $4",
    kReadLimit};
const common::Statement kLoadQuarantine{
    "load_quarantine",
    "SELECT id, feed, reason, detail, raw, raw_cut, (extract(epoch FROM received_at) * 1000000)::bigint "
    "FROM detector.quarantined_frames WHERE ($1::bigint[] = '{}' OR id = ANY($1::bigint[])) "
    "AND ($2 = '' OR reason = $2) ORDER BY id LIMIT $3",
    kReadLimit};
const common::Statement kLoadPosition{
    "load_position", "SELECT frames FROM detector.feed_positions WHERE reader = $1 AND source = $2", kReadLimit};
const common::Statement kCountTokens{
    "count_tokens",
    "SELECT state, name_source, tokens, migrated FROM detector.token_totals ORDER BY tokens DESC, name_source",
    kReadLimit};
const common::Statement kCountQuarantine{"count_quarantine", "SELECT count(*) FROM detector.quarantined_frames",
                                         kReadLimit};
const common::Statement kTrimQuarantine{
    "trim_quarantine",
    "DELETE FROM detector.quarantined_frames WHERE id <= (SELECT id FROM detector.quarantined_frames ORDER BY id DESC "
    "OFFSET $1 LIMIT 1)",
    kReadLimit};
const common::Statement kSlowestConsumer{"slowest_consumer", "SELECT min(cursor) FROM detector.consumers", kReadLimit};

absl::Span<const common::Statement> StoreStatements() {
  static const common::Statement statements[] = {
      kReadHeads,      kListPartitions, kLoadTokens,   kOldestTrade,     kReadEvents,     kListTokens,
      kSearchTokens,   kClaimPending,   kSaveConsumer, kListConsumers,   kDeleteConsumer, kListQuarantine,
      kLoadQuarantine, kLoadPosition,   kCountTokens,  kCountQuarantine, kTrimQuarantine, kSlowestConsumer,
  };
  return statements;
}

}  // namespace tokenwatch::detector
