#include "common/postgres/copy.h"

#include <algorithm>
#include <utility>

#include <libpq-fe.h>
#include <sys/socket.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace tokenwatch::common {
namespace {

// libpq keeps a whole message in its buffer before it sends; larger ones would only make that buffer grow.
constexpr size_t kMessageBytes = size_t{64} << 10;

// What begins a copy: a signature, no flags, no extension; and the count of fields that ends it.
constexpr absl::string_view kHeader("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
constexpr absl::string_view kTrailer("\377\377", 2);

absl::Status LostConnection(absl::string_view what, pg_conn* conn) {
  return FromSqlState(what, "", conn == nullptr ? "the connection to the database was lost" : PQerrorMessage(conn));
}

// Takes the results that end a copy; the number of rows, or the first error.
absl::StatusOr<int64_t> TakeResults(absl::string_view what, pg_conn* conn) {
  absl::StatusOr<int64_t> outcome = LostConnection(what, conn);
  bool first = true;
  while (PGresult* const raw = PQgetResult(conn)) {
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(raw, &PQclear);
    if (!first) continue;
    first = false;
    if (PQresultStatus(raw) == PGRES_COMMAND_OK) {
      int64_t rows = 0;
      if (!absl::SimpleAtoi(PQcmdTuples(raw), &rows)) rows = 0;
      outcome = rows;
    } else {
      const char* const state = PQresultErrorField(raw, PG_DIAG_SQLSTATE);
      outcome = FromSqlState(what, state == nullptr ? "" : state, PQresultErrorMessage(raw));
    }
    // A copy that goes on instead of ending would be answered with the same result for ever.
    if (PQresultStatus(raw) == PGRES_COPY_IN || PQresultStatus(raw) == PGRES_COPY_OUT) break;
  }
  return outcome;
}

}  // namespace

std::string QuoteIdentifier(absl::string_view name) {
  return absl::StrCat("\"", absl::StrReplaceAll(name, {{"\"", "\"\""}}), "\"");
}

std::string QuoteTable(absl::string_view table) {
  const size_t dot = table.find('.');
  if (dot == absl::string_view::npos) return QuoteIdentifier(table);
  return absl::StrCat(QuoteIdentifier(table.substr(0, dot)), ".", QuoteIdentifier(table.substr(dot + 1)));
}

absl::StatusOr<CopyIn> CopyIn::Begin(Transaction& transaction, absl::string_view table,
                                     const std::vector<std::string>& columns) {
  const auto quote = [](std::string* out, const std::string& name) { out->append(QuoteIdentifier(name)); };
  std::string what = absl::StrCat("copy into ", table);
  absl::Status status = Guard(what, [&] {
    transaction.ExecSql(absl::StrCat("COPY ", QuoteTable(table), " (", absl::StrJoin(columns, ", ", quote),
                                     ") FROM STDIN (FORMAT binary)"));
  });
  if (!status.ok()) return status;
  CopyIn copy(transaction.connection(), std::move(what));
  if (status = copy.Write(kHeader); !status.ok()) return status;
  return copy;
}

CopyIn::CopyIn(CopyIn&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)), what_(std::move(other.what_)) {}

CopyIn::~CopyIn() {
  if (connection_ == nullptr || connection_->handle() == nullptr) return;
  pg_conn* const conn = connection_->handle();
  if (PQputCopyEnd(conn, "given up by the client") != 1) return;
  while (PGresult* const result = PQgetResult(conn)) PQclear(result);
}

absl::Status CopyIn::Write(absl::string_view rows) {
  if (connection_ == nullptr) return absl::FailedPreconditionError(absl::StrCat(what_, ": the copy has ended"));
  while (!rows.empty()) {
    const absl::string_view message = rows.substr(0, kMessageBytes);
    if (PQputCopyData(connection_->handle(), message.data(), static_cast<int>(message.size())) != 1) {
      return LostConnection(what_, connection_->handle());
    }
    rows.remove_prefix(message.size());
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> CopyIn::Finish() {
  if (absl::Status status = Write(kTrailer); !status.ok()) return status;
  pg_conn* const conn = std::exchange(connection_, nullptr)->handle();
  if (PQputCopyEnd(conn, nullptr) != 1) return LostConnection(what_, conn);
  return TakeResults(what_, conn);
}

void CopyOut::FreeRow::operator()(char* row) const { PQfreemem(row); }

absl::StatusOr<CopyOut> CopyOut::Begin(Transaction& transaction, absl::string_view query) {
  absl::Status status =
      Guard("copy out", [&] { transaction.ExecSql(absl::StrCat("COPY (", query, ") TO STDOUT (FORMAT binary)")); });
  if (!status.ok()) return status;
  return CopyOut(transaction.connection());
}

CopyOut::CopyOut(CopyOut&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)),
      header_read_(other.header_read_),
      row_(std::move(other.row_)) {}

CopyOut::~CopyOut() {
  if (connection_ == nullptr || connection_->handle() == nullptr) return;
  ::shutdown(PQsocket(connection_->handle()), SHUT_RDWR);
}

absl::StatusOr<bool> CopyOut::Next(absl::string_view* row) {
  if (connection_ == nullptr) return false;
  while (true) {
    char* raw = nullptr;
    const int size = PQgetCopyData(connection_->handle(), &raw, /*async=*/0);
    row_.reset(raw);
    if (size <= 0) break;
    *row = absl::string_view(raw, static_cast<size_t>(size));
    // The header comes in one message with the first row, or with the trailer.
    if (!header_read_) {
      if (!absl::ConsumePrefix(row, kHeader)) return absl::InternalError("copy out: not in binary format");
      header_read_ = true;
    }
    // What is left is a row, unless it is the trailer.
    if (!row->empty() && *row != kTrailer) return true;
  }
  // The end, or the reason why there is no next row; both leave the copy ended.
  pg_conn* const conn = std::exchange(connection_, nullptr)->handle();
  const auto outcome = TakeResults("copy out", conn);
  if (!outcome.ok()) return outcome.status();
  return false;
}

}  // namespace tokenwatch::common
