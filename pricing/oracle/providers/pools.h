// Which of a token's pools to believe.
#pragma once

#include <vector>

#include "pricing/oracle/observation.h"

namespace tokenwatch::pricing {

// Puts the pool to believe first and the others after it by liquidity: the most liquid one whose price is near the
// median of all pools, each weighted by its liquidity but none by more than the second-largest has.
//
// The largest liquidity alone does not do: a pool against a token that is itself mispriced claims any liquidity. One of
// the recorded answers about BONK has 112 million USD in such a pool, 4,800 times off.
void RankPools(std::vector<Observation>& pools);

}  // namespace tokenwatch::pricing
