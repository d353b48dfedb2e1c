#include "detector/log/log_tail.h"

#include <gtest/gtest.h>

#include "detector/samples_for_test.h"

namespace tokenwatch::detector {
namespace {

std::vector<Trade> Entries(uint64_t first, uint64_t last) {
  std::vector<Trade> trades;
  for (uint64_t cursor = first; cursor <= last; ++cursor) {
    trades.push_back(SampleTrade(cursor, 0));
    trades.back().cursor = cursor;
  }
  return trades;
}

TEST(LogTailTest, FindsTheChunkOfTheNextEntry) {
  LogTail<Trade> tail(100);
  EXPECT_EQ(tail.head(), 0u);
  EXPECT_EQ(tail.Find(0), nullptr);
  tail.Publish(Entries(1, 3));
  tail.Publish({});
  tail.Publish(Entries(4, 4));
  tail.Publish(Entries(5, 9));
  EXPECT_EQ(tail.head(), 9u);
  for (uint64_t after = 0; after < 9; ++after) {
    const auto chunk = tail.Find(after);
    ASSERT_NE(chunk, nullptr) << after;
    EXPECT_LE(chunk->front().cursor, after + 1) << after;
    EXPECT_GE(chunk->back().cursor, after + 1) << after;
  }
  EXPECT_EQ(tail.Find(9), nullptr) << "nothing is there yet";
  EXPECT_EQ(tail.Find(10), nullptr);
}

TEST(LogTailTest, KeepsTheNewestChunksWithinItsCapacity) {
  LogTail<Trade> tail(5);
  tail.Publish(Entries(1, 3));
  const auto held = tail.Find(0);
  tail.Publish(Entries(4, 6));
  EXPECT_EQ(tail.Find(0), nullptr);
  EXPECT_EQ(tail.Find(2), nullptr) << "entry 3 has gone with its chunk";
  EXPECT_EQ(tail.Find(3)->front().cursor, 4u);
  EXPECT_EQ(held->size(), 3u) << "a reader's chunk lives on";
  tail.Publish(Entries(7, 20));
  EXPECT_EQ(tail.Find(6)->size(), 14u) << "the newest chunk is kept, however large";
  EXPECT_EQ(tail.Find(5), nullptr);
}

TEST(LogTailTest, ResetAndAdvanceForgetWhatIsKept) {
  LogTail<Trade> tail(100);
  tail.Publish(Entries(1, 3));
  tail.Advance(3);
  EXPECT_NE(tail.Find(0), nullptr) << "no news, nothing to forget";
  tail.Advance(10);
  EXPECT_EQ(tail.head(), 10u);
  EXPECT_EQ(tail.Find(0), nullptr);
  EXPECT_EQ(tail.Find(9), nullptr) << "it is in the database only";
  tail.Publish(Entries(11, 12));
  EXPECT_EQ(tail.Find(9), nullptr);
  EXPECT_EQ(tail.Find(10)->front().cursor, 11u);
  tail.Reset(12);
  EXPECT_EQ(tail.head(), 12u);
  EXPECT_EQ(tail.Find(10), nullptr);
}

TEST(LogTailTest, NotifiesAtOnceOrLaterAndOnlyOnce) {
  LogTail<Trade> tail(100);
  tail.Publish(Entries(1, 3));
  int calls = 0;
  tail.NotifyPast(2, [&] { ++calls; });
  EXPECT_EQ(calls, 1) << "there is something past 2 already";
  tail.NotifyPast(3, [&] { ++calls; });
  EXPECT_EQ(calls, 1);
  tail.Publish(Entries(4, 4));
  EXPECT_EQ(calls, 2);
  tail.Publish(Entries(5, 5));
  EXPECT_EQ(calls, 2);
  tail.NotifyPast(5, [&] { ++calls; });
  tail.Advance(9);
  EXPECT_EQ(calls, 3);
  tail.NotifyPast(9, [&] { ++calls; });
  tail.Reset(20);
  EXPECT_EQ(calls, 4);
}

TEST(LogTailTest, AWaiterMayAskAgainFromItsCall) {
  LogTail<Trade> tail(100);
  int calls = 0;
  std::function<void()> wake = [&] {
    if (++calls < 3) tail.NotifyPast(tail.head(), wake);
  };
  tail.NotifyPast(0, wake);
  for (uint64_t cursor = 1; cursor <= 5; ++cursor) tail.Publish(Entries(cursor, cursor));
  EXPECT_EQ(calls, 3);
}

TEST(LogTailTest, AForgottenWaiterIsNotCalled) {
  LogTail<Trade> tail(100);
  int forgotten = 0;
  int kept = 0;
  const uint64_t key = tail.NotifyPast(0, [&] { ++forgotten; });
  tail.NotifyPast(0, [&] { ++kept; });
  tail.Forget(key);
  tail.Forget(key);
  tail.Forget(0);
  tail.Publish(Entries(1, 1));
  EXPECT_EQ(forgotten, 0);
  EXPECT_EQ(kept, 1);
}

}  // namespace
}  // namespace tokenwatch::detector
