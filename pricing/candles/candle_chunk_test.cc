#include "pricing/candles/candle_chunk.h"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "pricing/testing/trades.h"

namespace tokenwatch::pricing {
namespace {

using testing::Curve;
using testing::MessyTrades;
using testing::PricedTrade;
using testing::Start;

Candle Minute(const Trade& trade) { return CandleOf(trade, PriceOf(trade)->ratio, Interval::k1m); }

// The minutes of one chunk's time among the trades, oldest first.
std::vector<Candle> MinutesOf(const std::vector<Trade>& trades, absl::Time chunk) {
  std::map<absl::Time, Candle> minutes;
  for (const Trade& trade : trades) {
    if (!PriceOf(trade) || ChunkStart(trade.event_time) != chunk) continue;
    const Candle candle = Minute(trade);
    const auto [found, is_new] = minutes.try_emplace(candle.start, candle);
    if (!is_new) Merge(candle, found->second);
  }
  std::vector<Candle> candles;
  for (const auto& [start, candle] : minutes) candles.push_back(candle);
  return candles;
}

CandleChunk ChunkOf(const std::vector<Trade>& trades, absl::Time start) {
  CandleChunk chunk(start);
  for (const Trade& trade : trades) {
    if (PriceOf(trade) && ChunkStart(trade.event_time) == start) chunk.Add(Minute(trade));
  }
  return chunk;
}

TEST(CandleChunkTest, HoldsWhatWasAdded) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const std::vector<Trade> trades = MessyTrades(seed, 150);
    for (int i = -2; i < 6; ++i) {
      const absl::Time start = Start() + i * kChunkLength;
      const CandleChunk chunk = ChunkOf(trades, start);
      const std::vector<Candle> expected = MinutesOf(trades, start);
      ASSERT_EQ(chunk.Candles(), expected) << "seed " << seed;
      ASSERT_EQ(chunk.size(), expected.size());
      uint64_t max_cursor = 0;
      for (const Candle& candle : expected) max_cursor = std::max(max_cursor, candle.max_cursor);
      ASSERT_EQ(chunk.max_cursor(), max_cursor);
    }
  }
}

TEST(CandleChunkTest, BytesDoNotDependOnTheOrder) {
  std::mt19937_64 random(1);
  for (uint64_t seed = 0; seed < 100; ++seed) {
    std::vector<Trade> trades = MessyTrades(seed, 150);
    const absl::Time start = Start() + kChunkLength;
    const std::string bytes = ChunkOf(trades, start).Encode();
    for (int i = 0; i < 5; ++i) {
      std::shuffle(trades.begin(), trades.end(), random);
      ASSERT_EQ(ChunkOf(trades, start).Encode(), bytes) << "seed " << seed;
    }
  }
}

TEST(CandleChunkTest, DecodesWhatItEncoded) {
  std::mt19937_64 random(1);
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const std::vector<Trade> trades = MessyTrades(seed, 150);
    const absl::Time start = Start() + kChunkLength;
    const size_t cut = random() % trades.size();
    const CandleChunk whole = ChunkOf(trades, start);
    const CandleChunk first = ChunkOf({trades.begin(), trades.begin() + static_cast<ptrdiff_t>(cut)}, start);
    absl::StatusOr<CandleChunk> decoded = CandleChunk::Decode(start, first.Encode());
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    ASSERT_EQ(decoded->Candles(), first.Candles());
    ASSERT_EQ(decoded->max_cursor(), first.max_cursor());
    // Adding goes on as if nothing had been between.
    for (size_t i = cut; i < trades.size(); ++i) {
      if (PriceOf(trades[i]) && ChunkStart(trades[i].event_time) == start) decoded->Add(Minute(trades[i]));
    }
    ASSERT_EQ(decoded->Encode(), whole.Encode());
  }
}

