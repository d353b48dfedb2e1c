#include "resolver/cascade/retry.h"

#include <gtest/gtest.h>

namespace tokenwatch::resolver {
namespace {

TEST(RetryPolicy, FullJitterBelowADoublingBound) {
  const RetryPolicy policy{.initial = absl::Seconds(5), .cap = absl::Seconds(30), .max_attempts = 8};
  EXPECT_EQ(policy.Delay(1, 0.0), absl::ZeroDuration());
  EXPECT_EQ(policy.Delay(1, 0.5), absl::Seconds(2.5));
  EXPECT_EQ(policy.Delay(2, 0.5), absl::Seconds(5));
  EXPECT_EQ(policy.Delay(3, 0.5), absl::Seconds(10));
  EXPECT_EQ(policy.Delay(4, 0.5), absl::Seconds(15));
  EXPECT_EQ(policy.Delay(1'000'000, 0.5), absl::Seconds(15));
}

}  // namespace
}  // namespace tokenwatch::resolver
