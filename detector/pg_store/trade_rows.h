// Trades as rows of COPY's text format.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/postgres/copy_text.h"
#include "detector/trade.h"

namespace tokenwatch::detector {

// The columns of detector.trades in the order in which rows are written and read.
const std::vector<std::string>& TradeColumns();
// The same, separated by commas, for a SELECT. The session's time zone must be UTC and its date style ISO.
const std::string& TradeColumnList();

// Writes rows. Not thread-safe.
class TradeRowWriter {
 public:
  void Append(const Trade& trade, common::CopyBuffer& rows);

 private:
  // Trades come in bursts of the same second, and formatting a time costs more than all other fields together.
  absl::Time cached_time_ = absl::InfinitePast();
  std::string cached_text_;
};

// Reads rows. Not thread-safe.
class TradeRowReader {
 public:
  // INTERNAL, naming the column, when the row is none that TradeRowWriter writes.
  absl::Status Parse(absl::string_view row, Trade* trade);

 private:
  std::string cached_text_;
  absl::Time cached_time_;
};

}  // namespace tokenwatch::detector
