#include "detector/pg_store/log_session.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <openssl/sha.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/postgres/batch.h"
#include "common/postgres/copy.h"
#include "detector/pg_store/schema.h"
#include "detector/pg_store/statements.h"
#include "detector/pg_store/token_json.h"

namespace tokenwatch::detector {
namespace {

using common::Transaction;

// Rows are handed to the connection in pieces of about this size.
constexpr size_t kCopyPieceBytes = 256 * 1024;
constexpr char kWriteWhat[] = "write the log";

std::string Digest(absl::string_view bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), sizeof digest));
}

class JsonArray {
 public:
  // The place to append the next element to.
  std::string& Next() {
    text_.push_back(empty_ ? '[' : ',');
    empty_ = false;
    return text_;
  }
  bool empty() const { return empty_; }
  std::string Take() { return empty_ ? "[]" : std::move(text_ += "]"); }

 private:
  std::string text_;
  bool empty_ = true;
};

void AppendEventJson(const TokenEvent& event, std::string& out) {
  absl::StrAppend(&out, R"({"cursor":)", event.cursor, R"(,"kind":")", ToWord(event.kind), R"(","event_time":")");
  AppendTimeText(event.event_time, out);
  absl::StrAppend(&out, R"(","chain":")", chain::ChainName(event.token.ref.chain), R"(","address":")",
                  event.token.ref.address.text(), R"(","state":)", static_cast<int>(event.token.state), R"(,"token":)");
  AppendTokenJson(event.token, out);
  out.push_back('}');
}

void AddTokens(const Commit& commit, common::Batch& batch) {
  JsonArray detected;
  JsonArray pending;
  JsonArray promoted;
  JsonArray events;
  for (const TokenBook::Page* page : commit.tokens) {
    const bool is_detected = page->token.state == TokenState::kDetected;
    AppendTokenJson(page->token, (is_detected ? detected : pending).Next());
    if (is_detected && page->was == TokenState::kPending) {
      absl::StrAppend(&promoted.Next(), R"({"chain":")", chain::ChainName(page->token.ref.chain), R"(","address":")",
                      page->token.ref.address.text(), "\"}");
    }
  }
  for (const TokenEvent& event : commit.events) AppendEventJson(event, events.Next());
  if (!promoted.empty()) batch.Add(kDeletePending, promoted.Take());
  if (!detected.empty()) batch.Add(kUpsertDetected, detected.Take());
  if (!pending.empty()) batch.Add(kUpsertPending, pending.Take());
  if (!events.empty()) batch.Add(kInsertEvents, events.Take());
}

void AddQuarantine(const Commit& commit, common::Batch& batch) {
  if (!commit.released_quarantine.empty()) {
    batch.Add(kReleaseQuarantine, absl::StrCat("{", absl::StrJoin(commit.released_quarantine, ","), "}"));
  }
  if (commit.quarantine.empty()) return;
  JsonArray frames;
  for (const QuarantinedFrame& frame : commit.quarantine) {
    std::string& json = frames.Next();
    absl::StrAppend(&json, R"({"id":)", frame.id, R"(,"feed":")", frame.feed.text(), R"(","reason":)");
    AppendJsonText(frame.reason, json);
    json.append(R"(,"detail":)");
    AppendJsonText(frame.detail, json);
    absl::StrAppend(&json, R"(,"raw":")", absl::BytesToHexString(frame.raw), R"(","raw_cut":)",
                    frame.raw_cut ? "true" : "false", R"(,"raw_digest":")", Digest(frame.raw), R"(","received_at":")");
    AppendTimeText(frame.received_at, json);
    json.append("\"}");
  }
  batch.Add(kInsertQuarantine, frames.Take());
}

TradeIdentity ToIdentity(const pqxx::row& row) {
  TradeIdentity identity;
  identity.transaction = chain::TransactionId::FromCanonical(row[0].c_str()).value_or(chain::TransactionId());
  if (!row[1].is_null()) identity.event_index = row[1].as<uint32_t>();
  identity.token = chain::Address::FromCanonical(row[2].c_str()).value_or(chain::Address());
  identity.side = row[3].as<int>() == static_cast<int>(Side::kBuy) ? Side::kBuy : Side::kSell;
  identity.token_amount = chain::Amount::Parse(row[4].c_str()).value_or(chain::Amount());
  identity.event_time = absl::FromUnixMicros(row[5].as<int64_t>());
  identity.loose_time = row[6].as<bool>();
  return identity;
}

std::optional<int64_t> ToMicros(absl::Time time) {
  if (time == absl::InfinitePast()) return std::nullopt;
  return absl::ToUnixMicros(time);
}

