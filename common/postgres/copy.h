// COPY in and out of a transaction, in binary format (see copy_binary.h): the fastest way to move many rows.
//
// Why libpq and not pqxx::stream_to, stream_from: stream_to takes one row a call and copies it twice, its raw writer is
// private, stream_from cannot read a query, and both lose the SQLSTATE of an error that arrives late. copy_bench
// measures all three.
//
// While a copy is going on the transaction can do nothing else. Not thread-safe, as the connection is not.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/postgres/connection.h"
#include "common/postgres/copy_binary.h"

namespace tokenwatch::common {

// "name" quoted as an SQL identifier.
std::string QuoteIdentifier(absl::string_view name);
// "schema.table" or "table", each part quoted.
std::string QuoteTable(absl::string_view table);

class CopyIn {
 public:
  // Begins COPY into `columns` of `table` ("schema.table").
  static absl::StatusOr<CopyIn> Begin(Transaction& transaction, absl::string_view table,
                                      const std::vector<std::string>& columns);
  CopyIn(CopyIn&& other) noexcept;
  CopyIn& operator=(CopyIn&&) = delete;
  // Without Finish, the rows are given up and the transaction can only be rolled back.
  ~CopyIn();

  // Sends rows; any number of them, best some 64 KiB or more. What the server thinks of them is known in Finish;
  // UNAVAILABLE when the connection was lost.
  absl::Status Write(absl::string_view rows);
  // Ends the copy and gives the number of rows the server took. An error rolls the transaction back to nothing.
  absl::StatusOr<int64_t> Finish();

 private:
  CopyIn(Connection& connection, std::string what) : connection_(&connection), what_(std::move(what)) {}

  // Null when there is nothing to end any more.
  Connection* connection_;
  std::string what_;
};

class CopyOut {
 public:
  // Begins to read what `query` (a SELECT, without parameters: quote what you insert) yields.
  static absl::StatusOr<CopyOut> Begin(Transaction& transaction, absl::string_view query);
  CopyOut(CopyOut&& other) noexcept;
  CopyOut& operator=(CopyOut&&) = delete;
  // Before the last row was read, this gives up the connection too: there is no other way to stop the server's sending
  // that cannot hit a later statement. Put a LIMIT into the query instead.
  ~CopyOut();

  // The next row in `*row`, for SplitCopyRow, valid until the next call; false after the last.
  absl::StatusOr<bool> Next(absl::string_view* row);

 private:
  struct FreeRow {
    void operator()(char* row) const;
  };

  explicit CopyOut(Connection& connection) : connection_(&connection) {}

  Connection* connection_;
  bool header_read_ = false;
  std::unique_ptr<char, FreeRow> row_;
};

}  // namespace tokenwatch::common
