#include "pricing/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tokenwatch::pricing {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

const chain::TokenRef kSol{chain::Chain::kSolana,
                           *chain::Address::FromCanonical("So11111111111111111111111111111111111111112")};
const chain::TokenRef kUsdc{chain::Chain::kSolana,
                            *chain::Address::FromCanonical("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v")};

Reference At(int seconds, const std::string& usd, const std::string& source = "recorded",
             const chain::TokenRef& asset = kSol) {
  return {asset, absl::FromUnixSeconds(seconds), usd, Word(source)};
}

TEST(ReferenceBookTest, FindsTheNewestAtOrBefore) {
  ReferenceBook book(10);
  for (const int seconds : {300, 100, 200}) EXPECT_TRUE(book.Add(At(seconds, std::to_string(seconds))));
  const auto find = [&](int at, absl::Duration max_age) { return book.Find(kSol, absl::FromUnixSeconds(at), max_age); };
  EXPECT_EQ(find(99, absl::Hours(1)), std::nullopt) << "nothing of the future";
  EXPECT_THAT(find(100, absl::Hours(1)), Optional(At(100, "100")));
  EXPECT_THAT(find(199, absl::Hours(1)), Optional(At(100, "100")));
  EXPECT_THAT(find(200, absl::ZeroDuration()), Optional(At(200, "200")));
  EXPECT_THAT(find(1000, absl::Hours(1)), Optional(At(300, "300")));
  EXPECT_THAT(find(360, absl::Seconds(60)), Optional(At(300, "300")));
  EXPECT_EQ(find(361, absl::Seconds(60)), std::nullopt) << "too old then";
  EXPECT_EQ(book.Find(kUsdc, absl::FromUnixSeconds(300), absl::Hours(1)), std::nullopt);
}

// Within a span the answer is the same, and outside it is not taken for granted.
TEST(ReferenceBookTest, SpansSayWhereAnAnswerHolds) {
  ReferenceBook book(10);
  for (const int seconds : {100, 200, 500}) book.Add(At(seconds, std::to_string(seconds)));
  const absl::Duration max_age = absl::Seconds(150);
  for (int at = 0; at < 800; ++at) {
    const auto span = book.FindSpan(kSol, absl::FromUnixSeconds(at), max_age);
    EXPECT_LE(span.from, absl::FromUnixSeconds(at));
    EXPECT_GT(span.until, absl::FromUnixSeconds(at));
    for (int other = 0; other < 800; ++other) {
      const absl::Time time = absl::FromUnixSeconds(other);
      if (time < span.from || time >= span.until) continue;
      ASSERT_EQ(book.Find(kSol, time, max_age), span.reference) << at << " " << other;
    }
  }
}

TEST(ReferenceBookTest, OneOfEqualTimeHoldsWhateverTheOrder) {
  for (const bool first : {true, false}) {
    ReferenceBook book(10);
    book.Add(At(100, first ? "1" : "2", first ? "binance" : "coingecko"));
    book.Add(At(100, first ? "2" : "1", first ? "coingecko" : "binance"));
    EXPECT_THAT(book.Find(kSol, absl::FromUnixSeconds(100), absl::Seconds(1)), Optional(At(100, "1", "binance")));
  }
  ReferenceBook book(10);
  EXPECT_TRUE(book.Add(At(100, "1")));
  EXPECT_FALSE(book.Add(At(100, "1")));
  EXPECT_FALSE(book.Add(At(100, "2"))) << "a pinned value stays";
}

TEST(ReferenceBookTest, KeepsTheNewestOfEachAsset) {
  ReferenceBook book(3);
  for (int seconds = 1; seconds <= 5; ++seconds) EXPECT_TRUE(book.Add(At(seconds, "1")));
  EXPECT_TRUE(book.Add(At(1, "7", "recorded", kUsdc)));
  EXPECT_EQ(book.Find(kSol, absl::FromUnixSeconds(2), absl::Hours(1)), std::nullopt);
  EXPECT_THAT(book.Find(kSol, absl::FromUnixSeconds(3), absl::Hours(1)), Optional(At(3, "1")));
  EXPECT_FALSE(book.Add(At(2, "1"))) << "older than all that is kept";
  // One in the middle displaces the oldest.
  EXPECT_TRUE(book.Add({kSol, absl::FromUnixMillis(3500), "9", Word("x")}));
  EXPECT_EQ(book.Find(kSol, absl::FromUnixSeconds(3), absl::Hours(1)), std::nullopt);
  EXPECT_THAT(book.Newest(), ElementsAre(At(1, "7", "recorded", kUsdc), At(5, "1")));
}

TEST(ReferenceBookTest, OnlyPositiveNumbers) {
  ReferenceBook book(3);
  for (const char* bad : {"", "0", "0.000", "-1", "1e3", "nan", "1.2.3", ".", " 1", "1 "}) {
    EXPECT_FALSE(book.Add(At(1, bad))) << bad;
  }
  EXPECT_FALSE(book.Add(At(1, std::string(65, '1'))));
  for (const char* good : {"1", "0.0001", ".5", "143.27", "5."}) {
    ReferenceBook one(1);
    EXPECT_TRUE(one.Add(At(1, good))) << good;
  }
}

}  // namespace
}  // namespace tokenwatch::pricing
