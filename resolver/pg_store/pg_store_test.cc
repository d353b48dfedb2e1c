#include "resolver/pg_store/pg_store.h"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/testing/pg_cluster.h"
#include "common/time/fake_clock.h"

namespace tokenwatch::resolver {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TokenRef Token(uint8_t number) {
  std::array<uint8_t, 32> bytes{};
  bytes[0] = number;
  return {chain::Chain::kSolana, chain::Address::FromSolanaBytes(bytes)};
}

absl::Time In(absl::Duration span) { return absl::Now() + span; }

// One cluster for all tests of this file; each test has a database of its own.
class PgStoreTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto cluster = common::PgCluster::Start({.fsync = false});
    ASSERT_TRUE(cluster.ok()) << cluster.status();
    cluster_ = cluster->release();
  }
  static void TearDownTestSuite() {
    delete cluster_;
    cluster_ = nullptr;
  }

  void SetUp() override {
    static int number = 0;
    database_ = "platform" + std::to_string(++number);
    ASSERT_TRUE(cluster_->CreateDatabase(database_).ok());
    ASSERT_TRUE(cluster_->CreateRole("resolver", database_).ok());
    store_ = Open();
  }
  void TearDown() override { store_.reset(); }

  std::unique_ptr<PgStore> Open() {
    auto store = PgStore::Open({.dsn = cluster_->Dsn(database_, "resolver")}, In(absl::Seconds(20)),
                               common::PostgresObserver::None(), common::SystemClock::Instance());
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }

  LeaseTerms Lease(const std::string& holder, absl::Duration span = absl::Seconds(30)) {
    return {holder, clock_.Now(), clock_.Now() + span};
  }
  std::vector<Begun> Begin(const std::vector<BeginRequest>& requests, const LeaseTerms& lease,
                           BeginMode mode = BeginMode::kWhenDue) {
    auto begun = store_->Begin(requests, mode, lease, In(absl::Seconds(10)));
    EXPECT_TRUE(begun.ok()) << begun.status();
    return begun.ok() ? *begun : std::vector<Begun>{};
  }
  absl::Status Finish(const Finished& finished, const std::string& holder = "a", int attempts_per_token = 100) {
    return store_->Finish({finished}, holder, attempts_per_token, clock_.Now(), In(absl::Seconds(10)));
  }
  Resolution Get(const TokenRef& token) {
    auto got = store_->Get({token}, In(absl::Seconds(10)));
    EXPECT_TRUE(got.ok() && got->size() == 1) << got.status();
    return got.ok() && got->size() == 1 ? (*got)[0] : Resolution{};
  }
  Finished Named(Resolution resolution) {
    resolution.state = State::kResolved;
    resolution.name = {"Pepe \"x\" \\ 狗", "metaplex", clock_.Now(), true};
    resolution.symbol = {"PEPE", "metaplex", clock_.Now(), false};
    resolution.decimals = 6;
    resolution.decimals_source = "spl";
    resolution.imitates = Token(99);
    resolution.attempts = 1;
    resolution.next_attempt_at = absl::InfiniteFuture();
    const Attempt attempt{resolution.token, "onchain", clock_.Now(), Outcome::kFound, "", absl::Milliseconds(51)};
    return {resolution, {attempt}, Verdict::kNamed, clock_.Now()};
  }
  Finished NotFound(Resolution resolution, absl::Duration retry_in, State state = State::kPending) {
    resolution.state = state;
    ++resolution.attempts;
    resolution.reason = "onchain: not_found";
    resolution.next_attempt_at = state == State::kPending ? clock_.Now() + retry_in : absl::InfiniteFuture();
    const Attempt attempt{resolution.token, "onchain", clock_.Now(), Outcome::kNotFound, "gone", absl::Milliseconds(5)};
    return {resolution, {attempt}, Verdict::kNotFound, clock_.Now()};
  }

  static common::PgCluster* cluster_;
  common::FakeClock clock_;
  std::string database_;
  std::unique_ptr<PgStore> store_;
};
common::PgCluster* PgStoreTest::cluster_ = nullptr;

TEST_F(PgStoreTest, ALeaseIsGivenToOneHolder) {
  const auto first = Begin({{Token(1), "https://x/y", "launch", 6}, {Token(2)}}, Lease("a"));
  ASSERT_THAT(first, SizeIs(2));
  EXPECT_EQ(first[0].standing, Begun::Standing::kLeased);
  EXPECT_EQ(first[0].resolution.token, Token(1));
  EXPECT_EQ(first[0].resolution.uri.value, "https://x/y");
  EXPECT_EQ(first[0].resolution.uri.source, "launch");
  EXPECT_EQ(first[0].resolution.decimals, 6u);
  const auto second = Begin({{Token(2)}, {Token(3)}}, Lease("b"));
  EXPECT_EQ(second[0].standing, Begun::Standing::kBusy);
  EXPECT_EQ(second[0].busy_until, clock_.Now() + absl::Seconds(30));
  EXPECT_EQ(second[1].standing, Begun::Standing::kLeased);
  // A dead holder's lease ends.
  clock_.Advance(absl::Seconds(31));
  EXPECT_EQ(Begin({{Token(2)}}, Lease("b"))[0].standing, Begun::Standing::kLeased);
}

