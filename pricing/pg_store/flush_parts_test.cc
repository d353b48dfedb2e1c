#include "pricing/pg_store/flush_parts.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "pricing/pg_store/samples_for_test.h"

namespace tokenwatch::pricing {
namespace {

TEST(FlushPartsTest, EachRowIsInOnePartTogetherWithWhatIsOfItsToken) {
  Flush flush;
  for (uint64_t number = 0; number < 1001; ++number) {
    flush.series.push_back(SampleSeries(number, 100));
    for (int64_t chunk = 0; chunk < 2; ++chunk) {
      flush.chunks.push_back({SampleKey(number), absl::FromUnixSeconds(7200 * chunk), "", 0});
    }
  }
  // Another series of the same token.
  flush.series.push_back(flush.series[7]);
  flush.series.back().key.quote = SampleAddress(5000);
  for (const size_t count : {size_t{1}, size_t{2}, size_t{3}}) {
    SCOPED_TRACE(count);
    const std::vector<FlushPart> parts = CutFlush(flush, count);
    ASSERT_EQ(parts.size(), count);
    std::set<const Series*> series;
    std::set<const ChunkRow*> chunks;
    std::string before;
    for (const FlushPart& part : parts) {
      EXPECT_NEAR(static_cast<double>(part.series.size()), 1002.0 / static_cast<double>(count), 2);
      std::set<absl::string_view> tokens;
      for (const Series* one : part.series) {
        EXPECT_TRUE(series.insert(one).second);
        tokens.insert(one->key.token.address.text());
        const std::string prefix(one->key.token.address.text().substr(0, 8));
        EXPECT_LE(before, prefix);
        before = prefix;
      }
      for (const ChunkRow* one : part.chunks) {
        EXPECT_TRUE(chunks.insert(one).second);
        EXPECT_TRUE(tokens.contains(one->key.token.address.text()));
      }
    }
    EXPECT_EQ(series.size(), flush.series.size());
    EXPECT_EQ(chunks.size(), flush.chunks.size());
  }
}

TEST(FlushPartsTest, FewRowsLeavePartsEmpty) {
  Flush flush;
  EXPECT_EQ(CutFlush(flush, 2).size(), 2u);
  flush.chunks.push_back({SampleKey(1), absl::FromUnixSeconds(0), "", 0});
  const std::vector<FlushPart> only_chunks = CutFlush(flush, 2);
  EXPECT_EQ(only_chunks[0].chunks.size() + only_chunks[1].chunks.size(), 1u);
  flush.series.push_back(SampleSeries(1, 1));
  const std::vector<FlushPart> one = CutFlush(flush, 2);
  EXPECT_EQ(one[0].series.size(), one[0].chunks.size());
  EXPECT_EQ(one[1].series.size(), one[1].chunks.size());
  EXPECT_EQ(one[0].series.size() + one[1].series.size(), 1u);
}

}  // namespace
}  // namespace tokenwatch::pricing
