#include "pricing/pg_store/statements.h"

#include <array>

namespace tokenwatch::pricing {
namespace {

constexpr absl::Duration kWriteLimit = absl::Seconds(10);
constexpr absl::Duration kReadLimit = absl::Seconds(5);

#define MICROS(column) "CASE WHEN isfinite(" column ") THEN (extract(epoch FROM " column ") * 1000000)::bigint END"

// What ToSeries reads, in its order, of a row of token_prices called p.
#define SERIES_FIELDS \
  "p.chain, p.address, p.quote, " MICROS("p.first_at") ", p.high_quote_units, p.high_token_units, "               \
  MICROS("p.high_at") ", p.high_cursor, p.high_transaction, p.high_venue, p.high_detail, p.low_quote_units, "     \
  "p.low_token_units, " MICROS("p.low_at") ", p.is_partial, p.cursor, p.last_quote_units, p.last_token_units, "   \
  MICROS("p.last_at") ", p.last_transaction, p.last_venue, p.quote_volume, p.token_volume, p.trades, p.buys, "    \
  "p.hot_score, p.venues, p.state"

// What ToChunk reads of a row of candles called c.
#define CHUNK_FIELDS "c.chain, c.address, c.quote, " MICROS("c.start") ", c.packed, c.minutes"

// What ToRequest reads of a row of price_requests called r.
#define REQUEST_FIELDS                                                                                          \
  "r.request_id, r.chain, r.address, r.state, " MICROS("r.created_at") ", " MICROS("r.expires_at") ", " MICROS( \
      "r.next_attempt_at") ", r.attempts, r.reason, r.price::text"

}  // namespace

const common::Statement kReadCheckpoint{
    "read_checkpoint",
    "SELECT flush, cursor, redo_cursor, " MICROS("newest_event") ", " MICROS("log_began") " FROM pricing.checkpoints "
    "WHERE name = 'fold'",
    kReadLimit};
// $1 flush, $2 cursor, $3 redo cursor, $4 newest event or null, $5 where the log began or null.
const common::Statement kMoveCheckpoint{
    "move_checkpoint",
    "UPDATE pricing.checkpoints SET flush = $1::bigint, cursor = $2::bigint, redo_cursor = $3::bigint, "
    "newest_event = $4::timestamptz, log_began = $5::timestamptz, attempt = NULL "
    "WHERE name = 'fold' AND flush = $1::bigint - 1",
    kWriteLimit};
// $1 flush, $2 cursor, $3 newest event or null, $4 where the log began or null. Yields what $2 of kHoldCheckpoint is.
const common::Statement kBeginParts{
    "begin_parts",
    "UPDATE pricing.checkpoints SET cursor = $2::bigint, newest_event = $3::timestamptz, log_began = $4::timestamptz, "
    "attempt = pg_current_xact_id()::text::bigint WHERE name = 'fold' AND flush = $1::bigint - 1 RETURNING attempt",
    kWriteLimit};
// $1 flush, $2 attempt. Yields a row if the checkpoint stands there; then it does so until the transaction ends.
const common::Statement kHoldCheckpoint{"hold_checkpoint",
                                        "SELECT 1 FROM pricing.checkpoints WHERE name = 'fold' AND flush = $1::bigint "
                                        "- 1 AND attempt = $2::bigint FOR SHARE",
                                        kWriteLimit};
const common::Statement kClearParked{"clear_parked", "DELETE FROM pricing.parked_trades", kWriteLimit};
// $1 flush, $2 part, $3 series, $4 trades, $5 bytes.
const common::Statement kPark{"park",
                              "INSERT INTO pricing.parked_trades (flush, part, series, trades, packed) "
                              "VALUES ($1::bigint, $2::integer, $3::integer, $4::bigint, $5::bytea)",
                              kWriteLimit};

// $1 chains, $2 addresses, $3 quotes.
const common::Statement kLoadSeries{
    "load_series",
    "SELECT " SERIES_FIELDS
    " FROM unnest($1::text[], $2::text[], $3::text[]) AS k(chain, address, quote) "
    "JOIN pricing.token_prices p ON p.address = k.address AND p.quote = k.quote AND p.chain = k.chain",
    kReadLimit};
// $1 chains, $2 addresses.
const common::Statement kLoadSeriesOf{"load_series_of",
                                      "SELECT " SERIES_FIELDS
                                      " FROM unnest($1::text[], $2::text[]) AS k(chain, address) "
                                      "JOIN pricing.token_prices p ON p.address = k.address AND p.chain = k.chain",
                                      kReadLimit};
// $1 chains, $2 addresses, $3 quotes, $4 starts.
const common::Statement kLoadChunks{
    "load_chunks",
    "SELECT " CHUNK_FIELDS
    " FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) AS k(chain, address, quote, start) "
    "JOIN pricing.candles c ON c.address = k.address AND c.quote = k.quote AND c.start = k.start AND c.chain = k.chain",
    kReadLimit};
// $1 chain, $2 address, $3 quote, $4 from, $5 to, $6 limit.
const common::Statement kReadChunks{"read_chunks",
                                    "SELECT " CHUNK_FIELDS
                                    " FROM pricing.candles c WHERE c.chain = $1 AND c.address = $2 AND c.quote = $3 "
                                    "AND c.start BETWEEN $4::timestamptz AND $5::timestamptz ORDER BY c.start LIMIT $6",
                                    kReadLimit};
// $1 chain, $2 address, $3 quote, $4 before.
const common::Statement kReadChunkBefore{"read_chunk_before",
                                         "SELECT " CHUNK_FIELDS
                                         " FROM pricing.candles c WHERE c.chain = $1 AND c.address = $2 "
                                         "AND c.quote = $3 AND c.start < $4::timestamptz ORDER BY c.start DESC LIMIT 1",
                                         kReadLimit};
// $1 flush and $2 part to continue after.
const common::Statement kReadParked{"read_parked",
                                    "SELECT flush, part, packed FROM pricing.parked_trades "
                                    "WHERE (flush, part) > ($1::bigint, $2::integer) ORDER BY flush, part LIMIT 64",
                                    kReadLimit};

// $1 chain, $2 address, $3 now.
const common::Statement kWatch{"watch",
                               "INSERT INTO pricing.watched_tokens (chain, address, watched_at) "
                               "VALUES ($1, $2, $3::timestamptz) ON CONFLICT DO NOTHING",
                               kWriteLimit};
const common::Statement kUnwatch{"unwatch", "DELETE FROM pricing.watched_tokens WHERE chain = $1 AND address = $2",
                                 kWriteLimit};
const common::Statement kListWatched{
    "list_watched", "SELECT chain, address FROM pricing.watched_tokens ORDER BY watched_at, address", kReadLimit};

// $1 chains, $2 addresses, $3 times, $4 sources, $5 prices. What one source said of one moment is what it said first.
const common::Statement kAddReferences{
    "add_references",
    "INSERT INTO pricing.reference_prices (chain, address, event_time, source, usd) "
    "SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[]) ON CONFLICT DO NOTHING",
    kWriteLimit};
// $1 from.
const common::Statement kLoadReferences{
    "load_references",
    "SELECT chain, address, " MICROS("event_time") ", source, usd FROM pricing.reference_prices "
    "WHERE event_time >= $1::timestamptz ORDER BY chain, address, event_time, source",
    kReadLimit};

// $1 id, $2 chain, $3 address, $4 created, $5 expires, $6 next attempt, $7 reason.
const common::Statement kAddRequest{
    "add_request",
    "INSERT INTO pricing.price_requests (request_id, chain, address, state, created_at, expires_at, next_attempt_at, "
    "reason) VALUES ($1, $2, $3, 1, $4::timestamptz, $5::timestamptz, $6::timestamptz, $7) ON CONFLICT DO NOTHING",
    kWriteLimit};
const common::Statement kGetRequest{
    "get_request", "SELECT " REQUEST_FIELDS " FROM pricing.price_requests r WHERE r.request_id = $1", kReadLimit};
// $1 state or 0, $2 $3 position, $4 limit.
const common::Statement kListRequests{
    "list_requests",
    "SELECT " REQUEST_FIELDS
    " FROM pricing.price_requests r WHERE ($1::smallint = 0 OR r.state = $1::smallint) "
    "AND (r.created_at, r.request_id) < ($2::timestamptz, $3) ORDER BY r.created_at DESC, r.request_id DESC LIMIT $4",
    kReadLimit};
// $1 now, $2 lease until, $3 limit.
const common::Statement kTakeDueRequests{
    "take_due_requests",
    "UPDATE pricing.price_requests r SET leased_until = $2::timestamptz FROM "
    "(SELECT request_id FROM pricing.price_requests WHERE state = 1 AND next_attempt_at <= $1::timestamptz "
    "AND leased_until <= $1::timestamptz ORDER BY next_attempt_at LIMIT $3 FOR UPDATE SKIP LOCKED) d "
    "WHERE r.request_id = d.request_id RETURNING " REQUEST_FIELDS,
    kWriteLimit};
// $1 outcomes. Ordered, so that two replicas cannot lock each other out.
const common::Statement kFinishRequests{
    "finish_requests",
    "UPDATE pricing.price_requests r SET state = n.state, next_attempt_at = n.next_attempt_at, "
    "attempts = n.attempts, reason = n.reason, price = n.price, leased_until = '-infinity' FROM "
    "(SELECT e.*, held.request_id FROM jsonb_to_recordset($1::jsonb) AS e(id text, state smallint, "
    "next_attempt_at timestamptz, attempts integer, reason text, price jsonb) "
    "JOIN pricing.price_requests held ON held.request_id = e.id WHERE held.state = 1 "
    "ORDER BY held.request_id FOR UPDATE OF held) n "
    "WHERE r.request_id = n.request_id",
    kWriteLimit};
const common::Statement kCountWaiting{"count_waiting", "SELECT count(*) FROM pricing.price_requests WHERE state = 1",
                                      kReadLimit};
// $1 before, $2 limit.
const common::Statement kPruneRequests{
    "prune_requests",
    "DELETE FROM pricing.price_requests r USING (SELECT request_id FROM pricing.price_requests "
    "WHERE state <> 1 AND created_at < $1::timestamptz ORDER BY created_at LIMIT $2) old "
    "WHERE r.request_id = old.request_id",
    kWriteLimit};

absl::Span<const common::Statement> WriteStatements() {
  static const std::array kAll = {kReadCheckpoint, kMoveCheckpoint, kBeginParts, kHoldCheckpoint, kClearParked, kPark};
  return kAll;
}

absl::Span<const common::Statement> StoreStatements() {
  static const std::array kAll = {kReadCheckpoint,  kLoadSeries,     kLoadSeriesOf, kLoadChunks,   kReadChunks,
                                  kReadChunkBefore, kReadParked,     kWatch,        kUnwatch,      kListWatched,
                                  kAddReferences,   kLoadReferences, kAddRequest,   kGetRequest,   kListRequests,
                                  kTakeDueRequests, kFinishRequests, kCountWaiting, kPruneRequests};
  return kAll;
}

}  // namespace tokenwatch::pricing
