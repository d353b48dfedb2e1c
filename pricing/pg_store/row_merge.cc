#include "pricing/pg_store/row_merge.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/postgres/copy.h"

namespace tokenwatch::pricing {
namespace {

using common::Transaction;

// Rows are handed to the connection in pieces of about this size.
constexpr size_t kCopyPieceBytes = 256 * 1024;

const std::vector<std::string>& ChunkColumns() {
  static const auto* columns = new std::vector<std::string>{"chain", "address", "quote", "start", "minutes", "packed"};
  return *columns;
}

std::string List(absl::string_view prefix, const std::vector<std::string>& columns) {
  return absl::StrJoin(columns, ", ",
                       [&](std::string* out, const std::string& column) { absl::StrAppend(out, prefix, column); });
}

bool IsKey(const std::string& column) {
  return column == "chain" || column == "address" || column == "quote" || column == "start";
}

// "a = b, ..." for all columns but those of the key; `value` writes b.
template <typename Value>
std::string Assignments(const std::vector<std::string>& columns, const Value& value) {
  std::vector<std::string> assignments;
  for (const std::string& column : columns) {
    if (!IsKey(column)) assignments.push_back(absl::StrCat(column, " = ", value(column)));
  }
  return absl::StrJoin(assignments, ", ");
}

// Whether row `a` has a higher high than row `b`, or the same one earlier: exact, by cross products.
std::string Higher(absl::string_view a, absl::string_view b) {
  const std::string left = absl::StrCat(a, ".high_quote_units * ", b, ".high_token_units");
  const std::string right = absl::StrCat(b, ".high_quote_units * ", a, ".high_token_units");
  return absl::StrCat("(", a, ".high_quote_units IS NOT NULL AND (", b, ".high_quote_units IS NULL OR ", left, " > ",
                      right, " OR (", left, " = ", right, " AND (", a, ".high_at, ", a, ".high_cursor) < (", b,
                      ".high_at, ", b, ".high_cursor))))");
}

std::string SameKey(absl::string_view a, absl::string_view b) {
  return absl::StrCat(a, ".address = ", b, ".address AND ", a, ".quote = ", b, ".quote AND ", a, ".chain = ", b,
                      ".chain");
}

// The usual case: the row is there, is not newer, and has no higher high. The comparison of equal highs is cheap and
// comes first.
std::string UpdateSql() {
  return absl::StrCat("UPDATE pricing.token_prices AS p SET ",
                      Assignments(SeriesColumns(), [](const std::string& column) { return "s." + column; }),
                      " FROM staged_series AS s WHERE ", SameKey("p", "s"), " AND p.cursor <= s.cursor",
                      " AND (p.high_quote_units IS NULL OR (p.high_cursor = s.high_cursor AND p.high_quote_units = "
                      "s.high_quote_units AND p.high_token_units = s.high_token_units) OR NOT ",
                      Higher("p", "s"), ")");
}

// Everything else: new series, rows that are newer, rows with a higher high. What the update did, and what would change
// nothing, is left out.
std::string MergeSql() {
  const std::string columns = List("", SeriesColumns());
  const auto value = [](const std::string& column) {
    const std::string takes =
        absl::StartsWith(column, "high_") ? Higher("excluded", "p") : std::string("excluded.cursor >= p.cursor");
    return absl::StrCat("CASE WHEN ", takes, " THEN excluded.", column, " ELSE p.", column, " END");
  };
  return absl::StrCat("INSERT INTO pricing.token_prices AS p (", columns, ") SELECT ", columns,
                      " FROM staged_series AS s WHERE NOT EXISTS (SELECT FROM pricing.token_prices AS r WHERE ",
                      SameKey("r", "s"), " AND r.cursor >= s.cursor AND NOT ", Higher("s", "r"),
                      ") ORDER BY address, quote, chain ON CONFLICT (address, quote, chain) DO UPDATE SET ",
                      Assignments(SeriesColumns(), value));
}

// The newest chunks first: they have few minutes and are written again when they are complete. Side by side they share
// pages, of which each costs the log a whole one then.
std::string MergeChunksSql() {
  const std::string columns = List("", ChunkColumns());
  return absl::StrCat("INSERT INTO pricing.candles (", columns, ") SELECT ", columns,
                      " FROM staged_candles ORDER BY start DESC, address, quote, chain "
                      "ON CONFLICT (address, quote, start, chain) DO UPDATE SET ",
                      Assignments(ChunkColumns(), [](const std::string& column) { return "excluded." + column; }));
}

// Copies so many rows into `table`, each as `append(index)` writes it.
template <typename Append>
absl::Status CopyRows(Transaction& transaction, absl::string_view table, const std::vector<std::string>& columns,
                      size_t count, common::CopyBuffer& rows, const Append& append) {
  auto copy = common::CopyIn::Begin(transaction, table, columns);
  if (!copy.ok()) return copy.status();
  rows.Clear();
  for (size_t i = 0; i < count; ++i) {
    append(i);
    if (rows.data().size() < kCopyPieceBytes) continue;
    if (absl::Status status = copy->Write(rows.data()); !status.ok()) return status;
    rows.Clear();
  }
  if (absl::Status status = copy->Write(rows.data()); !status.ok()) return status;
  return copy->Finish().status();
}

uint64_t BigEndian(absl::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof value; ++i)
    value = value << 8 | (i < bytes.size() ? static_cast<uint8_t>(bytes[i]) : 0);
  return value;
}

// Places of the series in about the order of the table's index: neighbours are found in the same pages, which is a
// fifth of the cost of a merge.
std::vector<uint32_t> InOrderOfKeys(absl::Span<const Series> series) {
  std::vector<std::pair<uint64_t, uint32_t>> keyed;
  keyed.reserve(series.size());
  for (const Series& one : series) {
    // The index compares bytes; the first eight are enough.
    keyed.emplace_back(BigEndian(one.key.token.address.text()), static_cast<uint32_t>(keyed.size()));
  }
  std::sort(keyed.begin(), keyed.end());
  std::vector<uint32_t> order;
  order.reserve(keyed.size());
  for (const auto& [begin, place] : keyed) order.push_back(place);
  return order;
}

// So many rows before it is written, a series is asked for: in the order of keys each is in no cache.
constexpr size_t kAhead = 4;
void Prefetch(const Series& series) {
  constexpr size_t kCacheLine = 64;
  const auto* const bytes = reinterpret_cast<const char*>(&series);
  for (size_t at = 0; at < sizeof series; at += kCacheLine) __builtin_prefetch(bytes + at);
}

}  // namespace

