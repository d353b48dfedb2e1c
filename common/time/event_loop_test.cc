#include "common/time/event_loop.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/time/fake_clock.h"

namespace tokenwatch::common {
namespace {

using ::testing::ElementsAre;

class EventLoopTest : public ::testing::Test {
 protected:
  EventLoop::Task Note(std::string what) {
    return [this, what = std::move(what)] { ran_.push_back(what); };
  }
  FakeClock clock_;
  EventLoop loop_{clock_};
  const absl::Time start_ = clock_.Now();
  std::vector<std::string> ran_;
};

TEST_F(EventLoopTest, RunsInOrderWhatIsDue) {
  loop_.At(start_ + absl::Seconds(2), Note("late"));
  loop_.At(start_ + absl::Seconds(1), Note("early"));
  loop_.At(start_ + absl::Seconds(1), Note("early too"));
  loop_.Post(Note("a"));
  loop_.Post(Note("b"));
  EXPECT_EQ(loop_.RunDue(), start_ + absl::Seconds(1));
  EXPECT_THAT(ran_, ElementsAre("a", "b"));
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(loop_.RunDue(), start_ + absl::Seconds(2));
  EXPECT_THAT(ran_, ElementsAre("a", "b", "early", "early too"));
  EXPECT_EQ(loop_.size(), 1u);
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(loop_.RunDue(), absl::InfiniteFuture());
  EXPECT_EQ(ran_.back(), "late");
}

TEST_F(EventLoopTest, WhatTasksPostAndSetRunsInTheSameCall) {
  loop_.Post([&] {
    loop_.Post(Note("posted by a task"));
    loop_.At(start_, Note("set by a task"));
    loop_.At(start_ + absl::Seconds(1), Note("not yet"));
  });
  EXPECT_EQ(loop_.RunDue(), start_ + absl::Seconds(1));
  EXPECT_THAT(ran_, ElementsAre("posted by a task", "set by a task"));
}

TEST_F(EventLoopTest, ACancelledTimerDoesNotRunAndIsDestroyed) {
  const auto owned = std::make_shared<int>(1);
  const EventLoop::TimerId timer = loop_.At(start_ + absl::Seconds(1), [owned, this] { ran_.push_back("cancelled"); });
  EXPECT_TRUE(loop_.Cancel(timer));
  EXPECT_EQ(owned.use_count(), 1);
  EXPECT_FALSE(loop_.Cancel(timer));
  const EventLoop::TimerId ran = loop_.At(start_, Note("ran"));
  EXPECT_EQ(loop_.RunDue(), absl::InfiniteFuture());
  EXPECT_FALSE(loop_.Cancel(ran));
  clock_.Advance(absl::Seconds(1));
  loop_.RunDue();
  EXPECT_THAT(ran_, ElementsAre("ran"));
}

TEST_F(EventLoopTest, ATimerMayCancelOneThatIsDueWithIt) {
  EventLoop::TimerId second = 0;
  loop_.At(start_, [&] { loop_.Cancel(second); });
  second = loop_.At(start_, Note("second"));
  loop_.RunDue();
  EXPECT_TRUE(ran_.empty());
}

TEST(EventLoop, AThreadWakesForPostedTasksAndEarlierTimers) {
  EventLoop loop(SystemClock::Instance());
  std::stop_source stop;
  // An hour away: only a wake-up gets the others done.
  loop.At(absl::Now() + absl::Hours(1), [] { FAIL() << "an hour early"; });
  std::thread thread([&] { loop.Run(stop.get_token()); });
  Mutex mutex;
  CondVar changed;
  int done = 0;
  const auto count = [&] {
    MutexLock lock(mutex);
    ++done;
    changed.NotifyAll();
  };
  for (int i = 0; i < 100; ++i) {
    loop.Post(count);
    loop.At(absl::Now() + absl::Microseconds(i * 50), count);
  }
  {
    MutexLock lock(mutex);
    while (done < 200) changed.Wait(mutex);
  }
  stop.request_stop();
  thread.join();
  EXPECT_EQ(loop.size(), 1u);
}

}  // namespace
}  // namespace tokenwatch::common
