// The store against a real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/testing/pg_cluster.h"
#include "common/testing/wait_for.h"
#include "detector/pg_store/log_session.h"
#include "detector/pg_store/store.h"
#include "detector/samples_for_test.h"

namespace tokenwatch::detector {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kDay = 86'400;

absl::Time Soon() { return absl::Now() + absl::Seconds(20); }

class PgStoreTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto started = common::PgCluster::Start({.fsync = false});
    ASSERT_TRUE(started.ok()) << started.status();
    cluster_ = *std::move(started);
    ASSERT_TRUE(cluster_->CreateDatabase("platform").ok());
    ASSERT_TRUE(cluster_->CreateRole("detector", "platform").ok());
  }
  static void TearDownTestSuite() { cluster_.reset(); }

  void SetUp() override {
    Sql("DROP SCHEMA detector CASCADE; CREATE SCHEMA detector AUTHORIZATION detector");
    store_ = Open();
    ASSERT_NE(store_, nullptr);
    NewSession();
  }

  static absl::StatusOr<std::unique_ptr<PgStore>> TryOpen(const std::string& expected = "platform") {
    return PgStore::Open(
        {.dsn = cluster_->Dsn("platform", "detector"), .max_connections = 2, .expected_database = expected}, Soon(),
        common::PostgresObserver::None(), common::SystemClock::Instance());
  }
  static std::unique_ptr<PgStore> Open() {
    auto opened = TryOpen();
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened.ok() ? *std::move(opened) : nullptr;
  }
  static void Sql(const std::string& sql) {
    const auto done = cluster_->Query("platform", sql);
    ASSERT_TRUE(done.ok()) << done.status();
  }
  static std::string Value(const std::string& sql) {
    const auto value = cluster_->QueryValue("platform", sql);
    return value.ok() ? *value : value.status().ToString();
  }

  // As the writer does after an error, or at its start.
  void NewSession() {
    session_.reset();
    // The server gives the lead up when it has read that the session before is gone.
    common::WaitFor([&] {
      auto opened = store_->OpenLogSession(Soon());
      EXPECT_TRUE(opened.ok()) << opened.status();
      if (!opened.ok()) return true;
      session_ = *std::move(opened);
      return session_ != nullptr;
    });
    ASSERT_NE(session_, nullptr);
    auto heads = session_->ReadHeads();
    ASSERT_TRUE(heads.ok()) << heads.status();
    memory_ = std::make_unique<WriterMemory>(1000, 1000);
    memory_->heads = *heads;
  }
  // Writes one commit.
  IntakeOutcome Write(const Intake& intake) {
    const std::vector<const Intake*> pointers{&intake};
    auto draft = Draft::Make(pointers, *session_, *memory_, SampleTime(50), {});
    EXPECT_TRUE(draft.ok()) << draft.status();
    const absl::Status written = session_->Write((*draft)->commit());
    EXPECT_TRUE(written.ok()) << written;
    memory_->heads = (*draft)->commit().heads;
    return (*draft)->outcomes()[0];
  }
  std::vector<Trade> ReadTrades(uint64_t after, uint64_t until, const TradeFilter& filter = {}, int limit = 100) {
    std::vector<Trade> trades;
    const auto examined = store_->ReadTrades(
        after, until, filter, limit, [&](const TradeFields& trade) { trades.push_back(ToTrade(trade)); }, Soon());
    EXPECT_TRUE(examined.ok()) << examined.status();
    return trades;
  }
  static std::vector<uint64_t> CursorsOf(const std::vector<Trade>& trades) {
    std::vector<uint64_t> cursors;
    for (const Trade& trade : trades) cursors.push_back(trade.cursor);
    return cursors;
  }
  static std::vector<std::string> NamesOf(const absl::StatusOr<std::vector<Token>>& tokens) {
    EXPECT_TRUE(tokens.ok()) << tokens.status();
    std::vector<std::string> names;
    for (const Token& token : *tokens) names.push_back(token.name);
    return names;
  }

  static inline std::unique_ptr<common::PgCluster> cluster_;
  std::unique_ptr<PgStore> store_;
  std::unique_ptr<LogSession> session_;
  std::unique_ptr<WriterMemory> memory_;
};