// With the server's default for temp_buffers the rows of a large flush would be written to a file and read back.
const char RowMerge::kMakeStaging[] =
    "SET temp_buffers = '32MB'; "
    "CREATE TEMPORARY TABLE staged_series (LIKE pricing.token_prices) ON COMMIT DELETE ROWS; "
    "CREATE TEMPORARY TABLE staged_candles (LIKE pricing.candles) ON COMMIT DELETE ROWS";

absl::Status RowMerge::WriteSeries(Transaction& transaction, absl::Span<const Series> series) {
  if (series.empty()) return absl::OkStatus();
  static const std::string* const update = new std::string(UpdateSql());
  static const std::string* const merge = new std::string(MergeSql());
  const std::vector<uint32_t> order = InOrderOfKeys(series);
  const absl::Status copied =
      CopyRows(transaction, "staged_series", SeriesColumns(), series.size(), rows_, [&](size_t i) {
        if (i + kAhead < order.size()) Prefetch(series[order[i + kAhead]]);
        series_rows_.Append(series[order[i]], rows_);
      });
  if (!copied.ok()) return copied;
  const auto updated = transaction.ExecSql(*update).affected_rows();
  if (updated < series.size()) transaction.ExecSql(*merge);
  return absl::OkStatus();
}

absl::Status RowMerge::WriteChunks(Transaction& transaction, absl::Span<const ChunkRow> chunks) {
  if (chunks.empty()) return absl::OkStatus();
  static const std::string* const merge = new std::string(MergeChunksSql());
  const auto columns = static_cast<int16_t>(ChunkColumns().size());
  const absl::Status copied =
      CopyRows(transaction, "staged_candles", ChunkColumns(), chunks.size(), rows_, [&](size_t i) {
        const ChunkRow& chunk = chunks[i];
        rows_.BeginRow(columns);
        rows_.Text(chain::ChainName(chunk.key.token.chain)).Text(chunk.key.token.address.text());
        rows_.Text(chunk.key.quote.text()).Time(chunk.start).Int4(chunk.minutes).Bytes(chunk.packed);
      });
  if (!copied.ok()) return copied;
  transaction.ExecSql(*merge);
  return absl::OkStatus();
}

}  // namespace tokenwatch::pricing