absl::Time FromMicros(const pqxx::field& field) {
  return field.is_null() ? absl::InfinitePast() : absl::FromUnixMicros(field.as<int64_t>());
}

}  // namespace

absl::StatusOr<LogHeads> ToHeads(const pqxx::result& rows) {
  if (rows.size() != 1) {
    return absl::InternalError("table detector.log_heads has no row: the database was changed by hand");
  }
  return LogHeads{rows[0][0].as<uint64_t>(), rows[0][1].as<uint64_t>(), rows[0][2].as<uint64_t>(),
                  FromMicros(rows[0][3]), FromMicros(rows[0][4])};
}

std::string PartitionName(absl::CivilDay day) {
  return absl::StrFormat("trades_p%04d%02d%02d", day.year(), day.month(), day.day());
}

PgLogSession::PgLogSession(const Options& options, std::unique_ptr<common::Connection> connection, common::Clock& clock)
    : options_(options), connection_(std::move(connection)), clock_(clock) {}

absl::StatusOr<std::unique_ptr<PgLogSession>> PgLogSession::Open(const Options& options, absl::Time deadline,
                                                                 common::PostgresObserver& observer,
                                                                 common::Clock& clock) {
  Options own = options;
  own.connection.statements = LogStatements();
  auto connection = common::Connection::Open(own.connection, deadline, observer, clock);
  if (!connection.ok()) return connection.status();
  const auto leads = (*connection)->TryAdvisoryLock(own.advisory_lock_key, deadline);
  if (!leads.ok()) return leads.status();
  if (!*leads) return nullptr;
  std::unique_ptr<PgLogSession> session(new PgLogSession(own, *std::move(connection), clock));
  if (absl::Status status = session->LoadPartitions(); !status.ok()) return status;
  return session;
}

absl::Status PgLogSession::LoadPartitions() {
  const auto rows = connection_->Query("list the partitions of trades", kListPartitions, Deadline());
  if (!rows.ok()) return rows.status();
  for (const auto& row : *rows) partitions_.insert(row[0].as<std::string>());
  return absl::OkStatus();
}

absl::StatusOr<LogHeads> PgLogSession::ReadHeads() {
  const auto rows = connection_->Query("read the heads of the log", kReadHeads, Deadline());
  if (!rows.ok()) return rows.status();
  const auto heads = ToHeads(*rows);
  if (heads.ok()) heads_ = *heads;
  return heads;
}

absl::Status PgLogSession::ReadRecentTrades(uint64_t count, const std::function<void(const TradeIdentity&)>& visit) {
  const uint64_t after = heads_.trade_cursor > count ? heads_.trade_cursor - count : 0;
  if (after == heads_.trade_cursor) return absl::OkStatus();
  const std::string query = absl::StrCat("SELECT ", IdentityColumnList(), " FROM detector.trades WHERE cursor > ",
                                         after, " AND cursor <= ", heads_.trade_cursor, " ORDER BY cursor");
  // Row by row as they come: the server reads on while they are visited, and they are never in memory as a whole.
  return connection_->Transact("read recent trades", Deadline(), [&](Transaction& transaction) -> absl::Status {
    auto copy = common::CopyOut::Begin(transaction, query);
    if (!copy.ok()) return copy.status();
    IdentityRowReader reader;
    absl::string_view row;
    TradeIdentity identity;
    while (true) {
      const auto more = copy->Next(&row);
      if (!more.ok()) return more.status();
      if (!*more) return absl::OkStatus();
      if (absl::Status parsed = reader.Parse(row, &identity); !parsed.ok()) return parsed;
      visit(identity);
    }
  });
}

absl::StatusOr<std::vector<TradeIdentity>> PgLogSession::FindTrades(absl::Span<const chain::TransactionId> transactions,
                                                                    absl::Time earliest, absl::Time latest) {
  std::vector<TradeIdentity> found;
  std::string list = "{";
  for (const chain::TransactionId& transaction : transactions) {
    absl::StrAppend(&list, list.size() > 1 ? "," : "", transaction.text());
  }
  list.push_back('}');
  const auto rows = connection_->Query("look for trades in the log", kFindTrades, Deadline(),
                                       absl::ToUnixMicros(earliest), absl::ToUnixMicros(latest), list);
  if (!rows.ok()) return rows.status();
  for (const auto& row : *rows) found.push_back(ToIdentity(row));
  return found;
}

