#include "pricing/oracle/aggregate.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tokenwatch::pricing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;

std::vector<Vote> Votes(std::initializer_list<double> prices) {
  std::vector<Vote> votes;
  for (const double price : prices) votes.push_back({price, std::nullopt});
  return votes;
}

// skip-mev/connect, x/oracle aggregation tests: one direct price and two converted at 1.1.
TEST(Aggregate, TheMedianOfThreeThatDifferIsThePublishedOne) {
  const Aggregated result = Aggregate(Votes({70'000, 70'000 * 1.1, 69'000 * 1.1}), 3);
  EXPECT_THAT(result.usd, Optional(::testing::DoubleNear(75'900, 1e-6)));
  EXPECT_THAT(result.rejected, ElementsAre("", "", ""));
  EXPECT_NEAR(result.confidence_bps.value(), 5'900 / 75'900.0 * 10'000, 0.01);
}

TEST(Aggregate, OneProviderBelowTheMinimumIsNoPrice) {
  const Aggregated result = Aggregate(Votes({70'000}), 2);
  EXPECT_EQ(result.usd, std::nullopt);
  EXPECT_EQ(result.reason, "1 of at least 2 sources have a price");
  EXPECT_EQ(Aggregate({}, 1).usd, std::nullopt);
}

// ojo price-feeder, oracle filter tests: three at 29.93 and one at 27.1; they filter by one standard deviation.
TEST(Aggregate, TheOneBesideThreeEqualsIsFiltered) {
  const Aggregated result = Aggregate(Votes({29.93, 29.93, 27.1, 29.93}), 2);
  EXPECT_THAT(result.usd, Optional(29.93));
  EXPECT_THAT(result.rejected, ElementsAre("", "", "outlier", ""));
  EXPECT_THAT(result.confidence_bps, Optional(0.0));
}

// umee #977: a sigma filter drops two of three honest stablecoin sources that agree closely.
TEST(Aggregate, SourcesThatAgreeCloselyRejectNoHonestOne) {
  for (const auto& prices : {std::vector<double>{1.0000, 1.0001, 1.0003}, {1.0, 1.0, 1.0, 1.004}, {1.0, 1.0, 1.0045}}) {
    std::vector<Vote> votes;
    for (const double price : prices) votes.push_back({price, std::nullopt});
    for (const std::string& rejected : Aggregate(votes, 2).rejected) EXPECT_EQ(rejected, "");
  }
}

TEST(Aggregate, OneSourceIsOnePriceWithoutConfidence) {
  const Aggregated result = Aggregate(Votes({5}), 1);
  EXPECT_THAT(result.usd, Optional(5.0));
  EXPECT_EQ(result.confidence_bps, std::nullopt);
}

TEST(Aggregate, OfTwoNobodyKnowsWhichIsRight) {
  const Aggregated close = Aggregate(Votes({100, 102}), 2);
  EXPECT_NEAR(close.usd.value(), 101, 1e-9);
  EXPECT_NEAR(close.confidence_bps.value(), 99, 0.1);
  EXPECT_FALSE(close.is_quorum);
  EXPECT_TRUE(Aggregate(Votes({100, 100.4}), 2).is_quorum);
  const Aggregated far = Aggregate(Votes({100, 1'000}), 2);
  EXPECT_EQ(far.usd, std::nullopt);
  EXPECT_THAT(far.reason, HasSubstr("differ"));
  EXPECT_EQ(Aggregate(Votes({100, 1'000}), 1).usd, std::nullopt);
}

TEST(Aggregate, TwoCampsOfTwoAreNoPrice) { EXPECT_EQ(Aggregate(Votes({100, 100, 1'000, 1'000}), 2).usd, std::nullopt); }

TEST(Aggregate, WhatIsNoPriceIsNoVote) {
  const Aggregated result =
      Aggregate(Votes({0, -1, std::nan(""), std::numeric_limits<double>::infinity(), 10, 10.001}), 2);
  EXPECT_NEAR(result.usd.value(), 10.0005, 1e-9);
  EXPECT_THAT(result.rejected, ElementsAre("not_positive", "not_positive", "not_positive", "not_positive", "", ""));
  EXPECT_EQ(Aggregate(Votes({0, 0, 0}), 1).usd, std::nullopt);
}

TEST(Aggregate, AQuorumOutlivesOneThatChangesSides) {
  EXPECT_TRUE(Aggregate(Votes({100, 100.1, 100.2}), 2).is_quorum);
  // Were the first to join the third, those two would be the majority.
  EXPECT_FALSE(Aggregate(Votes({100, 100.1, 500}), 2).is_quorum);
  EXPECT_TRUE(Aggregate(Votes({100, 100.1, 100.1, 500}), 2).is_quorum);
  EXPECT_FALSE(Aggregate(Votes({100, 100.1, 100.1, 500, 500}), 2).is_quorum);
  EXPECT_FALSE(Aggregate(Votes({100}), 1).is_quorum);
}

TEST(Aggregate, TooFewThatAgreeAreNoPrice) {
  const Aggregated result = Aggregate(Votes({100, 100.1, 500}), 3);
  EXPECT_EQ(result.usd, std::nullopt);
  EXPECT_EQ(result.reason, "2 of at least 3 sources agree");
  EXPECT_THAT(result.rejected, ElementsAre("", "", "outlier"));
}

TEST(Aggregate, LiquidityWeighsButNoSourceHasHalf) {
  // All within what is never an outlier.
  std::vector<Vote> votes = {{100.0, 10.0}, {100.1, 10.0}, {100.2, 10.0}, {100.3, 1e12}};
  EXPECT_THAT(Aggregate(votes, 2).usd, Optional(100.2)) << "20 of 50, from above";
  votes = {{100.0, 1.0}, {100.1, 1.0}, {100.2, 100.0}, {100.3, 100.0}, {100.4, 100.0}};
  EXPECT_THAT(Aggregate(votes, 2).usd, Optional(100.3));
  votes = {{100.0, std::nullopt}, {100.1, std::nan("")}, {100.2, -5.0}, {100.3, 0.0}, {100.4, std::nullopt}};
  EXPECT_TRUE(Aggregate(votes, 2).usd.has_value());
}

TEST(Aggregate, OverReportsItMarksWhatIsUsedAndMayBeRepeated) {
  const auto report = [](const char* source, double usd) {
    SourceReport one;
    one.source = Word(source);
    one.outcome = Outcome::kFound;
    one.observation.emplace();
    one.observation->value = usd;
    return one;
  };
  SourceReport failed;
  failed.source = Word("d");
  failed.outcome = Outcome::kTimeout;
  std::vector<SourceReport> reports = {failed, report("a", 5), report("b", 2), report("c", 2.001), report("e", 3)};
  reports[4].rejected = kStale;
  EXPECT_NEAR(Aggregate(reports, 2).usd.value(), 2.0005, 1e-9);
  const auto sources = [&] {
    std::string text;
    for (const SourceReport& one : reports) text += std::string(one.source.text()) + (one.used ? "+" : "-");
    return text;
  };
  EXPECT_EQ(sources(), "b+c+d-a-e-");
  EXPECT_EQ(reports[3].rejected, kOutlier);
  EXPECT_EQ(reports[4].rejected, kStale);
  // With another voice the majority may be another.
  for (double usd : {5.001, 5.002, 5.003, 5.0, 5.0}) reports.push_back(report("f", usd));
  EXPECT_NEAR(Aggregate(reports, 2).usd.value(), 5, 0.003);
  EXPECT_EQ(sources(), "a+f+f+f+f+f+b-c-d-e-");
}

TEST(WeightedMedian, IsWhereHalfTheWeightIs) {
  EXPECT_EQ(WeightedMedian({{5, 1}}), 5);
  EXPECT_EQ(WeightedMedian({{1, 1}, {2, 1}, {3, 1}}), 2);
  EXPECT_EQ(WeightedMedian({{1, 1}, {2, 1}}), 1.5);
  EXPECT_EQ(WeightedMedian({{3, 1}, {1, 5}, {2, 1}}), 1);
  EXPECT_EQ(WeightedMedian({{1, 2}, {2, 0}, {3, 2}}), 2);
  EXPECT_EQ(WeightedMedian({{1, 0}, {2, 0}, {4, 0}}), 2);
  EXPECT_EQ(WeightedMedian({{1, 0}, {3, 0}}), 2);
}

}  // namespace
}  // namespace tokenwatch::pricing
