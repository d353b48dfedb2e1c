// What it costs the database to keep prices for the workload of the systems that this one replaces: 500 tokens, 120,000
// swaps and 27,600 other updates an hour; against their way, one UPDATE each in a transaction of its own, on the same
// server in the same run.
//
// Here each of the 147,600 is a trade, and hours pass on a fake clock: the real fold, write loop and store, with the
// settings that the service has by default. What counts is a whole number of candle chunks after the first, so that
// everything that is put off is paid for. Rows are those of all tables of the schema.
//
// A checkpoint of the server makes the next change of each page log all of the page. Both ways therefore get one every
// five minutes of their time, as a server has by default, and the log's bytes count whatever made them.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/testing/pg_cluster.h"
#include "common/testing/wait_for.h"
#include "common/time/fake_clock.h"
#include "pricing/amount_math.h"
#include "pricing/candles/candle.h"
#include "pricing/loops/history.h"
#include "pricing/loops/loop_world_for_test.h"
#include "pricing/loops/restore.h"
#include "pricing/loops/write_loop.h"
#include "pricing/pg_store/pg_store.h"
#include "pricing/pg_store/samples_for_test.h"
#include "pricing/testing/trades.h"
#include "tests/load/bench_report.h"

namespace tokenwatch::pricing {
namespace {

using load::Report;

constexpr char kDatabase[] = "platform";
constexpr char kOldDatabase[] = "old";
constexpr size_t kTokens = 500;
constexpr size_t kSwapsPerHour = 120'000;
constexpr size_t kUpdatesPerHour = kSwapsPerHour + 27'600;
constexpr int kWarmUpHours = 3;
constexpr int kHours = 4;
constexpr absl::Duration kServerCheckpoints = absl::Minutes(5);

void Must(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "writes_bench: %s\n", status.ToString().c_str());
  std::exit(1);
}
template <typename T>
T Must(absl::StatusOr<T> result) {
  Must(result.status());
  return *std::move(result);
}

// The updates, evenly spread over the time. The first tokens trade much, the last about every other minute.
class Workload {
 public:
  Workload() : which_(Weights()) {
    curves_.reserve(kTokens);
    for (size_t token = 0; token < kTokens; ++token) curves_.emplace_back(token, token + 1);
  }