absl::StatusOr<std::vector<Token>> PgLogSession::LoadTokens(absl::Span<const chain::TokenRef> refs) {
  std::vector<Token> tokens;
  if (refs.empty()) return tokens;
  const auto rows = connection_->Query("load tokens", kLoadTokens, Deadline(), RefsJson(refs));
  if (!rows.ok()) return rows.status();
  for (const auto& row : *rows) {
    auto token = ParseTokenJson(row[1].c_str(), static_cast<TokenState>(row[0].as<int>()));
    if (!token.ok()) return token.status();
    tokens.push_back(*std::move(token));
  }
  return tokens;
}

absl::Status PgLogSession::Write(const Commit& commit) {
  common::Batch batch;
  // First: fails the transaction when the log moved, which cannot be while the advisory lock holds.
  batch.Add(kMoveHeads, heads_.token_cursor, heads_.trade_cursor, heads_.quarantine_id, commit.heads.token_cursor,
            commit.heads.trade_cursor, commit.heads.quarantine_id, ToMicros(commit.heads.latest_trade),
            ToMicros(commit.heads.latest_loose_trade));
  AddTokens(commit, batch);
  AddQuarantine(commit, batch);
  for (const FeedPosition& position : commit.positions) {
    batch.Add(kSavePosition, std::string(position.reader.text()), position.source, position.frames);
  }
  for (const auto& [ref, retry_at] : commit.returned_claims) {
    std::string until = "-infinity";
    if (retry_at > absl::UnixEpoch() && retry_at < absl::InfiniteFuture()) {
      until.clear();
      AppendTimeText(retry_at, until);
    }
    batch.Add(kReturnClaim, std::string(chain::ChainName(ref.chain)), std::string(ref.address.text()), until);
  }

  std::vector<std::string> new_partitions;
  absl::Status status;
  if (commit.trades.empty()) {
    status = connection_->TransactBatch(kWriteWhat, Deadline(), batch);
  } else {
    // COPY knows no pipeline.
    status = connection_->Transact(kWriteWhat, Deadline(), [&](Transaction& transaction) -> absl::Status {
      if (absl::Status rest = transaction.ExecBatch(kWriteWhat, batch); !rest.ok()) return rest;
      return WriteTrades(transaction, commit, new_partitions);
    });
  }
  if (!status.ok()) return status;
  heads_ = commit.heads;
  for (std::string& name : new_partitions) partitions_.insert(std::move(name));
  return absl::OkStatus();
}

absl::Status PgLogSession::WriteTrades(Transaction& transaction, const Commit& commit,
                                       std::vector<std::string>& new_partitions) {
  const std::vector<Trade>& trades = commit.trades;
  size_t next = 0;
  // Runs of one day, copied straight into the day's partition, so that the server need not route each row.
  while (next < trades.size()) {
    const absl::CivilDay day = absl::ToCivilDay(trades[next].event_time, absl::UTCTimeZone());
    const absl::Time day_end = absl::FromCivil(day + 1, absl::UTCTimeZone());
    const absl::Time day_begin = absl::FromCivil(day, absl::UTCTimeZone());
    const std::string name = PartitionName(day);
    if (!partitions_.contains(name) &&
        std::find(new_partitions.begin(), new_partitions.end(), name) == new_partitions.end()) {
      MakePartition(transaction, name, day);
      new_partitions.push_back(name);
    }
    auto copy = common::CopyIn::Begin(transaction, absl::StrCat(options_.schema, ".", name), TradeColumns());
    if (!copy.ok()) return copy.status();
    rows_.Clear();
    for (; next < trades.size() && trades[next].event_time >= day_begin && trades[next].event_time < day_end; ++next) {
      AppendTradeRow(trades[next], rows_);
      if (rows_.data().size() < kCopyPieceBytes) continue;
      if (absl::Status status = copy->Write(rows_.data()); !status.ok()) return status;
      rows_.Clear();
    }
    if (absl::Status status = copy->Write(rows_.data()); !status.ok()) return status;
    if (const auto written = copy->Finish(); !written.ok()) return written.status();
  }
  return absl::OkStatus();
}

void PgLogSession::MakePartition(Transaction& transaction, const std::string& name, absl::CivilDay day) {
  const std::string table = common::QuoteTable(absl::StrCat(options_.schema, ".", name));
  const std::string parent = common::QuoteTable(absl::StrCat(options_.schema, ".trades"));
  // Made apart and then attached: that takes no lock that a reader of the parent would hold up.
  transaction.ExecSql(absl::StrCat("CREATE TABLE IF NOT EXISTS ", table, " (LIKE ", parent, " INCLUDING ALL)"));
  transaction.ExecSql(
      absl::StrFormat("ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM ('%s 00:00:00+00') TO ('%s 00:00:00+00')",
                      parent, table, absl::FormatCivilTime(day), absl::FormatCivilTime(day + 1)));
}

}  // namespace tokenwatch::detector
