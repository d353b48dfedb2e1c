#include "pricing/oracle/providers/pools.h"

#include <algorithm>
#include <cmath>

#include "pricing/oracle/aggregate.h"

namespace tokenwatch::pricing {
namespace {

// Share of the second-largest liquidity below which a pool has no say.
constexpr double kDust = 0.01;
constexpr double kNear = 0.1;
// Of two nobody knows which is right.
constexpr size_t kEnough = 3;

}  // namespace

void RankPools(std::vector<Observation>& pools) {
  std::stable_sort(pools.begin(), pools.end(), [](const Observation& a, const Observation& b) {
    return a.liquidity_usd.value_or(0) > b.liquidity_usd.value_or(0);
  });
  if (pools.size() < kEnough) return;
  const double most = pools[1].liquidity_usd.value_or(0);
  std::vector<Weighted> weighted;
  for (const Observation& pool : pools) {
    const double liquidity = pool.liquidity_usd.value_or(0);
    if (liquidity >= most * kDust) weighted.push_back({pool.value, std::min(liquidity, most)});
  }
  if (weighted.size() < kEnough) return;
  const double median = WeightedMedian(std::move(weighted));
  const auto near = std::find_if(pools.begin(), pools.end(), [median](const Observation& pool) {
    return std::abs(pool.value - median) <= median * kNear;
  });
  if (near != pools.end()) std::rotate(pools.begin(), near, near + 1);
}

}  // namespace tokenwatch::pricing
