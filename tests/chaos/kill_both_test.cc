// kill -9 of detector and resolver at random moments of a simulated session with nameless launches: every trade, launch
// and name ends where an undisturbed run puts it, once.
//
// Compared is everything but when and where in the log the resolver's names came: named_at is wall clock, and NAMED
// events fall between others wherever an answer arrives. So cursors of token events are compared by rank.
//
// Parameters come from the environment: CHAOS_KILLS, CHAOS_TRADES, CHAOS_LAUNCHES, CHAOS_SEED.
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "chain/base58.h"
#include "common/testing/held_port.h"
#include "common/testing/wait_for.h"
#include "tests/chaos/parameters.h"
#include "tests/fakes/fake_dexscreener.h"
#include "tests/functional/harness.h"
#include "tests/functional/recordings.h"
#include "tests/sim/recording.h"
#include "tests/sim/simulator.h"

namespace tokenwatch::functional {
namespace {

std::string KeyText(const chain::Pubkey& key) {
  char text[chain::kMaxBase58Size32];
  return std::string(text, chain::EncodeBase58(key.bytes, text));
}

// What must be equal, each as one text of sorted rows.
constexpr const char* kCompared[] = {
    "SELECT string_agg(t::text, E'\\n' ORDER BY cursor) FROM detector.trades t",
    "SELECT string_agg(r::text, E'\\n' ORDER BY rank) FROM (SELECT row_number() OVER (ORDER BY first_cursor) rank, "
    "chain, address, origin, name, symbol, uri, name_source, name_sanitized, creator, venue, pool, quote_address, "
    "decimals, supply, is_mayhem, is_cashback, launch_transaction, launch_slot, launched_at, first_seen_at, "
    "completed_at, migrated_to, migrated_at, migration_transaction, feeds, imitates_chain, imitates_address FROM "
    "detector.detected_tokens) r",
    "SELECT string_agg(e::text, E'\\n' ORDER BY rank) FROM (SELECT row_number() OVER (ORDER BY cursor) rank, kind, "
    "event_time, chain, address FROM detector.token_events WHERE kind <> 'named') e",
    "SELECT string_agg(address || ' ' || (token->>'name') || ' ' || (token->>'name_source'), E'\\n' ORDER BY address, "
    "token::text) FROM detector.token_events WHERE kind = 'named'",
    "SELECT string_agg(f::text, E'\\n' ORDER BY f::text) FROM detector.feed_positions f",
    "SELECT count(*) FROM detector.quarantined_frames",
    "SELECT string_agg(concat_ws('|', chain, address, state, name, name_source, name_sanitized, symbol, symbol_source, "
    "uri, decimals, imitates_chain, imitates_address, reported), E'\\n' ORDER BY chain, address) FROM "
    "resolver.resolutions",
};

class KillBothTest : public ::testing::Test {
 protected:
  KillBothTest() : random_(ChaosParameter("CHAOS_SEED", 1)) {
    sim::Options options;
    options.seed = ChaosParameter("CHAOS_SEED", 1);
    options.trades = ChaosParameter("CHAOS_TRADES", 5000);
    options.launches = ChaosParameter("CHAOS_LAUNCHES", 200);
    // A sixth of them is blank. One feed only: a second one could bring a name while the resolver looks for it, and
    // which of them comes first is a matter of chance.
    options.hostile_name_ppm = 600'000;
    sim::Simulator simulator(options);
    for (sim::Frame frame; simulator.Next(&frame);) {
      std::string& line = session_.lines.emplace_back();
      sim::AppendRecordingLine(frame, &line);
      line.pop_back();
    }
    session_.truth = simulator.truth();
    for (const sim::Token& token : simulator.market().tokens()) {
      const std::string mint = KeyText(token.mint);
      names_.AddPair("solana", {.base = {mint, "Found " + mint.substr(0, 6), "FND"}});
    }
    recording_ = WriteRecording(platform_.dir() / "session.jsonl", session_.lines);
  }

