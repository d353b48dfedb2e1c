// How fast rows are merged into token_prices, beside the ways it is not done, on one server in one run.
//   usage: pricing_store_bench [series] [rounds]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/testing/pg_cluster.h"
#include "pricing/pg_store/pg_store.h"
#include "pricing/pg_store/samples_for_test.h"
#include "tests/load/bench_report.h"

namespace tokenwatch::pricing {
namespace {

using load::Report;

constexpr char kDatabase[] = "platform";
// The baselines are slow: they get fewer rows.
constexpr size_t kSingleRows = 2000;
constexpr size_t kNarrowRows = 10'000;

template <typename T>
T Must(absl::StatusOr<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "%s\n", result.status().ToString().c_str());
    std::exit(1);
  }
  return *std::move(result);
}
void Must(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

absl::Time Soon() { return absl::Now() + absl::Minutes(2); }

double OwnCpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Of a server process.
double CpuSecondsOf(int pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  std::string line;
  std::getline(file, line);
  // After the program's name in parentheses: state and ten more fields, then user and system time in ticks.
  const std::vector<std::string> fields = absl::StrSplit(line.substr(line.rfind(')') + 2), ' ');
  if (fields.size() < 13) return 0;
  return (std::atof(fields[11].c_str()) + std::atof(fields[12].c_str())) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

class Bench {
 public:
  Bench(size_t series, int rounds) : series_(series), rounds_(rounds) {
    cluster_ = Must(common::PgCluster::Start());
    Must(cluster_->CreateDatabase(kDatabase));
    Must(cluster_->CreateRole("pricing", kDatabase));
    store_ = Must(PgStore::Open({.dsn = cluster_->Dsn(kDatabase, "pricing")}, Soon(), common::PostgresObserver::None(),
                                common::SystemClock::Instance()));
    session_ = Must(store_->OpenWriteSession(Soon()));
  }

  void Run() {
    std::printf("%zu series, %d rounds, durable commits\n", series_, rounds_);
    Prepare(1);
    Measure("first write of series", series_, [&] { Must(session_->Write(flush_)); });
    const std::string pids = Must(cluster_->QueryValue(
        kDatabase, "SELECT string_agg(pid::text, ' ') FROM pg_stat_activity WHERE usename = 'pricing'"));
    for (const absl::string_view pid : absl::StrSplit(pids, ' ')) pids_.push_back(std::stoi(std::string(pid)));
    Must(cluster_->Query(kDatabase, "VACUUM ANALYZE pricing.token_prices"));
    Must(cluster_->Query(kDatabase, "CHECKPOINT"));
    double best = 0;
    const double server = ServerCpuSeconds();
    for (int round = 0; round < rounds_; ++round) {
      Prepare(2 + static_cast<uint64_t>(round));
      best = std::max(best, Measure("merge into token_prices", series_, [&] { Must(session_->Write(flush_)); }));
    }
    std::printf("%-44s %10.2f us/row, over all rounds\n", "of which the server's processes, all together",
                1e6 * (ServerCpuSeconds() - server) / static_cast<double>(series_) / rounds_);
    const std::string updated = Must(cluster_->QueryValue(
        kDatabase,
        "SELECT n_tup_upd || ' updates, ' || n_tup_hot_upd || ' in place' FROM pg_stat_user_tables WHERE relname = "
        "'token_prices'"));
    std::printf("%-44s %s\n", "rows so far", updated.c_str());
    const double single = Measure("one update each, own transaction", kSingleRows, [&] { UpdateOneByOne(); });
    Measure("upsert of narrow rows by unnest", kNarrowRows, [&] { UpsertNarrow(0); });
    double narrow = 0;
    for (int round = 1; round <= rounds_; ++round) {
      narrow = std::max(narrow,
                        Measure("upsert of narrow rows by unnest, again", kNarrowRows, [&] { UpsertNarrow(round); }));
    }
    Report({"pricing_merge_rows_per_s", best, "rows/s", ">= 200000", "narrow_rows_by_unnest", narrow});
    Report({"pricing_merge_rows_per_s_beside_single_updates", best, "rows/s", "", "single_updates", single});
  }

 private:
  // Of the store's sessions.
  double ServerCpuSeconds() const {
    double seconds = 0;
    for (const int pid : pids_) seconds += CpuSecondsOf(pid);
    return seconds;
  }

  // Rows per second.
  double Measure(const char* what, size_t rows, const std::function<void()>& work) {
    const std::string from = Must(cluster_->QueryValue(kDatabase, "SELECT pg_current_wal_lsn()"));
    const double cpu = OwnCpuSeconds();
    const absl::Time start = absl::Now();
    work();
    const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
    const double own = OwnCpuSeconds() - cpu;
    const std::string wal = Must(cluster_->QueryValue(
        kDatabase, absl::StrCat("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '", from, "')::bigint")));
    const auto count = static_cast<double>(rows);
    std::printf("%-44s %10.0f rows/s %8.1f ms %8.0f WAL bytes/row %6.2f us/row in the client\n", what, count / seconds,
                1e3 * seconds, std::atof(wal.c_str()) / count, 1e6 * own / count);
    return count / seconds;
  }

  // Each round all series have traded again; one in twenty has a new high.
  void Prepare(uint64_t round) {
    flush_.series.clear();
    highs_.resize(series_);
    for (uint64_t i = 0; i < series_; ++i) {
      Series& series = flush_.series.emplace_back(SampleSeries(i, 1'000'000 * round + i));
      if ((i + round) % 20 == 0) highs_[i] = round;
      if (highs_[i] > 0) series.high = SamplePoint(91'000'000'000 * highs_[i], 1'000'000 * highs_[i] + i);
    }
    flush_.checkpoint = {round, 1'000'000 * (round + 1), 1'000'000 * round, SampleTime(1'000'000 * round)};
  }

  void UpdateOneByOne() {
    common::ConnectionOptions options;
    options.dsn = cluster_->Dsn(kDatabase, "pricing");
    static const common::Statement kUpdate{"update_one",
                                           "UPDATE pricing.token_prices SET last_quote_units = $2::numeric, last_at = "
                                           "now(), trades = trades + 1, high_quote_units "
                                           "= greatest(high_quote_units, $2::numeric) WHERE address = $1",
                                           absl::Seconds(10)};
    options.statements = {&kUpdate, 1};
    auto connection = Must(common::Connection::Open(options, Soon()));
    for (uint64_t i = 0; i < kSingleRows; ++i) {
      Must(connection
               ->Query("update", kUpdate, Soon(), std::string(SampleAddress(i % series_).text()), 30'000'000'000 + i)
               .status());
    }
  }

  void UpsertNarrow(int round) {
    common::ConnectionOptions options;
    options.dsn = cluster_->Dsn(kDatabase, "pricing");
    auto connection = Must(common::Connection::Open(options, Soon()));
    if (round == 0) {
      Must(
          connection
              ->QuerySql("make", "CREATE TABLE narrow (address text PRIMARY KEY, price float8, at timestamptz)", Soon())
              .status());
    }
    std::string addresses = "{";
    std::string prices = "{";
    for (uint64_t i = 0; i < kNarrowRows; ++i) {
      absl::StrAppend(&addresses, i == 0 ? "" : ",", SampleAddress(i).text());
      absl::StrAppend(&prices, i == 0 ? "" : ",", static_cast<double>(i) / 7 + round);
    }
    Must(connection
             ->QuerySql(
                 "upsert",
                 absl::StrCat("INSERT INTO narrow SELECT a, p, now() FROM unnest('", addresses, "}'::text[], '", prices,
                              "}'::float8[]) AS u(a, p) ON CONFLICT (address) DO UPDATE SET price = excluded.price, at "
                              "= excluded.at"),
                 Soon())
             .status());
  }

  const size_t series_;
  const int rounds_;
  std::unique_ptr<common::PgCluster> cluster_;
  std::unique_ptr<PgStore> store_;
  std::unique_ptr<WriteSession> session_;
  std::vector<int> pids_;
  Flush flush_;
  // The round of each series' high; 0 before the first.
  std::vector<uint64_t> highs_;
};

}  // namespace
}  // namespace tokenwatch::pricing

int main(int argc, char** argv) {
  const size_t series = argc > 1 ? static_cast<size_t>(std::atoi(argv[1])) : 10'000;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 8;
  tokenwatch::pricing::Bench(std::max<size_t>(series, 1), rounds).Run();
  return 0;
}