TEST_F(PgStoreTest, ANameIsKeptWithItsProvenanceUntilReported) {
  const auto begun = Begin({{Token(1)}}, Lease("a"));
  const Finished named = Named(begun[0].resolution);
  ASSERT_TRUE(Finish(named).ok());
  ASSERT_TRUE(Finish(named).ok()) << "repeating is harmless";
  EXPECT_EQ(Get(Token(1)), named.resolution);
  EXPECT_EQ(Begin({{Token(1)}}, Lease("b"))[0].standing, Begun::Standing::kResolved);
  EXPECT_EQ(Begin({{Token(1)}}, Lease("b"), BeginMode::kRefresh)[0].standing, Begun::Standing::kLeased);

  const absl::Time later = clock_.Now() + absl::Seconds(1);
  auto unreported = store_->ListUnreported(10, later, In(absl::Seconds(10)));
  ASSERT_TRUE(unreported.ok());
  EXPECT_THAT(*unreported, ElementsAre(named.resolution));
  EXPECT_THAT(*store_->ListUnreported(10, clock_.Now(), In(absl::Seconds(10))), SizeIs(0));
  ASSERT_TRUE(store_->MarkReported({Token(1)}, In(absl::Seconds(10))).ok());
  EXPECT_THAT(*store_->ListUnreported(10, later, In(absl::Seconds(10))), SizeIs(0));

  auto attempts = store_->ListAttempts(Token(1), 100, In(absl::Seconds(10)));
  ASSERT_TRUE(attempts.ok());
  EXPECT_THAT(*attempts, ElementsAre(named.attempts[0]));
}

TEST_F(PgStoreTest, ALostLeaseChangesNothingButANameIsAlwaysWelcome) {
  const auto begun = Begin({{Token(1)}}, Lease("a", absl::Seconds(1)));
  clock_.Advance(absl::Seconds(2));
  ASSERT_EQ(Begin({{Token(1)}}, Lease("b"))[0].standing, Begun::Standing::kLeased);
  ASSERT_TRUE(Finish(NotFound(begun[0].resolution, absl::Minutes(1)), "a").ok());
  EXPECT_EQ(Get(Token(1)).attempts, 0);
  ASSERT_TRUE(Finish(Named(begun[0].resolution), "a").ok());
  EXPECT_EQ(Get(Token(1)).state, State::kResolved);
  ASSERT_TRUE(Finish(NotFound(begun[0].resolution, absl::Minutes(1)), "b").ok());
  EXPECT_EQ(Get(Token(1)).state, State::kResolved);
}

TEST_F(PgStoreTest, DueTokensAreTakenOnceAndNotBefore) {
  const auto begun = Begin({{Token(1)}, {Token(2)}}, Lease("a"));
  ASSERT_TRUE(Finish(NotFound(begun[0].resolution, absl::Minutes(1))).ok());
  ASSERT_TRUE(Finish(NotFound(begun[1].resolution, absl::Minutes(3))).ok());
  EXPECT_EQ(Begin({{Token(1)}}, Lease("b"))[0].standing, Begun::Standing::kNotDue);
  clock_.Advance(absl::Minutes(2));
  auto due = store_->TakeDue(10, Lease("a"), In(absl::Seconds(10)));
  ASSERT_TRUE(due.ok()) << due.status();
  ASSERT_THAT(*due, SizeIs(1));
  EXPECT_EQ((*due)[0].token, Token(1));
  EXPECT_EQ((*due)[0].attempts, 1);
  EXPECT_THAT(*store_->TakeDue(10, Lease("b"), In(absl::Seconds(10))), SizeIs(0));
}

TEST_F(PgStoreTest, DeadLettersAreListedAndRetried) {
  const auto begun = Begin({{Token(1)}, {Token(2)}, {Token(3)}}, Lease("a"));
  ASSERT_TRUE(Finish(NotFound(begun[0].resolution, {}, State::kDeadLetter)).ok());
  ASSERT_TRUE(Finish(NotFound(begun[1].resolution, {}, State::kDeadLetter)).ok());
  EXPECT_EQ(Begin({{Token(1)}}, Lease("a"))[0].standing, Begun::Standing::kDeadLetter);

  auto page = store_->ListUnresolved(std::nullopt, std::nullopt, 2, In(absl::Seconds(10)));
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_THAT(page->resolutions, SizeIs(2));
  ASSERT_TRUE(page->next.has_value());
  auto rest = store_->ListUnresolved(std::nullopt, page->next, 2, In(absl::Seconds(10)));
  EXPECT_THAT(rest->resolutions, SizeIs(1));
  EXPECT_FALSE(rest->next.has_value());
  EXPECT_THAT(store_->ListUnresolved(State::kDeadLetter, std::nullopt, 10, In(absl::Seconds(10)))->resolutions,
              SizeIs(2));

  auto counts = store_->CountStates(In(absl::Seconds(10)));
  EXPECT_EQ(counts->dead_letters, 2);
  EXPECT_EQ(counts->pending, 1);
  EXPECT_EQ(*store_->Retry(Token(1), clock_.Now(), In(absl::Seconds(10))), 1);
  EXPECT_EQ(*store_->Retry(Token(77), clock_.Now(), In(absl::Seconds(10))), 0);
  EXPECT_EQ(*store_->Retry(std::nullopt, clock_.Now(), In(absl::Seconds(10))), 1);
  EXPECT_EQ(Get(Token(1)).attempts, 0);
  EXPECT_THAT(*store_->TakeDue(10, Lease("b"), In(absl::Seconds(10))), SizeIs(2));
}

