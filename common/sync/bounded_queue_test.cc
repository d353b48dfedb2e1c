#include "common/sync/bounded_queue.h"

#include <atomic>
#include <latch>
#include <memory>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenwatch::common {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(BoundedQueue, KeepsOrderAndRefusesBeyondItsCapacity) {
  BoundedQueue<int> queue(2);
  EXPECT_TRUE(queue.TryPush(1));
  EXPECT_TRUE(queue.TryPush(2));
  EXPECT_FALSE(queue.TryPush(3));
  EXPECT_EQ(queue.size(), 2u);
  EXPECT_EQ(queue.Pop(), 1);
  EXPECT_EQ(queue.Pop(), 2);
  EXPECT_EQ(queue.Pop(absl::ZeroDuration()), std::nullopt);
}

TEST(BoundedQueue, ARefusedItemIsUntouched) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  ASSERT_TRUE(queue.TryPush(std::make_unique<int>(1)));
  auto item = std::make_unique<int>(2);
  EXPECT_FALSE(queue.TryPush(std::move(item)));
  EXPECT_NE(item, nullptr);
  EXPECT_EQ(queue.Push(std::move(item), absl::Milliseconds(1)), QueueResult::kTimeout);
  EXPECT_NE(item, nullptr);
}

TEST(BoundedQueue, PopAllTakesABatchWithoutWaitingForMore) {
  BoundedQueue<int> queue(8);
  for (int i = 0; i < 5; ++i) queue.TryPush(int{i});
  EXPECT_THAT(queue.PopAll(3), ElementsAre(0, 1, 2));
  EXPECT_THAT(queue.PopAll(3), ElementsAre(3, 4));
  EXPECT_THAT(queue.PopAll(3, absl::ZeroDuration()), IsEmpty());
}

TEST(BoundedQueue, CloseRefusesPushesAndHandsOutTheRest) {
  BoundedQueue<int> queue(2);
  queue.TryPush(7);
  queue.Close();
  EXPECT_FALSE(queue.TryPush(8));
  EXPECT_EQ(queue.Push(9), QueueResult::kClosed);
  EXPECT_FALSE(queue.Finished());
  EXPECT_EQ(queue.Pop(), 7);
  EXPECT_TRUE(queue.Finished());
  EXPECT_EQ(queue.Pop(), std::nullopt);
}

TEST(BoundedQueue, CloseWakesAWaitingConsumerAndAWaitingProducer) {
  BoundedQueue<int> empty(1);
  BoundedQueue<int> full(1);
  full.TryPush(1);
  std::thread consumer([&] { EXPECT_EQ(empty.Pop(), std::nullopt); });
  std::thread producer([&] { EXPECT_EQ(full.Push(2), QueueResult::kClosed); });
  empty.Close();
  full.Close();
  consumer.join();
  producer.join();
}

TEST(BoundedQueue, AStopWakesAWaitingConsumerAndAWaitingProducer) {
  BoundedQueue<int> empty(1);
  BoundedQueue<int> full(1);
  full.TryPush(1);
  std::stop_source source;
  std::thread consumer([&] { EXPECT_EQ(empty.Pop(absl::InfiniteDuration(), source.get_token()), std::nullopt); });
  std::thread producer(
      [&] { EXPECT_EQ(full.Push(2, absl::InfiniteDuration(), source.get_token()), QueueResult::kStopped); });
  source.request_stop();
  consumer.join();
  producer.join();
  EXPECT_EQ(full.size(), 1u);
}

TEST(BoundedQueue, NothingIsLostOrDoubledBetweenManyThreads) {
  constexpr int kProducers = 3;
  constexpr int kItemsEach = 2000;
  BoundedQueue<int> queue(16);
  std::atomic<int64_t> sum{0};
  std::atomic<int> count{0};
  std::vector<std::thread> consumers;
  for (int i = 0; i < 2; ++i) {
    consumers.emplace_back([&] {
      while (!queue.Finished()) {
        for (int item : queue.PopAll(7)) {
          sum += item;
          ++count;
        }
      }
    });
  }
  std::vector<std::thread> producers;
  for (int p = 0; p < kProducers; ++p) {
    producers.emplace_back([&] {
      for (int i = 1; i <= kItemsEach; ++i) EXPECT_EQ(queue.Push(int{i}), QueueResult::kOk);
    });
  }
  for (auto& thread : producers) thread.join();
  queue.Close();
  for (auto& thread : consumers) thread.join();
  EXPECT_EQ(count, kProducers * kItemsEach);
  EXPECT_EQ(sum, int64_t{kProducers} * kItemsEach * (kItemsEach + 1) / 2);
}

}  // namespace
}  // namespace tokenwatch::common
