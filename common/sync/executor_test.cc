#include "common/sync/executor.h"

#include <atomic>
#include <latch>
#include <memory>

#include "gtest/gtest.h"

namespace tokenwatch::common {
namespace {

Executor::Options Small(int threads, size_t queue_capacity) {
  return {.name = "test", .threads = threads, .queue_capacity = queue_capacity};
}

TEST(Executor, RunsEverythingItAccepted) {
  Executor executor(Small(2, 100));
  std::atomic<int> ran{0};
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(executor.TrySubmit([&] { ++ran; }));
  EXPECT_TRUE(executor.Drain(absl::Seconds(30)));
  EXPECT_EQ(ran, 100);
}

TEST(Executor, RefusesWhenTheQueueIsFullAndCountsIt) {
  Executor executor(Small(1, 2));
  std::latch started(1);
  std::latch release(1);
  ASSERT_TRUE(executor.TrySubmit([&] {
    started.count_down();
    release.wait();
  }));
  started.wait();
  EXPECT_EQ(executor.running(), 1);
  EXPECT_TRUE(executor.TrySubmit([] {}));
  EXPECT_TRUE(executor.TrySubmit([] {}));
  EXPECT_EQ(executor.queue_depth(), 2u);
  EXPECT_FALSE(executor.TrySubmit([] {}));
  EXPECT_EQ(executor.refused(), 1u);
  release.count_down();
  EXPECT_TRUE(executor.Drain(absl::Seconds(30)));
  EXPECT_EQ(executor.queue_depth(), 0u);
}

TEST(Executor, DrainReportsWorkThatDoesNotEnd) {
  Executor executor(Small(1, 1));
  std::latch release(1);
  ASSERT_TRUE(executor.TrySubmit([&] { release.wait(); }));
  EXPECT_FALSE(executor.Drain(absl::Milliseconds(1)));
  EXPECT_FALSE(executor.TrySubmit([] {}));
  release.count_down();
  EXPECT_TRUE(executor.Drain(absl::Seconds(30)));
}

TEST(Executor, StopDropsWhatWaitsAndDestroysIt) {
  auto executor = std::make_unique<Executor>(Small(1, 4));
  std::latch started(1);
  std::latch release(1);
  ASSERT_TRUE(executor->TrySubmit([&] {
    started.count_down();
    release.wait();
  }));
  started.wait();
  auto held = std::make_shared<int>(1);
  std::weak_ptr<int> watched = held;
  bool ran = false;
  ASSERT_TRUE(executor->TrySubmit([held = std::move(held), &ran] { ran = *held == 1; }));
  std::thread stopper([&] { executor->Stop(); });
  while (!watched.expired()) std::this_thread::yield();
  release.count_down();
  stopper.join();
  EXPECT_FALSE(ran);
  EXPECT_FALSE(executor->TrySubmit([] {}));
  EXPECT_TRUE(executor->Drain(absl::ZeroDuration()));
}

}  // namespace
}  // namespace tokenwatch::common
