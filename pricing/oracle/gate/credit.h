// How many calls may be made beyond those that have to be: retries and hedges, as a share of all.
#pragma once

#include <algorithm>

namespace tokenwatch::pricing {

// Earned by each ordinary call, spent by each extra one: never more extra calls than the share of the ordinary ones,
// plus one. Not thread-safe.
class ExtraCallCredit {
 public:
  explicit ExtraCallCredit(double share, double most = 10) : share_(share), most_(most) {}

  void Earn() { credit_ = std::min(credit_ + share_, most_); }
  bool TrySpend() {
    // Ten tenths are a little less than one.
    if (credit_ < 1 - 1e-9) return false;
    credit_ -= 1;
    return true;
  }

 private:
  const double share_;
  const double most_;
  double credit_ = 1;
};

}  // namespace tokenwatch::pricing