TEST_F(PgStoreTest, OpenPreparesTheSchemaOnceAndVerifiesIt) {
  const std::string migrations = "SELECT string_agg(version || ' ' || applied_at, ',') FROM detector.schema_migrations";
  const std::string applied = Value(migrations);
  EXPECT_THAT(applied, HasSubstr("1 "));
  EXPECT_NE(Open(), nullptr) << "again on a schema that is there";
  EXPECT_EQ(Value(migrations), applied);
  const absl::Status other = TryOpen("users").status();
  EXPECT_TRUE(absl::IsFailedPrecondition(other)) << other;
  Sql("DROP TABLE detector.consumers");
  const absl::Status missing = TryOpen().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(missing)) << missing;
  EXPECT_THAT(std::string(missing.message()), HasSubstr("detector.consumers"));
}

TEST_F(PgStoreTest, OneSessionLeads) {
  const auto second = store_->OpenLogSession(Soon());
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(*second, nullptr);
  session_.reset();
  // The server ends the session, and with it the lead, when it has read that the client is gone.
  EXPECT_TRUE(common::WaitFor([&] {
    const auto next = store_->OpenLogSession(Soon());
    EXPECT_TRUE(next.ok()) << next.status();
    return !next.ok() || *next != nullptr;
  }));
}

