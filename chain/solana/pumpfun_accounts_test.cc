#include "chain/solana/pumpfun_accounts.h"

#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "chain/testing/fixtures.h"

namespace tokenwatch::chain {
namespace {

TEST(BondingCurveTest, RecordedAccounts) {
  const std::vector<testing::RecordedAccount> accounts = testing::RecordedCurveAccounts();
  ASSERT_EQ(accounts.size(), 17u);
  int complete = 0;
  std::set<size_t> sizes;
  for (const testing::RecordedAccount& recorded : accounts) {
    const absl::StatusOr<BondingCurveAccount> account = DecodeBondingCurve(recorded.data);
    ASSERT_TRUE(account.ok()) << account.status();
    sizes.insert(recorded.data.size());
    EXPECT_EQ(account->token_total_supply, kTokenTotalSupply);
    EXPECT_TRUE(account->creator && account->is_mayhem_mode && account->is_cashback_enabled && account->quote_mint);
    if (account->complete) {
      ++complete;
      EXPECT_EQ(account->reserves, CurveReserves{});
      EXPECT_FALSE(MarketCapLamports(account->reserves));
    } else {
      EXPECT_EQ(account->reserves.virtual_tokens - account->reserves.real_tokens,
                kInitialVirtualTokens - kInitialRealTokens);
    }
  }
  EXPECT_EQ(complete, 1);
  EXPECT_GE(sizes.size(), 2u);
}

TEST(BondingCurveTest, EveryOlderLayoutIsAPrefix) {
  const std::vector<uint8_t> full = testing::RecordedCurveAccounts()[0].data;
  ASSERT_GE(full.size(), 123u);
  for (size_t size = 0; size <= full.size(); ++size) {
    const absl::StatusOr<BondingCurveAccount> account = DecodeBondingCurve(absl::MakeConstSpan(full.data(), size));
    ASSERT_EQ(account.ok(), size >= 49) << size;
    if (!account.ok()) continue;
    EXPECT_EQ(account->creator.has_value(), size >= 81);
    EXPECT_EQ(account->is_mayhem_mode.has_value(), size >= 82);
    EXPECT_EQ(account->is_cashback_enabled.has_value(), size >= 83);
    EXPECT_EQ(account->quote_mint.has_value(), size >= 115);
    EXPECT_EQ(account->creator_fee_basis_points.has_value(), size >= 123);
  }
}

TEST(BondingCurveTest, OtherAccountsAreRefused) {
  std::vector<uint8_t> data = testing::RecordedCurveAccounts()[0].data;
  data[0] ^= 1;
  EXPECT_EQ(DecodeBondingCurve(data).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tokenwatch::chain
