// PostgreSQL's text format for COPY: tab between fields, newline after each row, backslash escapes, \N for null.
// https://www.postgresql.org/docs/15/sql-copy.html#id-1.9.3.55.9.2
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tokenwatch::common {

// Rows being written. Fields are added from left to right, then the row is ended. Not thread-safe; reuse one, for its
// memory stays.
class CopyBuffer {
 public:
  // Any text in the server's encoding; escaped here. No zero bytes: PostgreSQL's text holds none, COPY would fail.
  CopyBuffer& Text(absl::string_view value);
  // Text known to hold neither backslash, tab, newline nor carriage return: copied as it is.
  CopyBuffer& Plain(absl::string_view value);
  CopyBuffer& Int(int64_t value);
  CopyBuffer& Bool(bool value);
  // A bytea.
  CopyBuffer& Bytes(absl::string_view value);
  CopyBuffer& Null();
  void EndRow();

  void Clear();
  absl::string_view data() const { return data_; }
  int64_t rows() const { return rows_; }

 private:
  void Separate() {
    if (!row_empty_) data_.push_back('\t');
    row_empty_ = false;
  }

  std::string data_;
  int64_t rows_ = 0;
  bool row_empty_ = true;
};

// Splits one row, without its newline, into exactly fields.size() fields, still escaped. False when it has another
// number of them.
bool SplitCopyRow(absl::string_view row, absl::Span<absl::string_view> fields);

// Whether a field, still escaped, is null.
inline bool IsCopyNull(absl::string_view field) { return field == "\\N"; }

// Replaces `*text` by the field's text.
void UnescapeCopyField(absl::string_view field, std::string* text);

// Replaces `*bytes` by what a bytea field, still escaped, holds. False when it is not in hexadecimal form, which the
// server writes unless bytea_output was changed.
bool ParseCopyBytes(absl::string_view field, std::string* bytes);

// A whole number that fills the field. Times come as numbers too: select (extract(epoch from t) * 1000000)::bigint.
bool ParseCopyInt(absl::string_view field, int64_t* value);

}  // namespace tokenwatch::common
