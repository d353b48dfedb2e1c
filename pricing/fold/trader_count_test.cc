#include "pricing/fold/trader_count.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "pricing/testing/trades.h"

namespace tokenwatch::pricing {
namespace {

using testing::WalletNumber;

TraderCount CountOf(uint64_t wallets) {
  TraderCount traders;
  for (uint64_t i = 0; i < wallets; ++i) traders.Add(WalletNumber(i));
  return traders;
}

TEST(TraderCountTest, IsExactWhileThereAreFew) {
  TraderCount traders;
  EXPECT_EQ(traders.count(), 0u);
  for (uint64_t i = 0; i < TraderCount::kMaxExact; ++i) {
    for (uint64_t again = 0; again <= i; ++again) traders.Add(WalletNumber(again));
    EXPECT_EQ(traders.count(), i + 1);
    EXPECT_FALSE(traders.is_estimate());
  }
  traders.Add(WalletNumber(1000));
  EXPECT_TRUE(traders.is_estimate());
  EXPECT_GT(traders.count(), TraderCount::kMaxExact);
}

TEST(TraderCountTest, EstimatesWithinItsError) {
  for (uint64_t wallets : {40u, 100u, 300u, 700u, 1000u, 10'000u, 100'000u}) {
    double sum_of_squares = 0;
    constexpr int kRounds = 20;
    for (uint64_t round = 0; round < kRounds; ++round) {
      TraderCount traders;
      for (uint64_t i = 0; i < wallets; ++i) traders.Add(WalletNumber(round * 1'000'000 + i));
      const double error = static_cast<double>(traders.count()) / static_cast<double>(wallets) - 1;
      sum_of_squares += error * error;
    }
    EXPECT_LT(std::sqrt(sum_of_squares / kRounds), 0.1) << wallets;
  }
}

TEST(TraderCountTest, TheSameWalletsGiveTheSameBytes) {
  std::mt19937_64 random(1);
  for (uint64_t wallets : {1u, 5u, 32u, 33u, 34u, 200u}) {
    const std::string bytes = CountOf(wallets).Encode();
    EXPECT_LE(bytes.size(), 257u);
    std::vector<uint64_t> order;
    for (uint64_t i = 0; i < wallets; ++i) order.insert(order.end(), 1 + random() % 3, i);
    std::shuffle(order.begin(), order.end(), random);
    TraderCount traders;
    for (uint64_t wallet : order) traders.Add(WalletNumber(wallet));
    EXPECT_EQ(traders.Encode(), bytes);
    EXPECT_EQ(traders, CountOf(wallets));
  }
}

TEST(TraderCountTest, DecodesWhatItEncodedAndGoesOn) {
  for (uint64_t wallets : {0u, 1u, 31u, 32u, 33u, 100u}) {
    auto traders = TraderCount::Decode(CountOf(wallets).Encode());
    ASSERT_TRUE(traders.ok());
    EXPECT_EQ(*traders, CountOf(wallets));
    traders->Add(WalletNumber(wallets));
    EXPECT_EQ(*traders, CountOf(wallets + 1));
  }
}

// They are stored: a change of the hash would count everybody twice.
TEST(TraderCountTest, BytesAreStable) {
  EXPECT_EQ(absl::BytesToHexString(CountOf(2).Encode()), "01156f3e39a284775098e4d4f4f4a2d744");
}

TEST(TraderCountTest, RefusesOtherBytes) {
  const std::string exact = CountOf(3).Encode();
  const std::string estimate = CountOf(50).Encode();
  std::string unsorted = exact;
  std::swap_ranges(unsorted.begin() + 1, unsorted.begin() + 9, unsorted.begin() + 9);
  std::string repeated = exact + exact.substr(exact.size() - 8);
  std::string too_high = estimate;
  too_high[7] = 58;
  for (const std::string& bytes :
       {std::string(1, '\1'), std::string(1, '\2'), std::string("\3abcdefgh"), exact.substr(0, exact.size() - 1),
        estimate.substr(0, 256), estimate + '\1', unsorted, repeated, too_high, std::string(1 + 33 * 8, '\1')}) {
    EXPECT_TRUE(absl::IsInvalidArgument(TraderCount::Decode(bytes).status()));
  }
}

}  // namespace
}  // namespace tokenwatch::pricing
