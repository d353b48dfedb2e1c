#include "pricing/fold/fingerprint.h"

#include <gtest/gtest.h>

#include "absl/container/flat_hash_set.h"
#include "pricing/fold/hot_score.h"
#include "pricing/testing/trades.h"

namespace tokenwatch::pricing {
namespace {

using testing::Canonical;
using testing::kSol;
using testing::kUsdc;
using testing::TokenNumber;

// They are stored: another value would lose what is parked.
TEST(FingerprintTest, IsStable) {
  const SeriesKey key{{chain::Chain::kSolana, Canonical("4B9s9NbiaU4Nnq7FAWKxBy8S1FU8g1U56Xvfcd5kpump")},
                      Canonical(kSol)};
  EXPECT_EQ(absl::Uint128High64(FingerprintOf(key)), 6343468509291940874u);
  EXPECT_EQ(absl::Uint128Low64(FingerprintOf(key)), 8578247125756724553u);
}

TEST(FingerprintTest, EachPartOfTheKeyCounts) {
  absl::flat_hash_set<Fingerprint> seen;
  for (chain::Chain chain : {chain::Chain::kSolana, chain::Chain::kBase, chain::Chain::kBsc}) {
    for (uint64_t token = 0; token < 1000; ++token) {
      for (absl::string_view quote : {kSol, kUsdc}) {
        EXPECT_TRUE(seen.insert(FingerprintOf({{chain, TokenNumber(token).address}, Canonical(quote)})).second);
      }
    }
  }
  // Where one text ends and the next begins counts too.
  const auto key = [](absl::string_view token, absl::string_view quote) {
    return FingerprintOf({{chain::Chain::kSolana, Canonical(token)}, Canonical(quote)});
  };
  EXPECT_NE(key("ab", "c"), key("a", "bc"));
}

TEST(HotScoreTest, HalvesEachHalfLife) {
  const absl::Time at = testing::Start();
  EXPECT_EQ(DecayTo(8, at, at + 3 * kHotHalfLife), 1);
  EXPECT_EQ(DecayTo(8, at, at), 8);
  EXPECT_EQ(DecayTo(8, at, at - kHotHalfLife), 8);
  EXPECT_EQ(DecayTo(0, absl::InfinitePast(), at), 0);
}

}  // namespace
}  // namespace tokenwatch::pricing
