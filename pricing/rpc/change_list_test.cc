#include "pricing/rpc/change_list.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pricing/testing/world.h"

namespace tokenwatch::pricing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Tokens = std::vector<chain::TokenRef>;

TEST(ChangeListTest, EachTokenOnceAtItsLastChange) {
  ChangeList list(100);
  for (const uint64_t token : {1, 2, 1, 3, 2}) list.Add(TestToken(token));
  uint64_t position = 0;
  Tokens read;
  EXPECT_TRUE(list.Read(&position, 10, &read));
  EXPECT_THAT(read, ElementsAre(TestToken(1), TestToken(3), TestToken(2)));
  EXPECT_EQ(position, list.end());
  read.clear();
  EXPECT_TRUE(list.Read(&position, 10, &read));
  EXPECT_THAT(read, IsEmpty());
  list.Add(TestToken(1));
  EXPECT_TRUE(list.Read(&position, 10, &read));
  EXPECT_THAT(read, ElementsAre(TestToken(1)));
}

TEST(ChangeListTest, TooFarBehindIsTold) {
  ChangeList list(10);
  uint64_t late = 0;
  uint64_t present = 0;
  Tokens read;
  for (uint64_t i = 0; i < 5'000; ++i) {
    list.Add(TestToken(i));
    EXPECT_TRUE(list.Read(&present, 10, &read));
  }
  EXPECT_THAT(read, ::testing::SizeIs(5'000)) << "who keeps up misses nothing";
  EXPECT_FALSE(list.Read(&late, 10, &read));
  list.Clear();
  EXPECT_FALSE(list.Read(&late, 10, &read));
  read.clear();
  EXPECT_TRUE(list.Read(&present, 10, &read));
  EXPECT_THAT(read, IsEmpty());
}

// Readers of all speeds: each finds every token's last change, in order, and counts add up.
TEST(ChangeListTest, RandomReadersAgainstAModel) {
  std::mt19937 random(11);
  ChangeList list(1'000);
  struct Reader {
    uint64_t position = 0;
    uint64_t read = 0;
    // Of each token the change it was last read at.
    std::map<chain::TokenRef, uint64_t> seen;
  };
  std::vector<Reader> readers(5);
  std::map<chain::TokenRef, uint64_t> last_change;
  for (uint64_t change = 1; change <= 60'000; ++change) {
    const chain::TokenRef token = TestToken(random() % 300);
    list.Add(token);
    last_change[token] = change;
    ASSERT_EQ(list.end(), change);
    for (size_t i = 0; i < readers.size(); ++i) {
      if (random() % (1 + 50 * i * i) != 0) continue;
      Reader& reader = readers[i];
      const uint64_t before = reader.position;
      Tokens read;
      ASSERT_TRUE(list.Read(&reader.position, 1 + random() % 40, &read));
      uint64_t previous = before;
      for (const chain::TokenRef& each : read) {
        ASSERT_GT(last_change[each], previous) << "in order, and not seen before";
        previous = last_change[each];
        reader.seen[each] = previous;
      }
      reader.read += read.size();
      ASSERT_GE(reader.position, reader.read) << "what was passed and not read was superseded";
    }
  }
  for (Reader& reader : readers) {
    Tokens read;
    ASSERT_TRUE(list.Read(&reader.position, 1'000, &read));
    for (const chain::TokenRef& each : read) reader.seen[each] = last_change[each];
    EXPECT_EQ(reader.seen, last_change) << "the newest change of every token was read";
  }
}

}  // namespace
}  // namespace tokenwatch::pricing
