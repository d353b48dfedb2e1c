#include "resolver/cascade/batcher.h"

#include <array>

#include <gtest/gtest.h>

namespace tokenwatch::resolver {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'783'000'000);
const Batcher::Options kOptions{
    .max_batch = 3, .linger = absl::Milliseconds(10), .linger_max = absl::Milliseconds(500)};

TokenRef Token(uint8_t number) {
  std::array<uint8_t, 32> bytes{};
  bytes[0] = number;
  return {chain::Chain::kSolana, chain::Address::FromSolanaBytes(bytes)};
}

TokenRef EvmToken() {
  return {chain::Chain::kBase, chain::Address::ParseEvm("0x1111111111111111111111111111111111111111").value()};
}

TEST(Batcher, AFullBatchLeavesAtOnceAndAPartLingers) {
  Batcher batcher(kOptions);
  EXPECT_EQ(batcher.DueAt(0), absl::InfiniteFuture());
  batcher.Add(Token(1), kNow);
  batcher.Add(Token(2), kNow + absl::Milliseconds(5));
  EXPECT_EQ(batcher.DueAt(0), kNow + absl::Milliseconds(10));
  batcher.Add(Token(3), kNow);
  EXPECT_EQ(batcher.DueAt(0), absl::InfinitePast());
  batcher.Add(Token(4), kNow + absl::Milliseconds(7));
  EXPECT_EQ(batcher.Take(0).size(), 3u);
  EXPECT_EQ(batcher.DueAt(0), kNow + absl::Milliseconds(17));
  EXPECT_EQ(batcher.Take(0), std::vector<TokenRef>{Token(4)});
  EXPECT_EQ(batcher.size(), 0u);
}

TEST(Batcher, WaitsLongerWhileAFullBatchIsInSight) {
  Batcher batcher(kOptions);
  batcher.Add(Token(1), kNow);
  EXPECT_EQ(batcher.DueAt(1), kNow + absl::Milliseconds(10));
  EXPECT_EQ(batcher.DueAt(2), kNow + absl::Milliseconds(500));
}

TEST(Batcher, NeverMixesChains) {
  Batcher batcher(kOptions);
  batcher.Add(Token(1), kNow);
  batcher.Add(EvmToken(), kNow - absl::Seconds(1));
  batcher.Add(Token(2), kNow);
  EXPECT_EQ(batcher.Take(0), std::vector<TokenRef>{EvmToken()});
  EXPECT_EQ(batcher.Take(0).size(), 2u);
}

TEST(Batcher, RemovesWhoGivesUp) {
  Batcher batcher(kOptions);
  batcher.Add(Token(1), kNow);
  batcher.Add(Token(2), kNow);
  EXPECT_TRUE(batcher.Remove(Token(1)));
  EXPECT_FALSE(batcher.Remove(Token(1)));
  EXPECT_EQ(batcher.TakeAll(), std::vector<TokenRef>{Token(2)});
  EXPECT_EQ(batcher.size(), 0u);
}

}  // namespace
}  // namespace tokenwatch::resolver
