#include "common/app/readiness.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenwatch::common {
namespace {

using ::testing::ElementsAre;

TEST(Readiness, IsReadyWhenEveryConditionIs) {
  Readiness readiness;
  EXPECT_TRUE(readiness.ready());
  Readiness::Condition database = readiness.Add("database", "connecting");
  Readiness::Condition peer = readiness.Add("peer", "");
  ASSERT_EQ(readiness.NotReady().size(), 2u);
  EXPECT_EQ(readiness.NotReady()[0].name, "database");
  EXPECT_EQ(readiness.NotReady()[0].reason, "connecting");
  EXPECT_EQ(readiness.NotReady()[1].reason, "no reason given");
  database.SetReady();
  peer.SetReady();
  EXPECT_TRUE(readiness.ready());
  peer.SetNotReady("gone");
  EXPECT_EQ(readiness.NotReady()[0].reason, "gone");
}

TEST(Readiness, ADestroyedConditionNoLongerCounts) {
  Readiness readiness;
  {
    Readiness::Condition first = readiness.Add("first", "x");
    Readiness::Condition moved = std::move(first);
    EXPECT_FALSE(readiness.ready());
    moved = readiness.Add("second", "y");
    ASSERT_EQ(readiness.NotReady().size(), 1u);
    EXPECT_EQ(readiness.NotReady()[0].name, "second");
  }
  EXPECT_TRUE(readiness.ready());
}

TEST(Readiness, TheObserverHearsChangesOnly) {
  Readiness readiness;
  Readiness::Condition a = readiness.Add("a", "x");
  std::vector<bool> told;
  readiness.Observe([&](bool ready) { told.push_back(ready); });
  a.SetNotReady("still");
  a.SetReady();
  a.SetReady();
  { const Readiness::Condition b = readiness.Add("b", "x"); }
  readiness.Observe(nullptr);
  a.SetNotReady("unheard");
  EXPECT_THAT(told, ElementsAre(false, true, false, true));
}

}  // namespace
}  // namespace tokenwatch::common