TEST(CandleChunkTest, TellsOfLateMinutes) {
  CandleChunk chunk(Start());
  EXPECT_TRUE(chunk.empty());
  EXPECT_TRUE(chunk.Add(Minute(PricedTrade(1, 1, Start() + absl::Minutes(3), 1, 2))));
  EXPECT_TRUE(chunk.Add(Minute(PricedTrade(2, 1, Start() + absl::Minutes(5), 1, 2))));
  EXPECT_TRUE(chunk.Add(Minute(PricedTrade(3, 1, Start() + absl::Minutes(5), 1, 2))));
  EXPECT_FALSE(chunk.Add(Minute(PricedTrade(4, 1, Start() + absl::Minutes(3), 1, 2))));
  EXPECT_FALSE(chunk.Add(Minute(PricedTrade(5, 1, Start(), 1, 2))));
  EXPECT_TRUE(chunk.Add(Minute(PricedTrade(6, 1, Start() + absl::Minutes(119), 1, 2))));
  EXPECT_EQ(chunk.size(), 4u);
  EXPECT_EQ(chunk.max_cursor(), 6u);
}

TEST(CandleChunkTest, RefusesWhatItDidNotWrite) {
  CandleChunk chunk(Start());
  for (int i = 0; i < 4; ++i) {
    chunk.Add(Minute(PricedTrade(10 + static_cast<uint64_t>(i), 1, Start() + absl::Minutes(30 * i), 100, 200)));
  }
  const std::string good = chunk.Encode();
  EXPECT_TRUE(CandleChunk::Decode(Start(), good).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(CandleChunk::Decode(Start() + absl::Minutes(1), good).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(CandleChunk::Decode(Start(), "").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(CandleChunk::Decode(Start(), "\x02" + good.substr(1)).status()));
  for (size_t size = 1; size < good.size(); ++size) {
    // Cut between minutes it is a chunk of fewer.
    const auto cut = CandleChunk::Decode(Start(), good.substr(0, size));
    EXPECT_TRUE(!cut.ok() || cut->size() < 4);
  }
  // More minutes than a chunk has.
  std::string long_one = good;
  for (int i = 0; i < 200; ++i) long_one += good.substr(good.size() - 10);
  EXPECT_TRUE(absl::IsInvalidArgument(CandleChunk::Decode(Start(), long_one).status()));
}

TEST(CandleChunkTest, DamagedBytesAreRefusedOrAnotherChunk) {
  std::mt19937_64 random(20261126);
  std::vector<std::string> seeds;
  for (uint64_t seed = 0; seed < 8; ++seed)
    seeds.push_back(ChunkOf(MessyTrades(seed, 150), Start() + kChunkLength).Encode());
  int decoded_count = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string bytes = seeds[random() % seeds.size()];
    for (uint64_t edits = 1 + random() % 3; edits > 0; --edits) {
      const size_t at = random() % bytes.size();
      switch (random() % 4) {
        case 0:
          bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
          break;
        case 1:
          bytes.resize(at + 1);
          break;
        case 2:
          bytes.insert(at, bytes.substr(at, random() % 8));
          break;
        default:
          bytes[at] = static_cast<char>(random());
      }
    }
    const auto chunk = CandleChunk::Decode(Start() + kChunkLength, bytes);
    if (!chunk.ok()) {
      ASSERT_TRUE(absl::IsInvalidArgument(chunk.status()));
      continue;
    }
    // Then it is what those bytes stand for.
    ASSERT_EQ(chunk->Encode(), bytes);
    ASSERT_LE(chunk->size(), static_cast<size_t>(kChunkMinutes));
    ++decoded_count;
  }
  EXPECT_GT(decoded_count, 0);
}

TEST(CandleChunkTest, IsSmall) {
  // A busy curve: each minute some trades.
  Curve curve(1, 1);
  CandleChunk chunk(Start());
  std::mt19937_64 random(1);
  uint64_t cursor = 5'000'000;
  for (absl::Time at = Start(); at < Start() + kChunkLength; at += absl::Microseconds(random() % 40'000'000)) {
    cursor += 1 + random() % 1000;
    chunk.Add(Minute(curve.Next(cursor, at)));
  }
  const double bytes = static_cast<double>(chunk.Encode().size()) / static_cast<double>(chunk.size());
  RecordProperty("bytes_per_minute", std::to_string(bytes));
  EXPECT_LE(bytes, 45);
  EXPECT_LE(chunk.memory(), chunk.Encode().size() * 5 / 4);
  EXPECT_LE(sizeof(CandleChunk), 120u);
}

}  // namespace
}  // namespace tokenwatch::pricing
