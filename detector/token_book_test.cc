#include "detector/token_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detector/samples_for_test.h"

namespace tokenwatch::detector {
namespace {

using ::testing::ElementsAre;

const Word kHeard("pumpportal");
const Word kChain("solana");

LaunchSeen ChainLaunch(uint64_t token, absl::string_view name) {
  LaunchSeen launch = SampleLaunch(token, name, 1);
  launch.slot = 77;
  launch.creator = SampleAddress(20);
  launch.supply = chain::Amount(1'000'000'000);
  launch.is_mayhem = false;
  return launch;
}

LaunchSeen HeardLaunch(uint64_t token, absl::string_view name) {
  LaunchSeen launch = SampleLaunch(token, name, 3);
  launch.creator = SampleAddress(21);
  launch.uri = "https://example.org/1.json";
  launch.pool = SampleAddress(30);
  return launch;
}

std::vector<TokenEventKind> KindsOf(const TokenBook& book) {
  std::vector<TokenEventKind> kinds;
  for (const TokenEvent& event : book.events()) kinds.push_back(event.kind);
  return kinds;
}

const Token& Only(const TokenBook& book) { return book.Changed().at(0)->token; }

TEST(TokenBookTest, ANamedLaunchIsDetectedAtOnce) {
  TokenBook book({}, 5);
  book.Launch(SampleLaunch(1, "Pepe", 9), kHeard);
  ASSERT_THAT(KindsOf(book), ElementsAre(TokenEventKind::kLaunched));
  EXPECT_EQ(book.events()[0].cursor, 5u);
  EXPECT_EQ(book.events()[0].event_time, SampleTime(9));
  const Token& token = Only(book);
  EXPECT_EQ(token.state, TokenState::kDetected);
  EXPECT_EQ(token.name, "Pepe");
  EXPECT_EQ(token.symbol, "SYM");
  EXPECT_EQ(token.name_source, "launch");
  EXPECT_EQ(token.named_at, SampleTime(9));
  EXPECT_EQ(token.first_cursor, 5u);
  EXPECT_EQ(token.origin, TokenOrigin::kLaunch);
  EXPECT_FALSE(token.name_sanitized);
  EXPECT_THAT(token.feeds, ElementsAre("pumpportal"));
  EXPECT_EQ(book.Changed().at(0)->was, std::nullopt);
  EXPECT_EQ(book.next_cursor(), 6u);
}

TEST(TokenBookTest, ALaunchWithoutARealNameIsPendingUnderAPlaceholder) {
  for (const char* name : {"", "   ", "\u200b\u200b", "...", "Unknown", "(unnamed 4k3Dyjzv)", "(UNNAMED 4k3Dyjzv)"}) {
    TokenBook book({}, 1);
    book.Launch(SampleLaunch(1, name), kHeard);
    const Token& token = Only(book);
    EXPECT_EQ(token.state, TokenState::kPending) << name;
    EXPECT_EQ(token.name, PlaceholderName(token.ref.address)) << name;
    EXPECT_EQ(token.symbol, "SYM") << name;
    EXPECT_EQ(token.name_source, "") << name;
    EXPECT_FALSE(token.named_at.has_value()) << name;
  }
}

TEST(TokenBookTest, APlaceholderIsVisiblyOne) {
  const chain::Address address = SampleAddress(1);
  const std::string placeholder = PlaceholderName(address);
  EXPECT_EQ(placeholder, absl::StrCat("(unnamed ", address.text().substr(0, 8), ")"));
  EXPECT_TRUE(IsPlaceholderName(placeholder));
  EXPECT_FALSE(IsPlaceholderName("Pepe"));
  EXPECT_FALSE(IsPlaceholderName("(unnamed"));
}

TEST(TokenBookTest, AHostileNameIsMadeSafeAndSaysSo) {
  TokenBook book({}, 1);
  LaunchSeen launch = SampleLaunch(1, "\u202e\u200b");
  launch.symbol = std::string(500, 'X');
  launch.uri = "https://example.org/\x01";
  book.Launch(launch, kHeard);
  const Token& token = Only(book);
  EXPECT_EQ(token.state, TokenState::kPending) << "nothing visible is left";

  launch.name = std::string("\u202ePe") + '\0' + "\x07pe\u200b  Coin";
  TokenBook other({}, 1);
  other.Launch(launch, kHeard);
  EXPECT_EQ(Only(other).name, "Pepe Coin");
  EXPECT_TRUE(Only(other).name_sanitized);
  EXPECT_EQ(Only(other).symbol.size(), 32u);
  EXPECT_EQ(Only(other).uri, "https://example.org/");
}

TEST(TokenBookTest, RepeatingALaunchChangesNothing) {
  TokenBook book({}, 1);
  book.Launch(HeardLaunch(1, "Pepe"), kHeard);
  book.Launch(HeardLaunch(1, "Pepe"), kHeard);
  EXPECT_EQ(book.events().size(), 1u);

  TokenBook later({Only(book)}, 2);
  later.Launch(HeardLaunch(1, "Pepe"), kHeard);
  EXPECT_TRUE(later.events().empty());
  EXPECT_TRUE(later.Changed().empty());
}

void ExpectUnion(const TokenBook& book) {
  EXPECT_THAT(KindsOf(book), ElementsAre(TokenEventKind::kLaunched, TokenEventKind::kUpdated));
  const Token& token = Only(book);
  EXPECT_EQ(token.launch_slot, 77u);
  EXPECT_EQ(token.creator, SampleAddress(20)) << "the chain's own word wins";
  EXPECT_EQ(token.launched_at, SampleTime(1)) << "the chain's own time wins";
  EXPECT_EQ(token.uri, "https://example.org/1.json");
  EXPECT_EQ(token.pool, SampleAddress(30));
  EXPECT_EQ(token.supply, chain::Amount(1'000'000'000));
  EXPECT_EQ(token.is_mayhem, false);
  EXPECT_EQ(token.is_cashback, std::nullopt);
  EXPECT_THAT(token.feeds, ElementsAre("pumpportal", "solana"));
  EXPECT_EQ(book.events()[1].token.feeds.size(), 2u);
  EXPECT_EQ(book.events()[0].token.feeds.size(), 1u) << "an event holds the token as it was then";
}

TEST(TokenBookTest, TwoFeedsOfOneLaunchAreOneLaunchInEitherOrder) {
  TokenBook heard_first({}, 1);
  heard_first.Launch(HeardLaunch(1, "Pepe"), kHeard);
  heard_first.Launch(ChainLaunch(1, "Pepe"), kChain);
  ExpectUnion(heard_first);

  TokenBook chain_first({}, 1);
  chain_first.Launch(ChainLaunch(1, "Pepe"), kChain);
  chain_first.Launch(HeardLaunch(1, "Pepe"), kHeard);
  ExpectUnion(chain_first);
}

TEST(TokenBookTest, ASecondFeedNamesWhatTheFirstCouldNot) {
  TokenBook book({}, 1);
  book.Launch(HeardLaunch(1, ""), kHeard);
  book.Launch(ChainLaunch(1, "Pepe"), kChain);
  EXPECT_THAT(KindsOf(book), ElementsAre(TokenEventKind::kLaunched, TokenEventKind::kNamed));
  EXPECT_EQ(Only(book).state, TokenState::kDetected);
  EXPECT_EQ(Only(book).name_source, "launch");
}

TEST(TokenBookTest, AnotherLaunchTransactionOfAMintIsIgnored) {
  TokenBook book({}, 1);
  book.Launch(SampleLaunch(1, "Pepe"), kHeard);
  LaunchSeen other = SampleLaunch(1, "Impostor");
  other.transaction = SampleTransaction(9999);
  book.Launch(other, kChain);
  EXPECT_EQ(book.events().size(), 1u);
  EXPECT_EQ(Only(book).name, "Pepe");
  EXPECT_EQ(Only(book).launch_transaction, SampleTransaction(5001));
}

TEST(TokenBookTest, ATradeOfAnUnknownTokenDiscoversIt) {
  TokenBook book({}, 8);
  book.Trade(SampleTrade(1, 0, 4, 2));
  book.Trade(SampleTrade(2, 0, 4, 3));
  ASSERT_THAT(KindsOf(book), ElementsAre(TokenEventKind::kDiscovered));
  const Token& token = Only(book);
  EXPECT_EQ(token.state, TokenState::kPending);
  EXPECT_EQ(token.origin, TokenOrigin::kTrade);
  EXPECT_EQ(token.first_seen_at, SampleTime(2));
  EXPECT_EQ(token.venue.text(), "pump");
  EXPECT_EQ(token.quote, SampleAddress(901));
  EXPECT_FALSE(token.launched_at.has_value());
  EXPECT_TRUE(IsPlaceholderName(token.name));
}

TEST(TokenBookTest, TheLaunchOfADiscoveredTokenMayComeLater) {
  TokenBook first({}, 1);
  first.Trade(SampleTrade(1, 0, 4, 2));
  TokenBook book({Only(first)}, 2);
  book.Launch(ChainLaunch(4, "Pepe"), kChain);
  ASSERT_THAT(KindsOf(book), ElementsAre(TokenEventKind::kLaunched));
  const TokenBook::Page& page = *book.Changed().at(0);
  EXPECT_EQ(page.was, TokenState::kPending);
  EXPECT_EQ(page.token.state, TokenState::kDetected);
  EXPECT_EQ(page.token.origin, TokenOrigin::kTrade) << "what made it known does not change";
  EXPECT_EQ(page.token.first_cursor, 1u);
  EXPECT_EQ(page.token.first_seen_at, SampleTime(2));
  EXPECT_EQ(page.token.launched_at, SampleTime(1));
}

TEST(TokenBookTest, CompletionAndMigrationHappenOnce) {
  TokenBook book({}, 1);
  book.Launch(SampleLaunch(1, "Pepe"), kHeard);
  for (int i = 0; i < 2; ++i) {
    book.Complete({SampleToken(1), SampleTime(10 + i)}, kChain);
    book.Migrate(
        {SampleToken(1), Word("pump-amm"), SampleTransaction(70 + static_cast<uint64_t>(i)), SampleTime(20 + i)},
        kChain);
  }
  EXPECT_THAT(KindsOf(book),
              ElementsAre(TokenEventKind::kLaunched, TokenEventKind::kCompleted, TokenEventKind::kMigrated));
  EXPECT_EQ(Only(book).completed_at, SampleTime(10));
  ASSERT_TRUE(Only(book).migration.has_value());
  EXPECT_EQ(Only(book).migration->transaction, SampleTransaction(70));
  EXPECT_EQ(Only(book).migration->venue.text(), "pump-amm");
}

TEST(TokenBookTest, CompletionAndMigrationOfUnknownTokensDiscoverThem) {
  TokenBook book({}, 1);
  book.Complete({SampleToken(1), SampleTime(10)}, kChain);
  book.Migrate({SampleToken(2), Word("pump-amm"), SampleTransaction(70), SampleTime(20)}, kHeard);
  EXPECT_THAT(KindsOf(book), ElementsAre(TokenEventKind::kDiscovered, TokenEventKind::kCompleted,
                                         TokenEventKind::kDiscovered, TokenEventKind::kMigrated));
  EXPECT_EQ(book.Changed().at(1)->token.origin, TokenOrigin::kMigration);
  for (size_t i = 0; i < book.events().size(); ++i) EXPECT_EQ(book.events()[i].cursor, i + 1);
}

Resolution NameFor(uint64_t token, absl::string_view name) {
  Resolution resolution;
  resolution.ref = SampleToken(token);
  resolution.name = std::string(name);
  resolution.symbol = "RES";
  resolution.source = "metaplex";
  resolution.uri = "ipfs://x";
  resolution.decimals = 9;
  return resolution;
}

TEST(TokenBookTest, NamingMovesAPendingToken) {
  TokenBook first({}, 1);
  first.Trade(SampleTrade(1, 0, 4));
  TokenBook book({Only(first)}, 2);
  Resolution resolution = NameFor(4, "Pepe");
  resolution.imitates = SampleToken(50);
  EXPECT_EQ(book.Name(resolution, SampleTime(60)), TokenBook::Named::kNamed);
  EXPECT_EQ(book.Name(resolution, SampleTime(61)), TokenBook::Named::kAlreadyNamed);
  ASSERT_THAT(KindsOf(book), ElementsAre(TokenEventKind::kNamed));
  const TokenBook::Page& page = *book.Changed().at(0);
  EXPECT_EQ(page.was, TokenState::kPending);
  EXPECT_TRUE(page.changed);
  EXPECT_EQ(page.token.name, "Pepe");
  EXPECT_EQ(page.token.symbol, "RES");
  EXPECT_EQ(page.token.name_source, "metaplex");
  EXPECT_EQ(page.token.uri, "ipfs://x");
  EXPECT_EQ(page.token.decimals, 9);
  EXPECT_EQ(page.token.named_at, SampleTime(60));
  EXPECT_EQ(page.token.imitates, SampleToken(50));
}

TEST(TokenBookTest, NamingRefusesUnknownTokensAndWhatIsNoName) {
  TokenBook first({}, 1);
  first.Trade(SampleTrade(1, 0, 4));
  TokenBook book({Only(first)}, 2);
  EXPECT_EQ(book.Name(NameFor(5, "Pepe"), SampleTime(0)), TokenBook::Named::kUnknown);
  for (const char* name : {"", "  ", "null", "(unnamed abcdefgh)"}) {
    EXPECT_EQ(book.Name(NameFor(4, name), SampleTime(0)), TokenBook::Named::kNotAName) << name;
  }
  EXPECT_TRUE(book.events().empty());
  EXPECT_TRUE(book.Changed().empty()) << "a page that was only read is not written";
  EXPECT_TRUE(book.Knows(SampleToken(4)));
  EXPECT_FALSE(book.Knows(SampleToken(5)));
}

TEST(TokenBookTest, ChangedPagesComeInTheOrderOfTheirFirstTouch) {
  TokenBook book({}, 1);
  for (const uint64_t token : {9, 2, 7, 2, 9}) book.Trade(SampleTrade(1, 0, token));
  std::vector<chain::Address> order;
  for (const TokenBook::Page* page : book.Changed()) order.push_back(page->token.ref.address);
  EXPECT_THAT(order, ElementsAre(SampleAddress(9), SampleAddress(2), SampleAddress(7)));
}

}  // namespace
}  // namespace tokenwatch::detector
