// Trades as rows of COPY's binary format.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/postgres/copy_binary.h"
#include "detector/store.h"
#include "detector/trade.h"
#include "detector/trade_fields.h"

namespace tokenwatch::detector {

// The columns of detector.trades in the order in which rows are written and read.
const std::vector<std::string>& TradeColumns();
// The same, separated by commas, for a SELECT.
const std::string& TradeColumnList();

void AppendTradeRow(const Trade& trade, common::CopyBuffer& rows);

// Reads rows. Not thread-safe.
class TradeRowReader {
 public:
  // Views into `row` and this reader, until its next call. INTERNAL, naming the column, when the row is none that
  // AppendTradeRow writes.
  absl::Status Parse(absl::string_view row, TradeFields* trade);

 private:
  AmountTexts amounts_;
};

// The columns of a TradeIdentity in the order in which IdentityRowReader reads them, for a SELECT.
const std::string& IdentityColumnList();

// Reads rows of those. Not thread-safe.
class IdentityRowReader {
 public:
  // INTERNAL, naming the column, when the row cannot be read.
  absl::Status Parse(absl::string_view row, TradeIdentity* identity);

 private:
  AmountTexts amounts_;
};

}  // namespace tokenwatch::detector
