#include "pricing/fold/hot_score.h"

#include <cmath>

namespace tokenwatch::pricing {

double DecayTo(double score, absl::Time from, absl::Time to) {
  if (score == 0 || to <= from) return score;
  return score * std::exp2(-absl::FDivDuration(to - from, kHotHalfLife));
}

}  // namespace tokenwatch::pricing
