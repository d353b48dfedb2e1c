// The ways in which series get into token_prices.
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "pricing/pg_store/fixture_for_test.h"

namespace tokenwatch::pricing {
namespace {

class PgMergeTest : public PgStoreTest {
 protected:
  void Write(std::vector<Series> series) {
    if (session_ == nullptr) session_ = Lead(*store_);
    ASSERT_TRUE(session_->Write(MakeFlush(++flush_, std::move(series))).ok());
  }
  // From now on another session writes, which knows nothing of what was written.
  void ForgetSession() {
    session_.reset();
    while (session_ == nullptr) session_ = Lead(*store_);
  }
  Series Loaded(uint64_t number) {
    const auto loaded = store_->LoadSeries({SampleKey(number)}, Soon());
    EXPECT_TRUE(loaded.ok() && loaded->size() == 1) << loaded.status();
    return loaded.ok() && loaded->size() == 1 ? loaded->front() : Series();
  }

  std::unique_ptr<WriteSession> session_;
  uint64_t flush_ = 0;
};

// A series whose low and other columns are what the cursor says, with a high of its own.
Series Version(uint64_t number, uint64_t cursor, uint64_t high, uint64_t high_cursor) {
  Series series = SampleSeries(number, cursor);
  series.low = SamplePoint(20'000'000'000 - cursor / 4, cursor / 4 + 1);
  series.is_partial = cursor % 5 == 0;
  PricePoint point = SamplePoint(high, high_cursor);
  point.ratio.token_units = 7;
  series.high = point;
  return series;
}

// Whatever the order, and whatever of it one session knows: of a row there is the newest, and of a high the highest.
TEST_F(PgMergeTest, OrderDoesNotMatter) {
  constexpr uint64_t kSeries = 1300;
  std::mt19937_64 random(3);
  std::map<uint64_t, Series> expected;
  for (int round = 0; round < 12; ++round) {
    std::vector<Series> rows;
    for (uint64_t number = 0; number < kSeries; ++number) {
      if (random() % 4 == 0) continue;
      const auto found = expected.find(number);
      // Most rows go on from what there is; some are older, or of another life.
      uint64_t cursor = 1 + random() % 1000;
      if (found != expected.end() && random() % 10 != 0) cursor = found->second.cursor + random() % 3;
      Series row = Version(number, cursor, 1000 + random() % 50, 1 + random() % 40);
      if (found != expected.end() && random() % 10 != 0) row.high = found->second.high;
      rows.push_back(row);
      if (found == expected.end()) {
        expected.emplace(number, row);
        continue;
      }
      HeldPoint high = found->second.high;
      TakeHigher(row.high, high);
      if (row.cursor >= found->second.cursor) found->second = row;
      found->second.high = high;
    }
    Write(std::move(rows));
    if (round % 4 == 3) ForgetSession();
  }
  std::vector<SeriesKey> keys;
  for (const auto& [number, series] : expected) keys.push_back(series.key);
  const auto loaded = store_->LoadSeries(keys, Soon());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  std::map<std::string, const Series*> by_address;
  for (const Series& series : *loaded) by_address[std::string(series.key.token.address.text())] = &series;
  for (const auto& [number, series] : expected) {
    const Series* const row = by_address[std::string(series.key.token.address.text())];
    ASSERT_TRUE(row != nullptr) << number;
    EXPECT_TRUE(*row == series) << number << " at " << row->cursor << " and not " << series.cursor << ", high "
                                << row->high->ratio.quote_units.ToString() << " and not "
                                << series.high->ratio.quote_units.ToString();
  }
}

TEST_F(PgMergeTest, SteadyColumnsAreLeftOutWhileTheyStayTheSame) {
  Write({Version(1, 100, 500, 7), Version(2, 100, 500, 7)});
  // Nobody but this service writes here. What the test puts in shows which rows are written as a whole.
  Value("UPDATE pricing.token_prices SET high_venue = 'touched'; SELECT 1");
  Series same = Version(1, 101, 500, 7);
  same.low = Version(1, 100, 500, 7).low;
  same.is_partial = true;
  Write({same, Version(2, 101, 501, 90)});
  EXPECT_EQ(Loaded(1).high->venue, Word("touched"));
  EXPECT_EQ(Loaded(1).last, same.last);
  EXPECT_EQ(Loaded(2), Version(2, 101, 501, 90));
  // A session that knows nothing of a row writes it as a whole.
  ForgetSession();
  same.cursor = same.candle_cursor = 102;
  Write({same});
  EXPECT_EQ(Loaded(1), same);
}

TEST_F(PgMergeTest, ARowThatIsNotWhatTheSessionWroteIsWrittenAsAWhole) {
  const std::vector<Series> first = {Version(1, 100, 500, 7), Version(2, 100, 500, 7), Version(3, 100, 500, 7)};
  Write(first);
  // As rows are that an older build has written, a row that is gone, and one that another session wrote meanwhile.
  Value(absl::StrCat("UPDATE pricing.token_prices SET steady_digest = NULL, high_venue = 'older' WHERE address = '",
                     SampleAddress(1).text(), "' RETURNING 1"));
  Value(absl::StrCat("DELETE FROM pricing.token_prices WHERE address = '", SampleAddress(2).text(), "' RETURNING 1"));
  const std::unique_ptr<WriteSession> knows = std::move(session_);
  std::vector<Series> next = first;
  for (Series& series : next) {
    series.cursor = series.candle_cursor = 110;
    series.trades = 77;
  }
  ASSERT_TRUE(knows->Write(MakeFlush(++flush_, next)).ok());
  for (uint64_t number = 1; number <= 3; ++number) EXPECT_EQ(Loaded(number), next[number - 1]);
  EXPECT_EQ(Value("SELECT count(steady_digest) FROM pricing.token_prices"), "3");
}

TEST_F(PgMergeTest, ARowOfTwoHasNoDigestUntilItIsWrittenAsAWhole) {
  Write({Version(1, 100, 500, 7)});
  ForgetSession();
  // Newer, with a lower high; then older, with a higher one.
  Write({Version(1, 104, 400, 90)});
  EXPECT_EQ(Value("SELECT count(steady_digest) FROM pricing.token_prices"), "0");
  Write({Version(1, 105, 500, 7)});
  EXPECT_EQ(Value("SELECT count(steady_digest) FROM pricing.token_prices"), "1");
  EXPECT_EQ(Loaded(1), Version(1, 105, 500, 7));
  Write({Version(1, 101, 600, 90)});
  EXPECT_EQ(Value("SELECT count(steady_digest) FROM pricing.token_prices"), "0");
  Write({Version(1, 106, 600, 90)});
  EXPECT_EQ(Value("SELECT count(steady_digest) FROM pricing.token_prices"), "1");
  EXPECT_EQ(Loaded(1), Version(1, 106, 600, 90));
}

}  // namespace
}  // namespace tokenwatch::pricing