  static absl::Time TimeOf(uint64_t cursor) {
    return testing::Start() + absl::Microseconds(static_cast<int64_t>(cursor * 3'600'000'000 / kUpdatesPerHour));
  }
  uint64_t cursor() const { return cursor_; }
  Trade Next() {
    ++cursor_;
    const size_t token = which_(random_);
    Trade trade = curves_[token].Next(cursor_, TimeOf(cursor_));
    // As long as real ones.
    trade.token = SampleToken(token);
    trade.transaction = SampleTransaction(cursor_);
    return trade;
  }

 private:
  static std::discrete_distribution<size_t> Weights() {
    std::vector<double> weights;
    for (size_t token = 0; token < kTokens; ++token) weights.push_back(1 / static_cast<double>(token + 1));
    return {weights.begin(), weights.end()};
  }

  uint64_t cursor_ = 0;
  std::mt19937_64 random_{1};
  std::discrete_distribution<size_t> which_;
  std::vector<testing::Curve> curves_;
};

struct Cost {
  double rows = 0;
  double wal_bytes = 0;
  double transactions = 0;
};
Cost operator-(const Cost& a, const Cost& b) {
  return {a.rows - b.rows, a.wal_bytes - b.wal_bytes, a.transactions - b.transactions};
}

// The parts of the service that fold and write, from a start to an end as by a kill.
class Life {
 public:
  explicit Life(common::PgCluster& cluster) {
    clock().Set(testing::Start());
    store_ = Must(PgStore::Open({.dsn = cluster.Dsn(kDatabase, "pricing"), .max_connections = 1}, Soon(),
                                common::PostgresObserver::None(), clock()));
    history_ = std::make_unique<LoopHistory>(Context());
    fold_ = std::make_unique<Fold>(loops_.config.Fold(), hot_, nullptr, *history_, nobody_);
    restored_ = Must(RestoreFold(*store_, *fold_, Soon()));
    // Steps are whole seconds.
    clock().Set(std::max(clock().Now(), FloorTime(restored_.newest_event, absl::Seconds(1))));
  }
  const Checkpoint& restored() const { return restored_; }

  void BeginToWrite() { writer_ = std::make_unique<WriteLoop>(Context(), *fold_, fold_->position()); }
  void StopWriting() { writer_.reset(); }
  // Folds a second of the workload, and writes what is due.
  void Step(Workload& workload) {
    clock().Advance(absl::Seconds(1));
    TradeBatch batch;
    while (Workload::TimeOf(workload.cursor() + 1) <= clock().Now()) {
      const Trade trade = workload.Next();
      if (trade.cursor > restored_.redo_cursor) batch.trades.push_back(trade);
    }
    batch.cursor = workload.cursor();
    Must(fold_->Apply(batch));
    if (writer_ == nullptr) return;
    writer_->Step();
    if (!writer_->is_writer()) Must(absl::InternalError("the write loop does not write"));
  }
  std::vector<Series> Prices() const {
    std::vector<Series> all(kTokens);
    for (size_t token = 0; token < kTokens; ++token) {
      hot_.Read(SampleToken(token), {}, [&](const Series& series) { all[token] = series; });
    }
    return all;
  }
  common::FakeClock& clock() { return loops_.world.clock; }

 private:
  class Nobody : public FoldListener {
    void OnPrices(absl::Span<const chain::TokenRef>) override {}
  };

  absl::Time Soon() { return clock().Now() + absl::Minutes(2); }
  LoopContext Context() {
    return {loops_.config,      *store_,        loops_.world.log, loops_.world.oracle, loops_.world.references,
            loops_.world.clock, loops_.metrics, loops_.detector,  loops_.database,     loops_.log};
  }
  // The settings that the service has by default.
  static FoldOptions Defaults() { return Config().Fold(); }

  LoopWorld loops_{Defaults()};
  HotSet hot_;
  Nobody nobody_;
  std::unique_ptr<PgStore> store_;
  std::unique_ptr<LoopHistory> history_;
  std::unique_ptr<Fold> fold_;
  Checkpoint restored_;
  std::unique_ptr<WriteLoop> writer_;
};

class Bench {
 public:
  Bench() : cluster_(Must(common::PgCluster::Start())) {
    for (const char* database : {kDatabase, kOldDatabase}) {
      Must(cluster_->CreateDatabase(database));
      Must(cluster_->CreateRole("pricing", database));
    }
  }

  void Run() {
    const Cost behind = WriteBehind();
    const Cost each = UpdateEach();
    std::fprintf(stderr,
                 "%d hours written behind: %.0f rows in %.0f transactions, %.2f MB of WAL; one hour of updates: "
                 "%.0f rows, %.2f MB\n",
                 kHours, behind.rows, behind.transactions, behind.wal_bytes / 1e6, each.rows, each.wal_bytes / 1e6);
    Report({"pricing_rows_written_per_hour", behind.rows / kHours, "rows", "", "one_update_each", each.rows});
    Report({"pricing_row_writes_saved_percent", 100 * (1 - behind.rows / (each.rows * kHours)), "%", ">= 99"});
    Report({"pricing_wal_mb_per_hour", behind.wal_bytes / kHours / 1e6, "MB", "", "one_update_each",
            each.wal_bytes / 1e6});
    Report({"pricing_wal_saved_percent", 100 * (1 - behind.wal_bytes / (each.wal_bytes * kHours)), "%", ">= 95"});
    Report({"pricing_trades_lost_by_a_kill", lost_, "trades", "<= 0"});
  }

 private:
  double Number(const char* database, const std::string& sql) {
    return std::atof(Must(cluster_->QueryValue(database, sql)).c_str());
  }
  // The session that wrote must have ended: a living one tells the server only now and then what it did.
  Cost SoFar(const char* database) {
    const std::string sessions =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'bench' OR pid IN "
        "(SELECT pid FROM pg_locks WHERE locktype = 'advisory')";
    if (!common::WaitFor([&] { return Number(database, sessions) == 0; })) {
      Must(absl::InternalError("the session that wrote does not end"));
    }
    Cost cost;
    cost.rows = Number(database,
                       "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables WHERE "
                       "schemaname = 'pricing'");
    cost.wal_bytes = Number(database, "SELECT pg_current_wal_insert_lsn() - '0/0'");
    cost.transactions = Number(kDatabase, "SELECT flush FROM pricing.checkpoints");
    return cost;
  }
  void ServerCheckpoint() { Must(cluster_->Query(kDatabase, "CHECKPOINT").status()); }

  Cost WriteBehind();
  Cost UpdateEach();

  const std::unique_ptr<common::PgCluster> cluster_;
  double lost_ = 0;
};

Cost Bench::WriteBehind() {
  Workload workload;
  auto life = std::make_unique<Life>(*cluster_);
  const auto live = [&](int hours) {
    life->BeginToWrite();
    for (const absl::Time end = life->clock().Now() + absl::Hours(hours); life->clock().Now() < end;) {
      const bool is_due = absl::ToUnixSeconds(life->clock().Now()) % (kServerCheckpoints / absl::Seconds(1)) == 0;
      if (is_due) ServerCheckpoint();
      life->Step(workload);
    }
    life->StopWriting();
  };
  live(kWarmUpHours);
  const Cost before = SoFar(kDatabase);
  live(kHours);
  const Cost cost = SoFar(kDatabase) - before;

  // Another process takes over from what is in the database, and from the log.
  const std::vector<Series> expected = life->Prices();
  const absl::Time end = life->clock().Now();
  life = std::make_unique<Life>(*cluster_);
  std::fprintf(stderr, "killed with %zu trades not in rows yet\n", workload.cursor() - life->restored().redo_cursor);
  Workload again;
  while (again.cursor() < life->restored().redo_cursor) again.Next();
  while (life->clock().Now() < end) life->Step(again);
  const std::vector<Series> restored = life->Prices();
  for (size_t token = 0; token < kTokens; ++token) {
    if (restored[token] == expected[token]) continue;
    lost_ += std::max(
        1.0, std::abs(static_cast<double>(expected[token].trades) - static_cast<double>(restored[token].trades)));
  }
  return cost;
}

// The table has no index but its key, and no row but those of the workload, which is the least that this can cost.
Cost Bench::UpdateEach() {
  static const std::array<common::Statement, 2> kStatements = {{
      {"swap",
       "UPDATE pricing.tokens SET price_usd = $2::numeric, volume_usd = volume_usd + $3::numeric, max_price_usd = "
       "greatest(max_price_usd, $2::numeric), max_price_at = CASE WHEN $2::numeric > max_price_usd THEN now() ELSE "
       "max_price_at END, last_trade_at = now(), updated_at = now() WHERE mint = $1",
       absl::Seconds(10)},
      {"other", "UPDATE pricing.tokens SET hot_score = $2::float8, updated_at = now() WHERE mint = $1",
       absl::Seconds(10)},
  }};
  common::ConnectionOptions options;
  // The log's bytes are the same whether a commit waits for the disk or not; this is not about time.
  options.dsn = absl::StrCat(cluster_->Dsn(kOldDatabase, "pricing"), " options='-c synchronous_commit=off'");
  options.application_name = "bench";
  auto connection = Must(common::Connection::Open(options, absl::Now() + absl::Minutes(1)));
  const auto deadline = [] { return absl::Now() + absl::Minutes(1); };
  Must(connection
           ->QuerySql("make the table",
                      "CREATE TABLE pricing.tokens (mint text PRIMARY KEY, symbol text, name text, price_usd "
                      "numeric, volume_usd numeric, max_price_usd numeric, max_price_at timestamptz, "
                      "last_trade_at timestamptz, hot_score float8, updated_at timestamptz)",
                      deadline())
           .status());
  for (size_t token = 0; token < kTokens; ++token) {
    Must(connection
             ->QuerySql("add a token",
                        absl::StrCat("INSERT INTO pricing.tokens VALUES ('", SampleAddress(token).text(), "', 'T",
                                     token, "', 'Token ", token, "', 0, 0, 0, now(), now(), 0, now())"),
                        deadline())
             .status());
  }
  connection.reset();
  const Cost before = SoFar(kOldDatabase);
  options.statements = kStatements;
  connection = Must(common::Connection::Open(options, deadline()));
  Workload workload;
  const auto between = static_cast<size_t>(kUpdatesPerHour * absl::FDivDuration(kServerCheckpoints, absl::Hours(1)));
  for (size_t update = 0; update < kUpdatesPerHour; ++update) {
    if (update % between == 0) ServerCheckpoint();
    const Trade trade = workload.Next();
    const std::string mint(trade.token.address.text());
    const double price = ToDouble(Ratio{trade.reserves->quote, trade.reserves->token}, 6, 9) * 150;
    if (update * kSwapsPerHour / kUpdatesPerHour != (update + 1) * kSwapsPerHour / kUpdatesPerHour) {
      Must(connection->Query("swap", kStatements[0], deadline(), mint, price, ToDouble(trade.quote_amount) * 1.5e-7)
               .status());
    } else {
      Must(connection->Query("update", kStatements[1], deadline(), mint, price * 1e6).status());
    }
  }
  connection.reset();
  return SoFar(kOldDatabase) - before;
}

}  // namespace
}  // namespace tokenwatch::pricing

int main() {
  tokenwatch::pricing::Bench().Run();
  return 0;
}