TEST_F(PgStoreTest, WhatIsWrittenIsReadBack) {
  Trade largest = SampleTrade(1, 3, 1, 5);
  const chain::Amount amount = *chain::Amount::Parse(kLargestAmount);
  largest.token_amount = largest.quote_amount = amount;
  largest.reserves = Reserves{amount, amount, amount, amount};
  largest.fees = Fees{amount, 0};
  largest.event_time += absl::Microseconds(123'456);
  LaunchSeen launch = SampleLaunch(2, "\"'; DROP TABLE detector.trades; -- \\ 狗");
  launch.supply = amount;
  launch.slot = 5;
  Intake intake = SampleIntake("solana", largest, WithoutIndex(SampleTrade(2, 0, 2, 6)), launch,
                               FrameRefused{"bad_json", "detail", std::string("\0\xff raw", 6)});
  intake.batch.position = FeedPosition{Word("recording"), "id", 12};
  Write(intake);

  const auto trades = ReadTrades(0, 2);
  ASSERT_EQ(trades.size(), 2u);
  EXPECT_EQ(trades[0].reserves->real_quote, amount);
  EXPECT_EQ(trades[0].event_time, largest.event_time);
  EXPECT_EQ(trades[0].event_index, 3u);
  EXPECT_TRUE(trades[1].loose_time);
  EXPECT_EQ(trades[1].event_index, std::nullopt);

  const std::vector<chain::TokenRef> refs{SampleToken(2), SampleToken(77)};
  const auto tokens = store_->GetTokens(refs, Soon());
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  ASSERT_EQ(tokens->size(), 1u);
  EXPECT_EQ(tokens->front().name, launch.name);
  EXPECT_EQ(tokens->front().supply, amount) << "a row's numeric is wider than any JSON number";
  EXPECT_EQ(tokens->front().launched_at, launch.event_time);

  const auto events = store_->ReadEvents(0, 100, Soon());
  ASSERT_TRUE(events.ok()) << events.status();
  ASSERT_EQ(events->size(), 3u);
  EXPECT_EQ((*events)[0].kind, TokenEventKind::kDiscovered);
  EXPECT_EQ((*events)[2].kind, TokenEventKind::kLaunched);
  EXPECT_EQ((*events)[2].token.supply, amount);
  EXPECT_EQ((*events)[2].token.state, TokenState::kDetected);
  EXPECT_EQ(store_->ReadEvents(1, 1, Soon())->front().cursor, 2u);

  const auto quarantine = store_->ListQuarantine("", "", 0, 10, Soon());
  ASSERT_TRUE(quarantine.ok()) << quarantine.status();
  ASSERT_EQ(quarantine->size(), 1u);
  EXPECT_EQ(quarantine->front().raw, std::string("\0\xff raw", 6));
  EXPECT_EQ(*store_->LoadPosition(Word("recording"), "id", Soon()), 12u);
  EXPECT_EQ(*store_->LoadPosition(Word("recording"), "other", Soon()), 0u);
  const LogHeads heads = *store_->ReadHeads(Soon());
  EXPECT_EQ(heads, memory_->heads);
  EXPECT_EQ(heads.latest_trade, largest.event_time);
  EXPECT_EQ(**store_->OldestTrade(Soon()), 1u);
}

TEST_F(PgStoreTest, AWriterWhoseLogMovedWritesNothing) {
  Write(SampleIntake("solana", SampleTrade(1, 0)));
  Sql("UPDATE detector.log_heads SET trade_cursor = 7");
  const Intake intake = SampleIntake("solana", SampleTrade(2, 0), SampleLaunch(9, "Nine"));
  const std::vector<const Intake*> pointers{&intake};
  const auto draft = Draft::Make(pointers, *session_, *memory_, SampleTime(50), {});
  EXPECT_TRUE(absl::IsAborted(session_->Write((*draft)->commit())));
  EXPECT_EQ(Value("SELECT count(*) FROM detector.trades"), "1");
  EXPECT_EQ(Value("SELECT count(*) FROM detector.detected_tokens"), "0");
}

TEST_F(PgStoreTest, AWriterWhoseLogMovedWritesNoTokensEither) {
  Write(SampleIntake("solana", SampleLaunch(1, "One")));
  Sql("UPDATE detector.log_heads SET token_cursor = 7");
  const Intake intake = SampleIntake("solana", SampleLaunch(9, "Nine"), FrameRefused{"a", "", "raw"});
  const std::vector<const Intake*> pointers{&intake};
  const auto draft = Draft::Make(pointers, *session_, *memory_, SampleTime(50), {});
  ASSERT_TRUE(draft.ok()) << draft.status();
  const absl::Status written = session_->Write((*draft)->commit());
  EXPECT_TRUE(absl::IsAborted(written)) << written;
  EXPECT_EQ(Value("SELECT token_cursor FROM detector.log_heads"), "7");
  EXPECT_EQ(Value("SELECT string_agg(name, ',') FROM detector.detected_tokens"), "One");
  EXPECT_EQ(Value("SELECT count(*) FROM detector.quarantined_frames"), "0");
}

TEST_F(PgStoreTest, TradesGoToThePartitionOfTheirDay) {
  Write(SampleIntake("solana", SampleTrade(1, 0, 1, 0), SampleTrade(2, 0, 1, kDay), SampleTrade(3, 0, 1, 1),
                     SampleTrade(4, 0, 1, kDay + 1)));
  EXPECT_EQ(Value("SELECT count(*) FROM detector.trades_p20260703"), "2");
  EXPECT_EQ(Value("SELECT count(*) FROM detector.trades_p20260704"), "2");
  EXPECT_THAT(CursorsOf(ReadTrades(0, 4)), ElementsAre(1, 2, 3, 4));
  Write(SampleIntake("solana", SampleTrade(5, 0, 1, 2)));
  NewSession();
  Write(SampleIntake("solana", SampleTrade(6, 0, 1, kDay), SampleTrade(7, 0, 1, 2 * kDay)));
  EXPECT_EQ(Value("SELECT count(*) FROM detector.trades"), "7");
  EXPECT_EQ(PartitionName(absl::CivilDay(2026, 7, 3)), "trades_p20260703");
}

TEST_F(PgStoreTest, ReadsAreFilteredAndBounded) {
  Intake intake = SampleIntake("solana");
  for (uint64_t i = 1; i <= 10; ++i) {
    Trade trade = SampleTrade(i, 0, i % 2);
    if (i % 5 == 0) trade.side = Side::kSell;
    intake.batch.events.emplace_back(trade);
  }
  Write(intake);
  TradeFilter odd;
  odd.tokens = {SampleAddress(1)};
  EXPECT_THAT(CursorsOf(ReadTrades(0, 10, odd)), ElementsAre(1, 3, 5, 7, 9));
  odd.side = Side::kSell;
  EXPECT_THAT(CursorsOf(ReadTrades(0, 10, odd)), ElementsAre(5));
  TradeFilter nobody;
  nobody.traders = {SampleAddress(123)};
  nobody.venues = {Word("pump")};
  nobody.chains = {chain::Chain::kSolana};
  EXPECT_THAT(ReadTrades(0, 10, nobody), IsEmpty());
  EXPECT_THAT(CursorsOf(ReadTrades(2, 6)), ElementsAre(3, 4, 5, 6));
  EXPECT_EQ(*store_->ReadTrades(
                2, 10, {}, 3, [](const TradeFields&) {}, Soon()),
            5u);
  EXPECT_EQ(*store_->ReadTrades(
                0, 10, nobody, 3, [](const TradeFields&) {}, Soon()),
            10u);
}

TEST_F(PgStoreTest, TradesAreReadAtTheirCursors) {
  Write(SampleIntake("solana", SampleTrade(1, 0, 1, 0), SampleTrade(2, 0, 1, kDay), SampleTrade(3, 0, 1, 1),
                     SampleTrade(4, 0, 1, kDay + 1)));
  const auto read = [&](const std::vector<uint64_t>& cursors) {
    std::vector<std::pair<uint64_t, std::string>> found;
    const absl::Status status = store_->ReadTradesAt(
        cursors, [&](const TradeFields& trade) { found.emplace_back(trade.cursor, std::string(trade.transaction)); },
        Soon());
    EXPECT_TRUE(status.ok()) << status;
    return found;
  };
  std::vector<std::pair<uint64_t, std::string>> expected;
  for (const Trade& trade : ReadTrades(0, 4)) {
    if (trade.cursor != 3) expected.emplace_back(trade.cursor, std::string(trade.transaction.text()));
  }
  EXPECT_EQ(read({0, 1, 2, 4, 5, UINT64_MAX / 2}), expected) << "in order, over days, without those that are not there";
  EXPECT_THAT(read({}), IsEmpty());
}

TEST_F(PgStoreTest, TradesAreFoundByTransactionNearTheirTimeInLogOrder) {
  Trade twin = WithoutIndex(SampleTrade(1, 0, 1, kDay), absl::Seconds(5));
  Write(SampleIntake("pumpportal", twin, SampleTrade(2, 0), SampleTrade(1, 7, 1, 3 * kDay)));
  Write(SampleIntake("solana", SampleTrade(1, 9, 1, kDay - 60)));
  const Trade asked = SampleTrade(1, 0, 1, kDay);
  const auto found = session_->FindTrades({&asked.transaction, 1}, asked.event_time - absl::Minutes(10),
                                          asked.event_time + absl::Minutes(10));
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->size(), 2u) << "neither another transaction nor a time far away";
  EXPECT_EQ((*found)[0].event_index, std::nullopt);
  EXPECT_TRUE((*found)[0].loose_time);
  EXPECT_EQ((*found)[0].token_amount, twin.token_amount);
  EXPECT_EQ((*found)[1].event_index, 9u) << "a later entry, though of an earlier day";
  std::vector<uint64_t> recent;
  ASSERT_TRUE(
      session_->ReadRecentTrades(2, [&](const TradeIdentity& each) { recent.push_back(each.event_index.value_or(0)); })
          .ok());
  EXPECT_THAT(recent, ElementsAre(7, 9));
}

