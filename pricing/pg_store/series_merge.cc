#include "pricing/pg_store/series_merge.h"

#include <numeric>
#include <string>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/postgres/pipeline.h"

namespace tokenwatch::pricing {
namespace {

// So many that a statement's own cost does not show, and so few that a piece stays in the caches of both sides.
constexpr size_t kPieceRows = 500;
// For several times the series that are in memory, so that few share one. 1 MiB.
constexpr size_t kWrittenPlaces = size_t{1} << 18;

constexpr std::array<const char*, 3> kStatements = {"write_live", "write_whole", "merge_whole"};

using Columns = std::vector<std::string>;

Columns Joined(std::initializer_list<Columns> lists) {
  Columns all;
  for (const Columns& columns : lists) all.insert(all.end(), columns.begin(), columns.end());
  return all;
}

// In the order in which the parts of a row are sent.
Columns ColumnsOfLive() { return Joined({KeyColumns(), {kDigestColumn}, LiveColumns()}); }
Columns ColumnsOfWhole() { return Joined({KeyColumns(), SteadyColumns(), {kDigestColumn}, LiveColumns()}); }

std::string List(const Columns& columns) { return absl::StrJoin(columns, ", "); }

// "a = b, ..."; `value` writes b.
template <typename Value>
std::string Assignments(const Columns& columns, const Value& value) {
  return absl::StrJoin(columns, ", ", [&](std::string* out, const std::string& column) {
    absl::StrAppend(out, column, " = ", value(column));
  });
}

std::string FromRow(const std::string& column) { return "s." + column; }

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

// The row is there, is not newer, and has the same steady columns.
std::string LiveSql() {
  return absl::StrCat("UPDATE pricing.token_prices AS p SET ", Assignments(LiveColumns(), FromRow),
                      " FROM unnest($1) AS s WHERE ", SameKey("p", "s"), " AND p.", kDigestColumn, " = s.",
                      kDigestColumn, " AND p.cursor <= s.cursor");
}

// The row is there, is not newer, and has no higher high. The comparison of equal highs is cheap and comes first.
std::string WholeSql() {
  return absl::StrCat("UPDATE pricing.token_prices AS p SET ",
                      Assignments(Joined({SteadyColumns(), {kDigestColumn}, LiveColumns()}), FromRow),
                      " FROM unnest($1) AS s WHERE ", SameKey("p", "s"), " AND p.cursor <= s.cursor",
                      " AND (p.high_quote_units IS NULL OR (p.high_cursor = s.high_cursor AND p.high_quote_units = "
                      "s.high_quote_units AND p.high_token_units = s.high_token_units) OR NOT ",
                      Higher("p", "s"), ")");
}

// Everything else: new series, rows that are newer, rows with a higher high. What the other statements did, and what
// would change nothing, is left out. A row that comes to be of two has no digest.
std::string MergeSql() {
  const std::string columns = List(ColumnsOfWhole());
  const std::string newer = "excluded.cursor >= p.cursor";
  const std::string higher = Higher("excluded", "p");
  const auto value = [&](const std::string& column) {
    if (column == kDigestColumn) {
      return absl::StrCat("CASE WHEN ", higher, " AND ", newer, " THEN excluded.", column, " WHEN NOT ", higher,
                          " AND NOT ", newer, " THEN p.", column, " END");
    }
    return absl::StrCat("CASE WHEN ", absl::StartsWith(column, "high_") ? higher : newer, " THEN excluded.", column,
                        " ELSE p.", column, " END");
  };
  return absl::StrCat("INSERT INTO pricing.token_prices AS p (", columns, ") SELECT ", columns,
                      " FROM unnest($1) AS s WHERE NOT EXISTS (SELECT FROM pricing.token_prices AS r WHERE ",
                      SameKey("r", "s"), " AND r.cursor >= s.cursor AND NOT ", Higher("s", "r"),
                      ") ORDER BY address, quote, chain ON CONFLICT (address, quote, chain) DO UPDATE SET ",
                      Assignments(Joined({SteadyColumns(), {kDigestColumn}, LiveColumns()}), value));
}

// The types of the arrays are those of two tables that stay empty: this session's own, whatever other builds have.
std::string PrepareSql() {
  const auto type = [](absl::string_view name, const Columns& columns) {
    return absl::StrCat("CREATE TEMPORARY TABLE ", name, " AS SELECT ", List(columns),
                        " FROM pricing.token_prices WITH NO DATA; ");
  };
  return absl::StrCat(type("live_series", ColumnsOfLive()), type("whole_series", ColumnsOfWhole()),  //
                      "PREPARE ", kStatements[0], " (live_series[]) AS ", LiveSql(),                 //
                      "; PREPARE ", kStatements[1], " (whole_series[]) AS ", WholeSql(),             //
                      "; PREPARE ", kStatements[2], " (whole_series[]) AS ", MergeSql());
}

absl::StatusOr<common::RecordArray> ArrayOf(common::Connection& connection, absl::string_view table,
                                            absl::Time deadline) {
  const auto rows = connection.QuerySql(
      "ask for the type of rows",
      absl::StrCat("SELECT c.reltype, a.atttypid FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
                   "WHERE c.oid = 'pg_temp.",
                   table, "'::regclass AND a.attnum > 0 ORDER BY a.attnum"),
      deadline);
  if (!rows.ok()) return rows.status();
  return common::Guard("ask for the type of rows", [&] {
    std::vector<uint32_t> attributes;
    for (const pqxx::row& row : *rows) attributes.push_back(row[1].as<uint32_t>());
    return common::RecordArray(rows->at(0).at(0).as<uint32_t>(), std::move(attributes));
  });
}

// So many rows before it is written, a series is asked for: in the order of keys each is in no cache.
constexpr size_t kAhead = 4;
void Prefetch(const Series& series) {
  constexpr size_t kCacheLine = 64;
  const auto* const bytes = reinterpret_cast<const char*>(&series);
  for (size_t at = 0; at < sizeof series; at += kCacheLine) __builtin_prefetch(bytes + at);
}

}  // namespace

SeriesMerge::SeriesMerge(common::RecordArray live, common::RecordArray whole)
    : live_(std::move(live)), whole_(std::move(whole)), written_(kWrittenPlaces) {}

absl::StatusOr<std::unique_ptr<SeriesMerge>> SeriesMerge::Open(common::Connection& connection, absl::Time deadline) {
  static_assert(kStatements.size() == kWays);
  const auto prepared = connection.QuerySql("prepare to merge series", PrepareSql(), deadline);
  if (!prepared.ok()) return prepared.status();
  auto live = ArrayOf(connection, "live_series", deadline);
  if (!live.ok()) return live.status();
  auto whole = ArrayOf(connection, "whole_series", deadline);
  if (!whole.ok()) return whole.status();
  return std::unique_ptr<SeriesMerge>(new SeriesMerge(*std::move(live), *std::move(whole)));
}

absl::Status SeriesMerge::Write(common::Transaction& transaction, absl::Span<const Series* const> series) {
  Rows all(series.size());
  std::iota(all.begin(), all.end(), 0);
  absl::StatusOr<RowsByWay> left = Send(transaction, series, all, std::nullopt);
  if (!left.ok()) return left.status();
  Rows to_merge = std::move((*left)[kMerge]);
  left = Send(transaction, series, (*left)[kWhole], kWhole);
  if (!left.ok()) return left.status();
  to_merge.insert(to_merge.end(), (*left)[kMerge].begin(), (*left)[kMerge].end());
  return Send(transaction, series, to_merge, kMerge).status();
}

absl::StatusOr<SeriesMerge::RowsByWay> SeriesMerge::Send(common::Transaction& transaction,
                                                         absl::Span<const Series* const> series, const Rows& rows,
                                                         std::optional<Way> way) {
  if (rows.empty()) return RowsByWay();
  struct Piece {
    Way way;
    Rows rows;
  };
  auto pipeline = common::Pipeline::Begin(transaction, "merge series");
  if (!pipeline.ok()) return pipeline.status();
  live_.Clear();
  whole_.Clear();
  RowsByWay begun;
  std::vector<Piece> sent;
  const auto send = [&](Way by) {
    common::RecordArray& array = by == kLive ? live_ : whole_;
    const absl::Status status = pipeline->Send(kStatements[by], array.data());
    array.Clear();
    sent.push_back({by, std::exchange(begun[by], {})});
    return status;
  };
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i + kAhead < rows.size()) Prefetch(*series[rows[i + kAhead]]);
    const Series& one = *series[rows[i]];
    row_.Encode(one);
    const bool is_alike = WasWrittenAlike(one.key);
    const Way by = way.value_or(is_alike ? kLive : kWhole);
    if (by == kLive) {
      live_.Add({row_.key(), row_.digest(), row_.live()});
    } else {
      whole_.Add({row_.key(), row_.steady(), row_.digest(), row_.live()});
    }
    begun[by].push_back(rows[i]);
    if (begun[by].size() < kPieceRows) continue;
    if (absl::Status status = send(by); !status.ok()) return status;
  }
  for (const Way by : {kLive, kWhole, kMerge}) {
    if (begun[by].empty()) continue;
    if (absl::Status status = send(by); !status.ok()) return status;
  }
  const auto taken = pipeline->Finish();
  if (!taken.ok()) return taken.status();
  RowsByWay left;
  for (size_t i = 0; i < sent.size(); ++i) {
    const Piece& piece = sent[i];
    if (piece.way == kMerge || static_cast<size_t>((*taken)[i]) == piece.rows.size()) continue;
    Rows& next = left[piece.way + 1];
    next.insert(next.end(), piece.rows.begin(), piece.rows.end());
  }
  return left;
}

bool SeriesMerge::WasWrittenAlike(const SeriesKey& key) {
  const size_t hash = absl::HashOf(key);
  const auto mark = static_cast<uint32_t>(row_.digest_bits() ^ hash >> 32);
  return std::exchange(written_[hash % kWrittenPlaces], mark) == mark;
}

}  // namespace tokenwatch::pricing
