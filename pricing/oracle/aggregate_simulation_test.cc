// What a minority of bad sources does to the price, beside what it does to rules that others use.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <random>

#include <gtest/gtest.h>

#include "pricing/oracle/aggregate.h"

namespace tokenwatch::pricing {
namespace {

constexpr double kTruth = 100;
constexpr double kHonestNoiseBps = 10;
constexpr int kRounds = 10'000;

double ErrorBps(double price) { return std::abs(price - kTruth) / kTruth * 10'000; }

double P99(std::vector<double> errors) {
  std::sort(errors.begin(), errors.end());
  return errors[errors.size() * 99 / 100];
}

double VolumeWeightedMean(const std::vector<Vote>& votes) {
  double sum = 0;
  double weight = 0;
  for (const Vote& vote : votes) {
    sum += vote.usd * *vote.liquidity_usd;
    weight += *vote.liquidity_usd;
  }
  return sum / weight;
}

double Mean(const std::vector<Vote>& votes) {
  double sum = 0;
  for (const Vote& vote : votes) sum += vote.usd;
  return sum / static_cast<double>(votes.size());
}

// One standard deviation, then weighted by volume: ojo price-feeder.
double SigmaFilter(const std::vector<Vote>& votes) {
  const double mean = Mean(votes);
  double square = 0;
  for (const Vote& vote : votes) square += (vote.usd - mean) * (vote.usd - mean);
  const double sigma = std::sqrt(square / static_cast<double>(votes.size()));
  std::vector<Vote> kept;
  for (const Vote& vote : votes) {
    if (std::abs(vote.usd - mean) <= sigma) kept.push_back(vote);
  }
  return VolumeWeightedMean(kept.empty() ? votes : kept);
}

class World {
 public:
  std::vector<Vote> Honest(int count) {
    std::vector<Vote> votes;
    for (int i = 0; i < count; ++i) {
      votes.push_back({kTruth * (1 + kHonestNoiseBps / 10'000 * noise_(random_)), std::exp(noise_(random_))});
    }
    return votes;
  }
  bool Coin() { return random_() % 2 == 0; }
  double Uniform() { return std::uniform_real_distribution<>()(random_); }

 private:
  std::mt19937_64 random_{7};
  std::normal_distribution<> noise_;
};

struct Case {
  const char* name;
  int sources;
  int bad;
  std::function<void(World&, Vote&)> spoil;
  // Whether the rules of others are to be seen failing by thousands.
  bool mean_fails = false;
  bool sigma_fails = false;
};

const std::function<void(World&, Vote&)> kZeroOrTenfold = [](World& world, Vote& vote) {
  vote.usd = world.Coin() ? 0 : vote.usd * 10;
};
const std::function<void(World&, Vote&)> kStale = [](World&, Vote& vote) { vote.usd *= 1.05; };
const std::function<void(World&, Vote&)> kCollude = [](World&, Vote& vote) {
  vote.usd = kTruth * 1.03;
  *vote.liquidity_usd *= 5;
};

TEST(AggregateSimulation, AMinorityOfBadSourcesCostsNoAccuracy) {
  const std::vector<Case> cases = {
      {"3 sources, none bad", 3, 0, nullptr},
      {"3 sources, one stale by 5 %", 3, 1, kStale},
      {"3 sources, one zero or tenfold", 3, 1, kZeroOrTenfold, true},
      {"4 sources, one zero or tenfold", 4, 1, kZeroOrTenfold, true},
      {"5 sources, none bad", 5, 0, nullptr},
      {"5 sources, two stale by 5 %", 5, 2, kStale},
      {"5 sources, two zero or tenfold", 5, 2, kZeroOrTenfold, true, true},
      {"5 sources, two at +3 %, 5x volume", 5, 2, kCollude},
      {"7 sources, three at +3 %, 5x volume", 7, 3, kCollude},
      {"7 sources, three zero or tenfold", 7, 3, kZeroOrTenfold, true, true},
  };
  std::printf("%-38s %10s %10s %10s %10s   p99 error in basis points\n", "", "mean", "volume", "1 sigma", "ours");
  for (const Case& one : cases) {
    World world;
    std::vector<double> mean;
    std::vector<double> volume;
    std::vector<double> sigma;
    std::vector<double> ours;
    for (int round = 0; round < kRounds; ++round) {
      std::vector<Vote> votes = world.Honest(one.sources);
      for (int i = 0; i < one.bad; ++i) one.spoil(world, votes[static_cast<size_t>(i)]);
      mean.push_back(ErrorBps(Mean(votes)));
      volume.push_back(ErrorBps(VolumeWeightedMean(votes)));
      sigma.push_back(ErrorBps(SigmaFilter(votes)));
      const Aggregated result = Aggregate(votes, 2);
      ASSERT_TRUE(result.usd.has_value()) << one.name << ": " << result.reason;
      ours.push_back(ErrorBps(*result.usd));
    }
    std::printf("%-38s %10.1f %10.1f %10.1f %10.1f\n", one.name, P99(mean), P99(volume), P99(sigma), P99(ours));
    EXPECT_LE(P99(ours), 25) << one.name;
    if (one.bad == 0 && one.sources == 3) {
      EXPECT_LE(P99(ours), 16) << one.name;
    }
    if (one.mean_fails) {
      EXPECT_GE(P99(mean), 7'000) << one.name;
    }
    if (one.sigma_fails) {
      EXPECT_GE(P99(sigma), 7'000) << one.name;
    }
  }
}

// The worst that one source can do, whatever it says, to whatever the others say.
TEST(AggregateSimulation, OneSourceAloneNeverMovesAQuorumPriceBy50) {
  World world;
  double worst = 0;
  int quorums = 0;
  for (int round = 0; round < 5'000; ++round) {
    const int sources = 2 + round % 6;
    std::vector<Vote> votes = world.Honest(sources);
    // Also worlds in which honest sources differ by more.
    const double spread = 1 + 9 * world.Uniform() * (round % 3);
    for (Vote& vote : votes) vote.usd = kTruth + (vote.usd - kTruth) * spread;
    const Aggregated before = Aggregate(votes, 2);
    if (!before.is_quorum) continue;
    ++quorums;
    for (Vote& vote : votes) {
      const Vote honest = vote;
      std::vector<double> lies = {0, honest.usd * 10, honest.usd / 10, honest.usd * 1.05};
      for (double bps = -200; bps <= 200; bps += 4) lies.push_back(*before.usd * (1 + bps / 10'000));
      for (const double lie : lies) {
        for (const double liquidity : {*honest.liquidity_usd, 1e12, 0.0}) {
          vote = {lie, liquidity};
          const Aggregated after = Aggregate(votes, 2);
          if (!after.is_quorum) continue;
          worst = std::max(worst, std::abs(*after.usd - *before.usd) / *before.usd * 10'000);
        }
      }
      vote = honest;
    }
  }
  std::printf("one of 2 to 7 sources moved %d quorum prices by at most %.1f basis points\n", quorums, worst);
  EXPECT_GT(quorums, 1'500);
  EXPECT_LE(worst, 50);
}

}  // namespace
}  // namespace tokenwatch::pricing