TEST_F(PgStoreTest, ClaimsAreLeasedAndEndWithANameOrAReturn) {
  Write(SampleIntake("solana", SampleTrade(1, 0, 1), SampleTrade(2, 0, 2), SampleTrade(3, 0, 3)));
  const absl::Time now = SampleTime(1000);
  const auto first = store_->ClaimPending("a", 2, now, absl::Minutes(1), Soon());
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_EQ(first->size(), 2u);
  EXPECT_EQ((*first)[0].claims, 1);
  EXPECT_EQ((*first)[0].lease_until, now + absl::Minutes(1));
  EXPECT_EQ(store_->ClaimPending("b", 10, now, absl::Minutes(5), Soon())->size(), 1u) << "what is leased is not given";
  EXPECT_THAT(*store_->ClaimPending("b", 10, now, absl::Minutes(1), Soon()), IsEmpty());
  const auto again = store_->ClaimPending("b", 10, now + absl::Minutes(2), absl::Minutes(1), Soon());
  ASSERT_EQ(again->size(), 2u) << "the lease has ended";
  EXPECT_EQ((*again)[0].claims, 2);

  Intake intake;
  intake.resolutions.resize(2);
  intake.resolutions[0].ref = SampleToken(1);
  intake.resolutions[0].name = "One";
  intake.resolutions[0].source = "uri";
  intake.resolutions[1].ref = SampleToken(2);
  intake.resolutions[1].retry_at = now + absl::Minutes(3);
  Write(intake);
  EXPECT_EQ(Value("SELECT count(*) FROM detector.pending_tokens"), "2");
  EXPECT_EQ(Value("SELECT name || name_source FROM detector.detected_tokens"), "Oneuri");
  EXPECT_THAT(*store_->ClaimPending("c", 10, now + absl::Minutes(2), absl::Minutes(1), Soon()), IsEmpty());
  const auto returned = store_->ClaimPending("c", 10, now + absl::Minutes(3), absl::Minutes(1), Soon());
  ASSERT_EQ(returned->size(), 1u);
  EXPECT_EQ((*returned)[0].token.ref, SampleToken(2));
}

