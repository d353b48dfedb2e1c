#include "detector/pg_store/store.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/postgres/copy.h"
#include "detector/pg_store/log_session.h"
#include "detector/pg_store/schema.h"
#include "detector/pg_store/statements.h"
#include "detector/pg_store/token_json.h"
#include "detector/pg_store/trade_rows.h"

namespace tokenwatch::detector {
namespace {

// The lock's key is the service's and the shard's name in numbers: "tokw" "det0".
constexpr int64_t kLeaderLock = 0x746f6b7764657430;
// How much of the log one read looks at when a filter leaves most of it out: bounds the time of a read.
constexpr uint64_t kScanSpan = 200'000;

std::string TimeText(absl::Time time) {
  std::string text;
  AppendTimeText(time, text);
  return text;
}

std::string Quoted(absl::string_view text) { return absl::StrCat("'", text, "'"); }

// `column IN (...)`; the texts are canonical addresses and known words, which hold no quote.
template <typename Values, typename ToText>
void AppendIn(absl::string_view column, const Values& values, ToText to_text, std::string& where) {
  if (values.empty()) return;
  absl::StrAppend(
      &where, " AND ", column, " IN (",
      absl::StrJoin(values, ",", [&](std::string* out, const auto& value) { out->append(Quoted(to_text(value))); }),
      ")");
}

std::string WhereOf(const TradeFilter& filter) {
  std::string where;
  const auto text = [](const auto& value) { return value.text(); };
  AppendIn(
      "chain", filter.chains, [](chain::Chain chain) { return chain::ChainName(chain); }, where);
  AppendIn("token", filter.tokens, text, where);
  AppendIn("trader", filter.traders, text, where);
  AppendIn("venue", filter.venues, text, where);
  if (filter.side.has_value()) absl::StrAppend(&where, " AND side = ", static_cast<int>(*filter.side));
  return where;
}

// Each row of `query`, which selects TradeColumnList().
absl::Status VisitTrades(common::Connection& connection, const std::string& query,
                         const std::function<void(const TradeFields&)>& visit, absl::Time deadline) {
  return connection.Transact("read trades", deadline, [&](common::Transaction& transaction) -> absl::Status {
    auto copy = common::CopyOut::Begin(transaction, query);
    if (!copy.ok()) return copy.status();
    TradeRowReader reader;
    absl::string_view row;
    TradeFields trade;
    while (true) {
      const auto more = copy->Next(&row);
      if (!more.ok()) return more.status();
      if (!*more) return absl::OkStatus();
      if (absl::Status parsed = reader.Parse(row, &trade); !parsed.ok()) return parsed;
      visit(trade);
    }
  });
}

absl::StatusOr<std::vector<Token>> ToTokens(const absl::StatusOr<pqxx::result>& rows) {
  if (!rows.ok()) return rows.status();
  std::vector<Token> tokens;
  tokens.reserve(rows->size());
  for (const auto& row : *rows) {
    auto token = ParseTokenJson(row[1].c_str(), static_cast<TokenState>(row[0].as<int>()));
    if (!token.ok()) return token.status();
    tokens.push_back(*std::move(token));
  }
  return tokens;
}

absl::StatusOr<std::vector<QuarantinedFrame>> ToFrames(const absl::StatusOr<pqxx::result>& rows) {
  if (!rows.ok()) return rows.status();
  std::vector<QuarantinedFrame> frames;
  for (const auto& row : *rows) {
    QuarantinedFrame frame;
    frame.id = row[0].as<uint64_t>();
    frame.feed = Word(absl::string_view(row[1].c_str()).substr(0, Word::kMaxSize));
    frame.reason = row[2].as<std::string>();
    frame.detail = row[3].as<std::string>();
    const pqxx::binarystring raw(row[4]);
    frame.raw.assign(reinterpret_cast<const char*>(raw.data()), raw.size());
    frame.raw_cut = row[5].as<bool>();
    frame.received_at = absl::FromUnixMicros(row[6].as<int64_t>());
    frames.push_back(std::move(frame));
  }
  return frames;
}

common::ConnectionOptions SessionOptions(const PgStore::Options& options, std::string application_name) {
  common::ConnectionOptions connection;
  connection.dsn = SessionDsn(options.dsn);
  connection.application_name = std::move(application_name);
  connection.connect_timeout = options.connect_timeout;
  return connection;
}

}  // namespace

PgStore::PgStore(const Options& options, std::unique_ptr<common::Pool> pool, common::PostgresObserver& observer,
                 common::Clock& clock)
    : options_(options), pool_(std::move(pool)), observer_(observer), clock_(clock) {}

absl::StatusOr<std::unique_ptr<PgStore>> PgStore::Open(const Options& options, absl::Time deadline,
                                                       common::PostgresObserver& observer, common::Clock& clock) {
  if (absl::Status status = PrepareSchema(SessionOptions(options, "tokenwatch-detector-start"),
                                          options.expected_database, deadline, observer, clock);
      !status.ok()) {
    return status;
  }
  common::PoolOptions pool_options;
  pool_options.connection = SessionOptions(options, "tokenwatch-detector");
  pool_options.connection.statements = StoreStatements();
  pool_options.max_connections = options.max_connections;
  auto pool = common::Pool::Create(pool_options, deadline, observer, clock);
  if (!pool.ok()) return pool.status();
  return std::unique_ptr<PgStore>(new PgStore(options, *std::move(pool), observer, clock));
}

absl::StatusOr<std::unique_ptr<LogSession>> PgStore::OpenLogSession(absl::Time deadline) {
  PgLogSession::Options session;
  session.connection = SessionOptions(options_, "tokenwatch-detector-writer");
  session.schema = kSchema;
  session.advisory_lock_key = kLeaderLock;
  return PgLogSession::Open(session, deadline, observer_, clock_);
}

absl::StatusOr<LogHeads> PgStore::ReadHeads(absl::Time deadline) {
  auto lease = pool_->Acquire(deadline);
  if (!lease.ok()) return lease.status();
  const auto rows = (*lease)->Query("read the heads of the log", kReadHeads, deadline);
  if (!rows.ok()) return rows.status();
  return ToHeads(*rows);
}

absl::StatusOr<uint64_t> PgStore::ReadTrades(uint64_t after, uint64_t until, const TradeFilter& filter, int limit,
                                             const std::function<void(const TradeFields&)>& visit,
                                             absl::Time deadline) {
  if (after >= until) return until;
  auto lease = pool_->Acquire(deadline);
  if (!lease.ok()) return lease.status();
  // Without a filter a read never looks further than what it returns.
  const uint64_t span = filter.empty() ? static_cast<uint64_t>(limit) : kScanSpan;
  const uint64_t end = std::min(until, after + span);
  const std::string query = absl::StrCat("SELECT ", TradeColumnList(), " FROM detector.trades WHERE cursor > ", after,
                                         " AND cursor <= ", end, WhereOf(filter), " ORDER BY cursor LIMIT ", limit);
  int read = 0;
  uint64_t last = after;
  const absl::Status status = VisitTrades(
      **lease, query,
      [&](const TradeFields& trade) {
        last = trade.cursor;
        ++read;
        visit(trade);
      },
      deadline);
  if (!status.ok()) return status;
  return read == limit ? last : end;
}

absl::Status PgStore::ReadTradesAt(absl::Span<const uint64_t> cursors,
                                   const std::function<void(const TradeFields&)>& visit, absl::Time deadline) {
  if (cursors.empty()) return absl::OkStatus();
  auto lease = pool_->Acquire(deadline);
  if (!lease.ok()) return lease.status();
  const std::string query = absl::StrCat("SELECT ", TradeColumnList(), " FROM detector.trades WHERE cursor = ANY ('{",
                                         absl::StrJoin(cursors, ","), "}'::bigint[]) ORDER BY cursor");
  return VisitTrades(**lease, query, visit, deadline);
}

absl::StatusOr<std::optional<uint64_t>> PgStore::OldestTrade(absl::Time deadline) {
  auto lease = pool_->Acquire(deadline);
  if (!lease.ok()) return lease.status();
  const auto rows = (*lease)->Query("find the oldest trade", kOldestTrade, deadline);
  if (!rows.ok()) return rows.status();
  if ((*rows)[0][0].is_null()) return std::optional<uint64_t>();
  return std::optional<uint64_t>((*rows)[0][0].as<uint64_t>());
}

absl::StatusOr<std::vector<TokenEvent>> PgStore::ReadEvents(uint64_t after, int limit, absl::Time deadline) {
  auto lease = pool_->Acquire(deadline);
  if (!lease.ok()) return lease.status();
  const auto rows = (*lease)->Query("read token events", kReadEvents, deadline, after, limit);
  if (!rows.ok()) return rows.status();
  std::vector<TokenEvent> events;
  events.reserve(rows->size());
  for (const auto& row : *rows) {
    TokenEvent event;
    event.cursor = row[0].as<uint64_t>();
    const auto kind = ParseTokenEventKind(row[1].c_str());
    if (!kind.has_value()) return absl::InternalError(absl::StrCat("token event ", event.cursor, " has a bad kind"));
    event.kind = *kind;
    event.event_time = absl::FromUnixMicros(row[2].as<int64_t>());
    auto token = ParseTokenJson(row[4].c_str(), static_cast<TokenState>(row[3].as<int>()));
    if (!token.ok()) return token.status();
    event.token = *std::move(token);
    events.push_back(std::move(event));
  }
  return events;
}

absl::StatusOr<std::vector<Token>> PgStore::GetTokens(absl::Span<const chain::TokenRef> refs, absl::Time deadline) {
  auto lease = pool_->Acquire(deadline);
  if (!lease.ok()) return lease.status();
  return ToTokens((*lease)->Query("load tokens", kLoadTokens, deadline, RefsJson(refs)));
}

absl::StatusOr<std::vector<Token>> PgStore::ListTokens(const TokenQuery& query, absl::Time deadline) {
  auto lease = pool_->Acquire(deadline);
  if (!lease.ok()) return lease.status();
  const int64_t before = query.before == 0 ? std::numeric_limits<int64_t>::max() : static_cast<int64_t>(query.before);
  return ToTokens((*lease)->Query("list tokens", kListTokens, deadline, before,
                                  query.chain.has_value() ? std::string(chain::ChainName(*query.chain)) : std::string(),
                                  query.creator.has_value() ? std::string(query.creator->text()) : std::string(),
                                  query.state.has_value() ? static_cast<int>(*query.state) : 0, query.limit));
}

absl::StatusOr<std::vector<Token>> PgStore::SearchTokens(const SearchQuery& query, absl::Time deadline) {
  auto lease = pool_->Acquire(deadline);
  if (!lease.ok()) return lease.status();
  return ToTokens((*lease)->Query("search tokens", kSearchTokens, deadline, query.text,
                                  query.chain.has_value() ? std::string(chain::ChainName(*query.chain)) : std::string(),
                                  query.offset, query.limit));
}

absl::StatusOr<std::vector<ClaimedToken>> PgStore::ClaimPending(const std::string& claimant, int limit, absl::Time now,
                                                                absl::Duration lease_for, absl::Time deadline) {
  auto lease = pool_->Acquire(deadline);
  if (!lease.ok()) return lease.status();
  const absl::Time until = now + lease_for;
  const auto rows =
      (*lease)->Query("claim pending tokens", kClaimPending, deadline, claimant, TimeText(now), TimeText(until), limit);
  if (!rows.ok()) return rows.status();
  std::vector<ClaimedToken> claimed;
  for (const auto& row : *rows) {
    auto token = ParseTokenJson(row[0].c_str(), TokenState::kPending);
    if (!token.ok()) return token.status();
    claimed.push_back(ClaimedToken{*std::move(token), row[1].as<int>(), until});
  }
  return claimed;
}

absl::StatusOr<Consumer> PgStore::SaveConsumer(const std::string& name, uint64_t cursor, absl::Time now,
                                               absl::Time deadline) {
  auto lease = pool_->Acquire(deadline);
  if (!lease.ok()) return lease.status();
  const auto rows = (*lease)->Query("save a consumer", kSaveConsumer, deadline, name, cursor, TimeText(now));
  if (!rows.ok()) return rows.status();
  return Consumer{name, (*rows)[0][0].as<uint64_t>(), now};
}

absl::StatusOr<std::vector<Consumer>> PgStore::ListConsumers(const std::string& after, int limit, absl::Time deadline) {
  auto lease = pool_->Acquire(deadline);
  if (!lease.ok()) return lease.status();
  const auto rows = (*lease)->Query("list consumers", kListConsumers, deadline, after, limit);
  if (!rows.ok()) return rows.status();
  std::vector<Consumer> consumers;
  for (const auto& row : *rows) {
    consumers.push_back(
        Consumer{row[0].as<std::string>(), row[1].as<uint64_t>(), absl::FromUnixMicros(row[2].as<int64_t>())});
  }
  return consumers;
}

absl::Status PgStore::DeleteConsumer(const std::string& name, absl::Time deadline) {
  auto lease = pool_->Acquire(deadline);
  if (!lease.ok()) return lease.status();
  const auto rows = (*lease)->Query("delete a consumer", kDeleteConsumer, deadline, name);
  if (!rows.ok()) return rows.status();
  if (rows->affected_rows() == 0) return absl::NotFoundError(absl::StrCat("name: no consumer \"", name, "\""));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<QuarantinedFrame>> PgStore::ListQuarantine(const std::string& feed,
                                                                      const std::string& reason, uint64_t before,
                                                                      int limit, absl::Time deadline) {
  auto lease = pool_->Acquire(deadline);
  if (!lease.ok()) return lease.status();
  const int64_t below = before == 0 ? std::numeric_limits<int64_t>::max() : static_cast<int64_t>(before);
  return ToFrames((*lease)->Query("list quarantine", kListQuarantine, deadline, below, feed, reason, limit));
}

absl::StatusOr<std::vector<QuarantinedFrame>> PgStore::LoadQuarantine(absl::Span<const uint64_t> ids,
                                                                      const std::string& reason, int limit,
                                                                      absl::Time deadline) {
  auto lease = pool_->Acquire(deadline);
  if (!lease.ok()) return lease.status();
  return ToFrames((*lease)->Query("load quarantine", kLoadQuarantine, deadline,
                                  absl::StrCat("{", absl::StrJoin(ids, ","), "}"), reason, limit));
}

absl::StatusOr<uint64_t> PgStore::LoadPosition(const Word& reader, const std::string& source, absl::Time deadline) {
  auto lease = pool_->Acquire(deadline);
  if (!lease.ok()) return lease.status();
  const auto rows =
      (*lease)->Query("load a feed's position", kLoadPosition, deadline, std::string(reader.text()), source);
  if (!rows.ok()) return rows.status();
  return rows->empty() ? uint64_t{0} : (*rows)[0][0].as<uint64_t>();
}

absl::StatusOr<Totals> PgStore::ReadTotals(absl::Time deadline) {
  Totals totals;
  auto heads = ReadHeads(deadline);
  if (!heads.ok()) return heads.status();
  totals.heads = *heads;
  auto lease = pool_->Acquire(deadline);
  if (!lease.ok()) return lease.status();
  const auto tokens = (*lease)->Query("count tokens", kCountTokens, deadline);
  if (!tokens.ok()) return tokens.status();
  for (const auto& row : *tokens) {
    const auto count = row[2].as<int64_t>();
    totals.migrated += row[3].as<int64_t>();
    if (row[0].as<int>() == static_cast<int>(TokenState::kPending)) {
      totals.pending += count;
    } else {
      totals.detected += count;
      totals.named_by_source.emplace_back(row[1].as<std::string>(), count);
    }
  }
  const auto quarantine = (*lease)->Query("count quarantine", kCountQuarantine, deadline);
  if (!quarantine.ok()) return quarantine.status();
  totals.quarantined = (*quarantine)[0][0].as<int64_t>();
  return totals;
}

absl::StatusOr<common::DatabaseReport> PgStore::Diagnose(absl::Time deadline) {
  auto lease = pool_->Acquire(deadline);
  if (!lease.ok()) return lease.status();
  return DiagnoseSchema(**lease, deadline);
}

absl::StatusOr<int64_t> PgStore::TrimQuarantine(int64_t max_quarantined, absl::Time deadline) {
  auto lease = pool_->Acquire(deadline);
  if (!lease.ok()) return lease.status();
  const auto rows = (*lease)->Query("trim quarantine", kTrimQuarantine, deadline, max_quarantined);
  if (!rows.ok()) return rows.status();
  return static_cast<int64_t>(rows->affected_rows());
}

absl::StatusOr<std::vector<std::string>> PgStore::DropOldTrades(int keep_days, absl::Time now, absl::Time deadline) {
  auto lease = pool_->Acquire(deadline);
  if (!lease.ok()) return lease.status();
  return DropOldPartitions(**lease, keep_days, now, deadline);
}

}  // namespace tokenwatch::detector
