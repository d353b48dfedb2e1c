// Series to rows of token_prices and back.
#pragma once

#include <string>
#include <vector>

#include <pqxx/pqxx>

#include "absl/status/statusor.h"
#include "common/postgres/copy_binary.h"
#include "pricing/fold/series.h"

namespace tokenwatch::pricing {

// Of token_prices, in the order in which SeriesRows writes them.
const std::vector<std::string>& SeriesColumns();

// Writes rows for COPY in binary. Not thread-safe; reuse one, for its memory stays.
class SeriesRows {
 public:
  void Append(const Series& series, common::CopyBuffer& rows);

 private:
  void AppendHigh(const Series& series, common::CopyBuffer& rows);
  void AppendLow(const Series& series, common::CopyBuffer& rows);
  void AppendLast(const Series& series, common::CopyBuffer& rows);
  void AppendAmount(const chain::Amount& amount, common::CopyBuffer& rows);

  std::string scratch_;
};

// From what statements.cc calls SERIES_FIELDS. Throws what pqxx throws for a field of another type; DATA_LOSS when a
// packed column is none of this store's.
absl::StatusOr<Series> ToSeries(const pqxx::row& row);

}  // namespace tokenwatch::pricing