TEST_F(PgStoreTest, LaunchesAndTheirCursorAreOneTransaction) {
  Begin({{Token(2)}}, Lease("a"));
  Resolution unnamed;
  unnamed.token = Token(1);
  Resolution launch = Named(unnamed).resolution;
  launch.name.source = "launch";
  Resolution pending = launch;
  pending.token = Token(2);
  EXPECT_EQ(*store_->LoadCursor(In(absl::Seconds(10))), 0u);
  ASSERT_TRUE(store_->SaveLaunches({launch, pending}, 17, clock_.Now(), In(absl::Seconds(10))).ok());
  ASSERT_TRUE(store_->SaveLaunches({launch}, 12, clock_.Now(), In(absl::Seconds(10))).ok());
  EXPECT_EQ(*store_->LoadCursor(In(absl::Seconds(10))), 17u);
  EXPECT_EQ(Get(Token(1)).name.source, "launch");
  EXPECT_EQ(Get(Token(2)).state, State::kResolved);
  ASSERT_TRUE(store_->ResetCursor(clock_.Now(), In(absl::Seconds(10))).ok());
  EXPECT_EQ(*store_->LoadCursor(In(absl::Seconds(10))), 0u);
}

TEST_F(PgStoreTest, BudgetsOutliveTheProcessAndTheLatestClosingHolds) {
  const absl::Time closed = clock_.Now() + absl::Minutes(1);
  const StoredBudget mine{"dexscreener", {3, 60, 57, clock_.Now(), closed}};
  ASSERT_TRUE(store_->ExchangeBudgets({mine}, clock_.Now(), In(absl::Seconds(10))).ok());
  store_ = Open();
  auto loaded = store_->LoadBudgets(In(absl::Seconds(10)));
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ASSERT_THAT(*loaded, SizeIs(1));
  EXPECT_EQ((*loaded)[0].state, mine.state);
  const StoredBudget open{"dexscreener", {60, 60, 0, absl::InfinitePast(), absl::InfinitePast()}};
  auto exchanged = store_->ExchangeBudgets({open}, clock_.Now(), In(absl::Seconds(10)));
  ASSERT_TRUE(exchanged.ok());
  EXPECT_EQ((*exchanged)[0].state.closed_until, closed);
}

TEST_F(PgStoreTest, AttemptsAreBoundedPerTokenByAgeAndByRows) {
  const auto begun = Begin({{Token(1)}}, Lease("a"));
  Finished many = NotFound(begun[0].resolution, absl::Minutes(1));
  for (int i = 1; i < 10; ++i) {
    Attempt attempt = many.attempts[0];
    attempt.asked_at += absl::Seconds(i);
    many.attempts.push_back(attempt);
  }
  ASSERT_TRUE(Finish(many, "a", 4).ok());
  auto kept = store_->ListAttempts(Token(1), 100, In(absl::Seconds(10)));
  ASSERT_THAT(*kept, SizeIs(4));
  EXPECT_EQ((*kept)[0].asked_at, clock_.Now() + absl::Seconds(9));
  EXPECT_EQ(*store_->PruneAttempts(absl::InfinitePast(), 3, 100, In(absl::Seconds(10))), 0)
      << "the fourth is not older than the row at the limit";
  EXPECT_EQ(*store_->PruneAttempts(clock_.Now() + absl::Seconds(8), 1000, 100, In(absl::Seconds(10))), 2);
}

TEST_F(PgStoreTest, SaysWhatIsWrongWithTheDatabase) {
  auto state = store_->Diagnose(In(absl::Seconds(10)));
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->database, database_);
  EXPECT_EQ(state->role, "resolver");
  ASSERT_THAT(state->tables, SizeIs(4));
  for (const common::TableReport& table : state->tables) EXPECT_TRUE(table.present) << table.problem;

  ASSERT_TRUE(cluster_->Query(database_, "DROP TABLE resolver.attempts").ok());
  state = store_->Diagnose(In(absl::Seconds(10)));
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_FALSE(state->tables[1].present);
  EXPECT_THAT(state->tables[1].problem, HasSubstr("resolver.attempts"));
  auto reopened = PgStore::Open({.dsn = cluster_->Dsn(database_, "resolver")}, In(absl::Seconds(20)),
                                common::PostgresObserver::None(), common::SystemClock::Instance());
  EXPECT_EQ(reopened.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(reopened.status().message()), HasSubstr("resolver.attempts"));
  EXPECT_THAT(std::string(reopened.status().message()), HasSubstr(database_));
}

}  // namespace
}  // namespace tokenwatch::resolver
