// Measures COPY of rows of about 270 bytes in and out, through this library, through psql and through pqxx's streams,
// in one run against one throw-away server with fsync on. Arguments: rows (default 1,000,000), rounds (default 3).
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/postgres/copy.h"
#include "common/testing/pg_cluster.h"

namespace tokenwatch::common {
namespace {

constexpr int64_t kRowsPerWrite = 2000;
constexpr const char* kSelect = "SELECT id, at, kind, payload, amount, label FROM rows";
const std::vector<std::string> kColumns = {"id", "at", "kind", "payload", "amount", "label"};

template <typename T>
T Must(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  std::fprintf(stderr, "%s\n", value.status().ToString().c_str());
  std::exit(1);
}
void Must(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

absl::Time Later() { return absl::Now() + absl::Minutes(9); }

const std::string kPayload(100, '\x5a');
const std::string kLabel(90, 'L');

void AddRow(CopyBuffer& rows, int64_t id) {
  rows.BeginRow(6);
  rows.Int8(id).Int8(1'700'000'000'000'000 + id).Text("a kind of row").Bytes(kPayload).Int8(id * 7).Text(kLabel);
}

void OursIn(Connection& conn, int64_t count) {
  Must(conn.Transact("write", Later(), [&](Transaction& t) -> absl::Status {
    auto copy = CopyIn::Begin(t, "rows", kColumns);
    if (!copy.ok()) return copy.status();
    CopyBuffer rows;
    for (int64_t id = 0; id < count; ++id) {
      AddRow(rows, id);
      if (rows.rows() < kRowsPerWrite && id + 1 < count) continue;
      if (absl::Status status = copy->Write(rows.data()); !status.ok()) return status;
      rows.Clear();
    }
    return copy->Finish().status();
  }));
}

void PqxxIn(Connection& conn, int64_t count) {
  const std::string payload = "\\x" + std::string(200, '5');
  Must(conn.Transact("write", Later(), [&](Transaction& t) {
    pqxx::stream_to stream(t.base(), "rows", kColumns);
    for (int64_t id = 0; id < count; ++id) {
      stream << std::make_tuple(id, 1'700'000'000'000'000 + id, std::string("a kind of row"), payload, id * 7, kLabel);
    }
    stream.complete();
  }));
}

void OursOut(Connection& conn, int64_t count) {
  int64_t read = 0;
  Must(conn.Transact("read", Later(), [&](Transaction& t) -> absl::Status {
    auto copy = CopyOut::Begin(t, kSelect);
    if (!copy.ok()) return copy.status();
    std::array<absl::string_view, 6> fields;
    for (absl::string_view row;; ++read) {
      const auto more = copy->Next(&row);
      if (!more.ok()) return more.status();
      if (!*more) return absl::OkStatus();
      int64_t id = 0;
      if (!SplitCopyRow(row, absl::MakeSpan(fields)) || !ParseCopyInt(fields[0], &id)) {
        return absl::InternalError("a row that cannot be read");
      }
    }
  }));
  if (read != count) Must(absl::InternalError(absl::StrCat("read ", read, " rows")));
}

void PqxxOut(Connection& conn, int64_t count) {
  int64_t read = 0;
  Must(conn.Transact("read", Later(), [&](Transaction& t) {
    pqxx::stream_from stream(t.base(), "rows", kColumns);
    for (std::string line; stream.get_raw_line(line);) ++read;
    stream.complete();
  }));
  if (read < count) Must(absl::InternalError(absl::StrCat("read ", read, " rows")));
}

void Psql(const PgCluster& cluster, const std::string& command) {
  ChildProcess::Options options;
  options.command = {PgCluster::BinDir() / "psql", "-X", "-q", "-d", cluster.Dsn("bench"), "-c", command};
  if (Must(RunProcess(options, absl::Minutes(9))) != 0) Must(absl::InternalError("psql failed"));
}

int Main(int64_t count, int rounds) {
  const auto cluster = Must(PgCluster::Start({.settings = {"max_wal_size = '16GB'", "shared_buffers = '1GB'"}}));
  Must(cluster->CreateDatabase("bench"));
  ConnectionOptions options;
  options.dsn = cluster->Dsn("bench");
  options.statement_timeout = absl::Minutes(10);
  const auto conn = Must(Connection::Open(options, Later()));
  const TempDir dir;
  // The same rows for psql: the server writes them in both formats.
  const std::string text = dir.path() / "text";
  const std::string binary = dir.path() / "binary";
  const auto empty = [&] {
    Must(cluster->Query("bench",
                        "DROP TABLE IF EXISTS rows; CREATE TABLE rows (id bigint, at bigint, kind text, "
                        "payload bytea, amount bigint, label text)"));
    Must(cluster->Query("bench", "CHECKPOINT"));
  };
  const auto nothing = [] {};
  empty();
  OursIn(*conn, count);
  Psql(*cluster, absl::StrCat("\\copy (", kSelect, ") TO '", text, "'"));
  Psql(*cluster, absl::StrCat("\\copy (", kSelect, ") TO '", binary, "' (FORMAT binary)"));
  const std::vector<std::tuple<const char*, std::function<void()>, std::function<void()>>> cases = {
      {"in   pqxx::stream_to", empty, [&] { PqxxIn(*conn, count); }},
      {"in   psql, text", empty, [&] { Psql(*cluster, absl::StrCat("\\copy rows FROM '", text, "'")); }},
      {"in   psql, binary", empty,
       [&] { Psql(*cluster, absl::StrCat("\\copy rows FROM '", binary, "' (FORMAT binary)")); }},
      {"in   CopyIn", empty, [&] { OursIn(*conn, count); }},
      {"out  psql, text", nothing, [&] { Psql(*cluster, absl::StrCat("\\copy (", kSelect, ") TO '/dev/null'")); }},
      {"out  psql, binary", nothing,
       [&] { Psql(*cluster, absl::StrCat("\\copy (", kSelect, ") TO '/dev/null' (FORMAT binary)")); }},
      {"out  pqxx::stream_from, lines only", nothing, [&] { PqxxOut(*conn, count); }},
      {"out  CopyOut, fields split", nothing, [&] { OursOut(*conn, count); }},
  };
  std::printf("%lld rows of %.0f bytes in binary, best of %d\n", static_cast<long long>(count),
              static_cast<double>(std::filesystem::file_size(binary)) / static_cast<double>(count), rounds);
  std::vector<absl::Duration> best(cases.size(), absl::InfiniteDuration());
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < cases.size(); ++i) {
      const auto& [name, before, run] = cases[i];
      before();
      const absl::Time start = absl::Now();
      run();
      best[i] = std::min(best[i], absl::Now() - start);
    }
  }
  for (size_t i = 0; i < cases.size(); ++i) {
    std::printf("%-36s %9.0f rows/s\n", std::get<0>(cases[i]),
                static_cast<double>(count) / absl::ToDoubleSeconds(best[i]));
  }
  return 0;
}

}  // namespace
}  // namespace tokenwatch::common

int main(int argc, char** argv) {
  const int64_t count = argc > 1 ? std::atoll(argv[1]) : 1'000'000;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 3;
  if (count < 1 || rounds < 1) {
    std::fprintf(stderr, "usage: copy_bench [rows] [rounds]\n");
    return 64;
  }
  return tokenwatch::common::Main(count, rounds);
}