  void StartDetector(absl::string_view database) {
    detector_ =
        platform_.Launch("tokenwatch-detector",
                         ReplayFlags(recording_, {absl::StrCat("--dsn=", platform_.cluster().Dsn(database, "detector")),
                                                  absl::StrCat("--listen=127.0.0.1:", detector_port_.port()),
                                                  "--commit_events=100", "--intake_queue=2", "--drain_grace=0s"}));
  }
  void StartResolver(absl::string_view database) {
    resolver_ = platform_.Launch("tokenwatch-resolver",
                                 {absl::StrCat("--dsn=", platform_.cluster().Dsn(database, "resolver")),
                                  absl::StrCat("--detector=127.0.0.1:", detector_port_.port()), "--sources=dexscreener",
                                  "--dexscreener_url=" + names_.Url(), "--dexscreener_budget_per_minute=6000",
                                  "--lease=2s", "--poll_interval=200ms", "--retry_initial=100ms", "--drain_grace=0s"});
  }
  // Whether frames are to be read or tokens to be named.
  bool IsUnderWay(const std::string& database) {
    const auto left = platform_.cluster().QueryValue(
        database,
        absl::StrCat("SELECT ", session_.lines.size(),
                     " - (SELECT sum(frames) FROM detector.feed_positions) || ' ' || (SELECT count(*) FROM "
                     "detector.pending_tokens) || ' ' || (SELECT count(*) FROM resolver.resolutions WHERE NOT reported "
                     "OR state <> 'resolved') || ' ' || (SELECT max(cursor) FROM resolver.checkpoints) - (SELECT "
                     "token_cursor FROM detector.log_heads)"));
    // Before the migrations have run there are no such tables.
    return !left.ok() || *left != "0 0 0 0";
  }
  // Runs both until nothing is left to do, then ends them.
  void Finish(const std::string& database) {
    if (detector_ == nullptr) StartDetector(database);
    if (resolver_ == nullptr) StartResolver(database);
    ASSERT_TRUE(platform_.AwaitFrames(session_.lines.size(), database, absl::Minutes(3))) << detector_->Log();
    ASSERT_TRUE(common::WaitFor([&] { return !IsUnderWay(database); }, absl::Minutes(2))) << resolver_->Log();
    EXPECT_EQ(resolver_->Terminate(), 0) << resolver_->Log();
    EXPECT_EQ(detector_->Terminate(), 0) << detector_->Log();
    resolver_ = nullptr;
    detector_ = nullptr;
  }
  uint64_t Between(uint64_t low, uint64_t high) { return std::uniform_int_distribution<uint64_t>(low, high)(random_); }

  // Before the platform, whose destructor ends who asks it.
  fakes::FakeDexScreener names_;
  Platform platform_;
  Session session_;
  std::string recording_;
  std::mt19937_64 random_;
  const common::HeldPort detector_port_;
  std::unique_ptr<Service> detector_;
  std::unique_ptr<Service> resolver_;
};

TEST_F(KillBothTest, KilledAtRandomMomentsTheyEndWhereAnUndisturbedRunDoes) {
  ASSERT_TRUE(platform_.ok());
  platform_.AddDatabase("undisturbed");
  ASSERT_NO_FATAL_FAILURE(Finish("undisturbed"));
  EXPECT_GT(platform_.Count("SELECT count(*) FROM detector.token_events WHERE kind = 'named'", "undisturbed"),
            static_cast<int64_t>(session_.truth.launches.launches / 20));

  const uint64_t kills = ChaosParameter("CHAOS_KILLS", 10);
  const uint64_t step = session_.lines.size() / (kills + 1);
  uint64_t killed_under_way = 0;
  for (uint64_t i = 0; i < kills; ++i) {
    if (detector_ == nullptr) StartDetector("platform");
    if (resolver_ == nullptr) StartResolver("platform");
    // Somewhere in this part of the session, so that the kills are spread over all of it.
    platform_.AwaitFrames(i * step + Between(0, step), "platform", absl::Seconds(10));
    absl::SleepFor(absl::Milliseconds(Between(0, 100)));
    killed_under_way += IsUnderWay("platform") ? 1 : 0;
    const uint64_t victims = Between(1, 3);
    for (std::unique_ptr<Service>* victim : {&detector_, &resolver_}) {
      if (!(victims & (victim == &detector_ ? 1 : 2))) continue;
      ASSERT_TRUE((*victim)->process().running()) << "it ended by itself: " << (*victim)->Log();
      (*victim)->Kill();
      victim->reset();
    }
  }
  EXPECT_GT(killed_under_way, kills / 2) << "the kills came too late to prove anything";
  ASSERT_NO_FATAL_FAILURE(Finish("platform"));
  for (const char* sql : kCompared) EXPECT_EQ(platform_.Value(sql, "undisturbed"), platform_.Value(sql)) << sql;
  EXPECT_EQ(platform_.Count("SELECT count(*) FROM (SELECT FROM detector.token_events WHERE kind = 'named' GROUP BY "
                            "chain, address HAVING count(*) > 1) twice"),
            0);
  EXPECT_EQ(static_cast<uint64_t>(platform_.Count("SELECT count(*) FROM detector.trades")), session_.truth.trades);
}

}  // namespace
}  // namespace tokenwatch::functional
