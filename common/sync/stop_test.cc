#include "common/sync/stop.h"

#include <latch>
#include <stop_token>
#include <thread>

#include "gtest/gtest.h"

namespace tokenwatch::common {
namespace {

TEST(SleepUnlessStopped, SleepsToTheEndWithoutAStop) {
  const absl::Time begin = absl::Now();
  EXPECT_TRUE(SleepUnlessStopped({}, absl::Milliseconds(5)));
  EXPECT_GE(absl::Now() - begin, absl::Milliseconds(5));
}

TEST(SleepUnlessStopped, ReturnsAtOnceWhenStopWasRequestedBefore) {
  std::stop_source source;
  source.request_stop();
  const absl::Time begin = absl::Now();
  EXPECT_FALSE(SleepUnlessStopped(source.get_token(), absl::Hours(1)));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
}

TEST(SleepUnlessStopped, AStopEndsALongSleep) {
  std::latch started(1);
  bool whole = true;
  {
    std::jthread sleeper([&](const std::stop_token& stop) {
      started.count_down();
      whole = SleepUnlessStopped(stop, absl::Hours(1));
    });
    started.wait();
  }  // jthread's destructor requests the stop and joins
  EXPECT_FALSE(whole);
}

}  // namespace
}  // namespace tokenwatch::common