TEST_F(PgStoreTest, AFrameIsKeptOnceForEachReason) {
  Write(
      SampleIntake("solana", FrameRefused{"a", "", "raw"}, FrameRefused{"a", "", "raw"}, FrameRefused{"b", "", "raw"}));
  Write(SampleIntake("solana", FrameRefused{"a", "", "raw"}, FrameRefused{"a", "", "other"}));
  Write(SampleIntake("pumpportal", FrameRefused{"a", "", "raw"}));
  std::vector<uint64_t> ids;
  const auto all = store_->ListQuarantine("", "", 0, 10, Soon());
  ASSERT_TRUE(all.ok()) << all.status();
  for (const QuarantinedFrame& frame : *all) ids.push_back(frame.id);
  EXPECT_THAT(ids, ElementsAre(6, 5, 3, 1)) << "newest first";
  EXPECT_EQ(store_->ListQuarantine("solana", "a", 5, 10, Soon())->size(), 1u);
  const std::vector<uint64_t> wanted{5, 3};
  EXPECT_EQ(store_->LoadQuarantine(wanted, "", 10, Soon())->front().id, 3u);
  EXPECT_EQ(store_->LoadQuarantine({}, "a", 2, Soon())->size(), 2u);
  Intake released;
  released.batch.released_quarantine = {1, 6};
  Write(released);
  EXPECT_EQ(*store_->TrimQuarantine(1, Soon()), 1);
  EXPECT_EQ(store_->ListQuarantine("", "", 0, 10, Soon())->front().id, 5u);
  EXPECT_EQ(*store_->TrimQuarantine(1, Soon()), 0);
}

TEST_F(PgStoreTest, RetentionKeepsTheNewestDaysAndWhatIsUnread) {
  for (int64_t day = 0; day < 5; ++day) {
    Write(SampleIntake("solana", SampleTrade(static_cast<uint64_t>(day), 0, 1, day * kDay)));
  }
  const absl::Time now = SampleTime(3 * kDay + 60);
  ASSERT_TRUE(store_->SaveConsumer("pricing", 1, now, Soon()).ok());
  ASSERT_TRUE(store_->SaveConsumer("paper", 4, now, Soon()).ok());
  EXPECT_THAT(*store_->DropOldTrades(2, now, Soon()), ElementsAre("trades_p20260703"))
      << "the next day has a trade that pricing has not read; the day after now does not count as newest";
  EXPECT_EQ(store_->SaveConsumer("pricing", 4, now, Soon())->cursor, 4u);
  EXPECT_EQ(store_->SaveConsumer("pricing", 2, now, Soon())->cursor, 4u) << "never backward";
  EXPECT_THAT(*store_->DropOldTrades(2, now, Soon()), ElementsAre("trades_p20260704"));
  EXPECT_THAT(*store_->DropOldTrades(2, now, Soon()), IsEmpty());
  EXPECT_EQ(**store_->OldestTrade(Soon()), 3u);
  EXPECT_EQ(store_->ListConsumers("", 10, Soon())->size(), 2u);
  EXPECT_EQ(store_->ListConsumers("paper", 10, Soon())->front().name, "pricing");
  EXPECT_TRUE(store_->DeleteConsumer("pricing", Soon()).ok());
  EXPECT_TRUE(absl::IsNotFound(store_->DeleteConsumer("pricing", Soon())));
  // The writer's session still believes in the day that has gone: it fails once, and a new one makes it again.
  const Intake late = SampleIntake("solana", SampleTrade(77, 0, 1, 1));
  const std::vector<const Intake*> pointers{&late};
  const auto draft = Draft::Make(pointers, *session_, *memory_, now, {});
  EXPECT_FALSE(session_->Write((*draft)->commit()).ok());
  NewSession();
  EXPECT_EQ(Write(late).accepted, 1);
}

