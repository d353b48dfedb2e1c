#include "pricing/reads/hot_list.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pricing/fold/hot_score.h"
#include "pricing/testing/world.h"

namespace tokenwatch::pricing {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// A trade of so many whole quote units.
void Add(World& world, uint64_t token, absl::Duration at, uint64_t sol, const chain::Address& quote = TestQuote()) {
  world.Add(TestToken(token), at, 1'000'000'000, 1'000'000, [&](Trade& trade) {
    trade.quote = quote;
    trade.quote_amount = chain::Amount(sol * (quote == TestQuote() ? 1'000'000'000 : 1'000'000));
  });
}

std::vector<chain::TokenRef> Tokens(const HotRanking& ranking) {
  std::vector<chain::TokenRef> tokens;
  for (const HotRank& rank : ranking.ranks) tokens.push_back(rank.key.token);
  return tokens;
}

TEST(HotListTest, TheSameLogGivesTheSameRankingHoweverItCameIn) {
  std::vector<std::vector<HotRank>> rankings;
  for (const size_t batch : {1, 7, 1'000}) {
    World world;
    std::mt19937 random(3);
    for (size_t i = 0; i < 2'000; ++i) {
      Add(world, random() % 60, absl::Seconds(i + random() % 30), 1 + random() % 5);
      if (i % batch == 0) world.Fold();
    }
    world.Fold();
    HotList list({}, world.hot, world.clock);
    rankings.push_back(list.Newest(chain::Chain::kUnknown, world.fold().position())->ranks);
    EXPECT_THAT(rankings.back(), SizeIs(60));
  }
  for (const auto& ranking : rankings) {
    ASSERT_EQ(ranking.size(), rankings[0].size());
    for (size_t i = 0; i < ranking.size(); ++i) {
      EXPECT_EQ(ranking[i].key, rankings[0][i].key);
      EXPECT_EQ(ranking[i].score, rankings[0][i].score) << "to the last bit";
      if (i > 0) {
        EXPECT_GE(ranking[i - 1].score, ranking[i].score);
      }
    }
  }
}

TEST(HotListTest, ScoresFadeToTheNewestEventAndEqualOnesAreInOrderOfTokens) {
  World world;
  Add(world, 1, absl::ZeroDuration(), 16);
  Add(world, 2, kHotHalfLife, 8);
  Add(world, 3, 2 * kHotHalfLife, 5);
  Add(world, 4, 2 * kHotHalfLife, 3);
  world.Fold();
  HotList list({}, world.hot, world.clock);
  const auto ranking = list.Newest(chain::Chain::kUnknown, world.fold().position());
  EXPECT_EQ(ranking->as_of, TestTime() + 2 * kHotHalfLife);
  ASSERT_THAT(ranking->ranks, SizeIs(4));
  EXPECT_EQ(ranking->ranks[0].key.token, TestToken(3));
  EXPECT_DOUBLE_EQ(ranking->ranks[1].score, 4);
  EXPECT_DOUBLE_EQ(ranking->ranks[2].score, 4);
  EXPECT_TRUE(ranking->ranks[1].key.token < ranking->ranks[2].key.token);
  EXPECT_EQ(ranking->ranks[3].key.token, TestToken(4));
}

TEST(HotListTest, ATokenOnceByItsHottestSeriesAndNoDeeperThanTheDepth) {
  World world;
  Add(world, 1, absl::ZeroDuration(), 3);
  Add(world, 1, absl::ZeroDuration(), 9, TestUsdc());
  Add(world, 2, absl::ZeroDuration(), 5);
  Add(world, 3, absl::ZeroDuration(), 1);
  world.Fold();
  HotList list({.depth = 3}, world.hot, world.clock);
  const auto ranking = list.Newest(chain::Chain::kUnknown, world.fold().position());
  EXPECT_THAT(Tokens(*ranking), ElementsAre(TestToken(1), TestToken(2)));
  EXPECT_EQ(ranking->ranks[0].key.quote, TestUsdc());
}

TEST(HotListTest, ARankingServesForAWhileAndIsFoundAgainByItsCursor) {
  World world;
  Add(world, 1, absl::ZeroDuration(), 3);
  world.Fold();
  HotList list({.max_age = absl::Seconds(1), .remembered = 2}, world.hot, world.clock);
  const auto first = list.Newest(chain::Chain::kUnknown, world.fold().position());
  Add(world, 2, absl::ZeroDuration(), 5);
  world.Fold();
  EXPECT_EQ(list.Newest(chain::Chain::kUnknown, world.fold().position()), first) << "made a moment ago";
  world.clock.Advance(absl::Seconds(1));
  const auto second = list.Newest(chain::Chain::kUnknown, world.fold().position());
  EXPECT_THAT(Tokens(*second), ElementsAre(TestToken(2), TestToken(1)));
  world.clock.Advance(absl::Hours(1));
  EXPECT_EQ(list.Newest(chain::Chain::kUnknown, world.fold().position()), second) << "nothing has changed since";
  EXPECT_EQ(list.Find(chain::Chain::kUnknown, first->cursor), first);
  EXPECT_EQ(list.Find(chain::Chain::kSolana, first->cursor), nullptr);
  list.Newest(chain::Chain::kSolana, world.fold().position());
  EXPECT_EQ(list.Find(chain::Chain::kUnknown, first->cursor), nullptr) << "only so many are remembered";
}

}  // namespace
}  // namespace tokenwatch::pricing
