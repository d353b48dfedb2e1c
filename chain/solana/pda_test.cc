#include "chain/solana/pda.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sodium.h>

#include "chain/solana/edwards25519.h"
#include "chain/solana/programs.h"
#include "chain/testing/fixtures.h"

namespace tokenwatch::chain {
namespace {

TEST(Edwards25519Test, EveryPointOfAnyOrderIsOnTheCurve) {
  std::array<uint8_t, 32> bytes{};
  bytes[0] = 1;  // the neutral element
  EXPECT_TRUE(IsOnEdwards25519(bytes));
  bytes[31] = 0x80;  // its other sign, which the decompression takes too
  EXPECT_TRUE(IsOnEdwards25519(bytes));
  EXPECT_TRUE(IsOnEdwards25519({}));  // y = 0: order 4
  // y = 2 is not on the curve.
  bytes = {2};
  EXPECT_FALSE(IsOnEdwards25519(bytes));
  // p + 1, the neutral element in a spelling that is not reduced.
  bytes.fill(0xff);
  bytes[0] = 0xee;
  bytes[31] = 0x7f;
  EXPECT_TRUE(IsOnEdwards25519(bytes));
}

TEST(Edwards25519Test, AgreesWithLibsodiumOnPublicKeysAndTheirSums) {
  ASSERT_GE(sodium_init(), 0);
  // A point of order 8, so that the sums below lie outside the prime-order subgroup.
  const std::array<uint8_t, 32> torsion = {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
                                           0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
                                           0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05};
  EXPECT_TRUE(IsOnEdwards25519(torsion));
  for (uint8_t i = 0; i < 50; ++i) {
    unsigned char seed[32] = {i};
    std::array<uint8_t, 32> key;
    unsigned char secret[64];
    crypto_sign_seed_keypair(key.data(), secret, seed);
    EXPECT_TRUE(IsOnEdwards25519(key));
    std::array<uint8_t, 32> sum;
    ASSERT_EQ(crypto_core_ed25519_add(sum.data(), key.data(), torsion.data()), 0);
    EXPECT_TRUE(IsOnEdwards25519(sum));
    EXPECT_EQ(crypto_core_ed25519_is_valid_point(sum.data()), 0) << "this is why that function is not used";
  }
}

TEST(Edwards25519Test, HalfOfAllHashesAreOnTheCurve) {
  int on_curve = 0;
  for (uint32_t i = 0; i < 2000; ++i) {
    std::array<uint8_t, 32> hash;
    crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(&i), sizeof(i));
    on_curve += IsOnEdwards25519(hash) ? 1 : 0;
  }
  EXPECT_NEAR(on_curve, 1000, 100);
}

TEST(PdaTest, KnownAddresses) {
  const Pubkey pump = PubkeyFromConstant(kPumpProgram);
  const std::optional<ProgramAddress> global = FindProgramAddress({"global"}, pump);
  ASSERT_TRUE(global);
  EXPECT_EQ(global->address.ToAddress().text(), "4wTV1YmiEkRvAtNtsSGPtUrqRYQMe5SKy2uB4Jjaxnjf");
  EXPECT_EQ(FindProgramAddress({"__event_authority"}, pump)->address.ToAddress().text(),
            "Ce6TQqeHC9p8KetsN6JsjHK7UTZk7nasjjnr7XxXp9F1");
  EXPECT_EQ(MetadataAddress(PubkeyFromConstant("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v")).ToAddress().text(),
            "5x38Kp4hvdomTCnCrAny4UtMUt5rQBdB6px2K1Ui45Wq");
}

TEST(PdaTest, LimitsOfSeeds) {
  const Pubkey pump = PubkeyFromConstant(kPumpProgram);
  EXPECT_TRUE(FindProgramAddress(std::vector<absl::string_view>(15, "x"), pump));
  EXPECT_FALSE(FindProgramAddress(std::vector<absl::string_view>(16, "x"), pump));
  const std::string seed(33, 'x');
  EXPECT_TRUE(FindProgramAddress({absl::string_view(seed).substr(0, 32)}, pump));
  EXPECT_FALSE(FindProgramAddress({seed}, pump));
}

}  // namespace
}  // namespace tokenwatch::chain