TEST_F(PgStoreTest, ListsAndSearches) {
  const auto launch = [](uint64_t token, const char* name, const char* symbol) {
    LaunchSeen seen = SampleLaunch(token, name);
    seen.symbol = symbol;
    seen.creator = SampleAddress(40 + token % 2);
    return seen;
  };
  Write(SampleIntake("solana", launch(1, "A pepe", "AAA"), launch(2, "Pepe", "BBB"), launch(3, "Pepe King", "CCC"),
                     launch(4, "Other", "PEPE"), launch(5, "ÄPFEL", "XYZ"), launch(6, "", "PEPE")));
  const auto search = [&](const std::string& text, int offset = 0, int limit = 100,
                          std::optional<chain::Chain> on = std::nullopt) {
    return NamesOf(store_->SearchTokens({text, on, offset, limit}, Soon()));
  };
  EXPECT_THAT(search("pepe"), ElementsAre("Other", "Pepe", "Pepe King", "A pepe"))
      << "the whole symbol, the whole name, the beginning, the rest; none that is pending";
  EXPECT_THAT(search("pepe", 1, 2), ElementsAre("Pepe", "Pepe King"));
  EXPECT_THAT(search("pepe", 0, 100, chain::Chain::kBase), IsEmpty());
  EXPECT_THAT(search("%"), IsEmpty()) << "a text and no pattern";

  const auto list = [&](const std::function<void(TokenQuery&)>& change) {
    TokenQuery changed;
    change(changed);
    return store_->ListTokens(changed, Soon());
  };
  TokenQuery query;
  query.limit = 2;
  auto page = store_->ListTokens(query, Soon());
  EXPECT_EQ(page->size(), 2u);
  EXPECT_EQ(page->front().state, TokenState::kPending) << "the newest";
  query.before = page->back().first_cursor;
  EXPECT_THAT(NamesOf(store_->ListTokens(query, Soon())), ElementsAre("Other", "Pepe King"));
  EXPECT_EQ(list([](TokenQuery& q) { q.state = TokenState::kPending; })->size(), 1u);
  EXPECT_EQ(list([](TokenQuery& q) { q.state = TokenState::kDetected; })->size(), 5u);
  EXPECT_EQ(list([](TokenQuery& q) { q.creator = SampleAddress(40); })->size(), 3u);
  EXPECT_THAT(NamesOf(list([](TokenQuery& q) { q.chain = chain::Chain::kBsc; })), IsEmpty());
}

// What token_totals says, and what counting the tokens gives.
constexpr char kTotals[] =
    "SELECT string_agg(concat_ws(' ', state, name_source, tokens, migrated), ', ' ORDER BY state, name_source) "
    "FROM detector.token_totals";
constexpr char kCounted[] =
    "SELECT string_agg(concat_ws(' ', state, name_source, tokens, migrated), ', ' ORDER BY state, name_source) FROM ("
    "SELECT 2 AS state, name_source, count(*) AS tokens, count(migrated_at) AS migrated FROM detector.detected_tokens "
    "GROUP BY name_source UNION ALL SELECT 1, name_source, count(*), count(migrated_at) FROM detector.pending_tokens "
    "GROUP BY name_source) counted";

