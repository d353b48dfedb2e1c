// PostgreSQL's binary format for COPY: fields with their lengths, numbers in network order, nothing to escape or parse.
// Measured against the text format in copy_bench. https://www.postgresql.org/docs/15/sql-copy.html#id-1.9.3.55.9.4
//
// The server does not convert: a field must be of exactly its column's type.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace tokenwatch::common {

// Rows being written. A row is begun with its number of fields, which are then added from left to right. Not
// thread-safe; reuse one, for its memory stays.
class CopyBuffer {
 public:
  void BeginRow(int16_t fields);
  // A text, in the server's encoding. No zero bytes: PostgreSQL's text holds none, COPY would fail.
  CopyBuffer& Text(absl::string_view value);
  // A bytea.
  CopyBuffer& Bytes(absl::string_view value) { return Text(value); }
  // A smallint, integer and bigint.
  CopyBuffer& Int2(int16_t value);
  CopyBuffer& Int4(int32_t value);
  CopyBuffer& Int8(int64_t value);
  // A double precision, every bit kept.
  CopyBuffer& Double(double value);
  CopyBuffer& Bool(bool value);
  // A timestamptz; what is finer than a microsecond is cut. Only times that PostgreSQL has, and no infinite ones.
  CopyBuffer& Time(absl::Time value);
  // A numeric that is whole: given as a number, or as decimal digits of any count, after a '-' when it is negative.
  CopyBuffer& Numeric(uint64_t value);
  CopyBuffer& Numeric(absl::string_view decimal);
  CopyBuffer& Null();

  void Clear();
  absl::string_view data() const { return data_; }
  int64_t rows() const { return rows_; }

 private:
  std::string data_;
  int64_t rows_ = 0;
};

// Splits one row into exactly fields.size() fields. False when it has another number of them, or is damaged.
bool SplitCopyRow(absl::string_view row, absl::Span<absl::string_view> fields);

// Whether a field is null; an empty text is not.
inline bool IsCopyNull(absl::string_view field) { return field.data() == nullptr; }

// A smallint, integer or bigint; the functions below are false for fields that are none of theirs.
bool ParseCopyInt(absl::string_view field, int64_t* value);
bool ParseCopyBool(absl::string_view field, bool* value);
// A timestamptz that is not infinite.
bool ParseCopyTime(absl::string_view field, absl::Time* value);
// A numeric that is a whole number below 2^64, not negative.
bool ParseCopyNumeric(absl::string_view field, uint64_t* value);
// Appends the decimal digits of a whole numeric, after a '-' when it is negative.
bool AppendCopyNumeric(absl::string_view field, std::string* decimal);

}  // namespace tokenwatch::common
