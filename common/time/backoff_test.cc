#include "common/time/backoff.h"

#include "gtest/gtest.h"

namespace tokenwatch::common {
namespace {

TEST(Backoff, TheBoundDoublesUpToTheCap) {
  Backoff backoff({.initial = absl::Seconds(1), .cap = absl::Seconds(5), .multiplier = 2}, [] { return 0.5; });
  EXPECT_EQ(backoff.Next(), absl::Milliseconds(500));
  EXPECT_EQ(backoff.Next(), absl::Seconds(1));
  EXPECT_EQ(backoff.Next(), absl::Seconds(2));
  EXPECT_EQ(backoff.Next(), absl::Milliseconds(2500));
  EXPECT_EQ(backoff.Next(), absl::Milliseconds(2500));
  EXPECT_EQ(backoff.attempts(), 5);
}

TEST(Backoff, ResetStartsOver) {
  Backoff backoff({.initial = absl::Seconds(1), .cap = absl::Seconds(60), .multiplier = 2}, [] { return 0.5; });
  backoff.Next();
  backoff.Next();
  backoff.Reset();
  EXPECT_EQ(backoff.attempts(), 0);
  EXPECT_EQ(backoff.Next(), absl::Milliseconds(500));
}

TEST(Backoff, NeverOverflowsAndNeverPassesTheCap) {
  Backoff backoff({.initial = absl::Seconds(1), .cap = absl::Hours(1), .multiplier = 10}, SeededRandom(1));
  for (int i = 0; i < 10'000; ++i) {
    const absl::Duration delay = backoff.Next();
    EXPECT_GE(delay, absl::ZeroDuration());
    EXPECT_LT(delay, absl::Hours(1));
  }
}

TEST(SeededRandom, RepeatsForASeedAndFillsTheUnitInterval) {
  UniformRandom a = SeededRandom(42);
  UniformRandom b = SeededRandom(42);
  UniformRandom other = SeededRandom(43);
  double smallest = 1;
  double largest = 0;
  int equal_to_other = 0;
  for (int i = 0; i < 1000; ++i) {
    const double value = a();
    EXPECT_EQ(value, b());
    equal_to_other += value == other() ? 1 : 0;
    smallest = std::min(smallest, value);
    largest = std::max(largest, value);
  }
  EXPECT_EQ(equal_to_other, 0);
  EXPECT_GE(smallest, 0);
  EXPECT_LT(smallest, 0.02);
  EXPECT_LT(largest, 1);
  EXPECT_GT(largest, 0.98);
}

}  // namespace
}  // namespace tokenwatch::common