TEST_F(PgStoreTest, TotalsFollowTheTokens) {
  Write(SampleIntake("solana", SampleLaunch(1, "One"), SampleLaunch(2, "Two"), SampleTrade(3, 0, 3),
                     MigrationSeen{SampleToken(4), Word("pump-amm"), SampleTransaction(9), SampleTime(1)}));
  EXPECT_EQ(Value(kTotals), "1  2 1, 2 launch 2 0");
  EXPECT_EQ(Value(kTotals), Value(kCounted));
  Write(SampleIntake("solana", MigrationSeen{SampleToken(1), Word("pump-amm"), SampleTransaction(8), SampleTime(2)}));
  EXPECT_EQ(Value(kTotals), "1  2 1, 2 launch 2 1");
  // A claim changes no count.
  EXPECT_EQ(store_->ClaimPending("me", 10, absl::Now(), absl::Minutes(1), Soon())->size(), 2u);
  EXPECT_EQ(Value(kTotals), "1  2 1, 2 launch 2 1");
  Intake named;
  Resolution& resolution = named.resolutions.emplace_back();
  resolution.ref = SampleToken(3);
  resolution.name = "Three";
  resolution.symbol = "III";
  resolution.source = "dexscreener";
  Write(named);
  EXPECT_EQ(Value(kTotals), "1  1 1, 2 dexscreener 1 0, 2 launch 2 1");
  Write(SampleIntake("solana", SampleLaunch(4, "Four")));
  EXPECT_EQ(Value(kTotals), "2 dexscreener 1 0, 2 launch 3 2") << "what counts nothing has no row";
  EXPECT_EQ(Value(kTotals), Value(kCounted));
  Sql("DELETE FROM detector.detected_tokens");
  EXPECT_EQ(Value("SELECT count(*) FROM detector.token_totals"), "0");
}

TEST_F(PgStoreTest, TokensFromBeforeTheTotalsAreCounted) {
  Write(SampleIntake("solana", SampleLaunch(1, "One"), SampleTrade(3, 0, 3),
                     MigrationSeen{SampleToken(1), Word("pump-amm"), SampleTransaction(9), SampleTime(1)}));
  const std::string totals = Value(kTotals);
  session_.reset();
  store_.reset();
  Sql("DROP TABLE detector.token_totals; DROP FUNCTION detector.count_tokens CASCADE; "
      "DROP INDEX detector.trades_event_time; CREATE INDEX trades_event_time ON detector.trades USING brin "
      "(event_time); "
      "DELETE FROM detector.schema_migrations WHERE version >= 3");
  store_ = Open();
  ASSERT_NE(store_, nullptr);
  EXPECT_EQ(totals, "1  1 0, 2 launch 1 1");
  EXPECT_EQ(Value(kTotals), totals);
}

TEST_F(PgStoreTest, TotalsAndDiagnosis) {
  Write(SampleIntake("solana", SampleLaunch(1, "One"), SampleTrade(1, 0, 2), FrameRefused{"a", "", ""},
                     MigrationSeen{SampleToken(1), Word("pump-amm"), SampleTransaction(9), SampleTime(1)}));
  const auto totals = store_->ReadTotals(Soon());
  ASSERT_TRUE(totals.ok()) << totals.status();
  EXPECT_EQ(totals->detected, 1);
  EXPECT_EQ(totals->pending, 1);
  EXPECT_EQ(totals->migrated, 1);
  EXPECT_EQ(totals->quarantined, 1);
  EXPECT_EQ(totals->heads.trade_cursor, 1u);
  ASSERT_EQ(totals->named_by_source.size(), 1u);
  EXPECT_EQ(totals->named_by_source[0].first, "launch");

  auto state = store_->Diagnose(Soon());
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->database, "platform");
  EXPECT_EQ(state->role, "detector");
  ASSERT_EQ(state->tables.size(), 9u);
  for (const common::TableReport& table : state->tables) {
    EXPECT_TRUE(table.present) << table.name << " " << table.problem;
    EXPECT_TRUE(table.name != "detector.trades" || table.rows == 1) << table.rows;
  }
  Sql("DROP TABLE detector.feed_positions");
  state = store_->Diagnose(Soon());
  ASSERT_TRUE(state.ok()) << state.status();
  int missing = 0;
  for (const common::TableReport& table : state->tables) {
    if (table.present) continue;
    ++missing;
    EXPECT_THAT(table.problem, HasSubstr("detector.feed_positions"));
  }
  EXPECT_EQ(missing, 1);
}

}  // namespace
}  // namespace tokenwatch::detector
