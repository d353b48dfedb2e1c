#include "tests/fakes/simulated_upstreams.h"

#include <cstdint>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "chain/solana/token_accounts.h"
#include "common/testing/temp_dir.h"
#include "tests/fakes/solana_accounts.h"

namespace tokenwatch::fakes {
namespace {

constexpr char kMint[] = "DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263";

absl::Span<const std::uint8_t> Bytes(const std::string& data) {
  return absl::MakeConstSpan(reinterpret_cast<const std::uint8_t*>(data.data()), data.size());
}

TEST(SolanaAccounts, Token2022MintIsWhatTheDecoderReads) {
  const chain::Pubkey key = chain::PubkeyFromConstant(kMint);
  const auto mint = chain::DecodeMint(Bytes(Token2022MintData(key, "Chill Frog", "FROG", "ipfs://a/b")));
  ASSERT_TRUE(mint.ok()) << mint.status();
  EXPECT_EQ(mint->decimals, 6);
  EXPECT_TRUE(mint->is_initialized);
  ASSERT_TRUE(mint->metadata.has_value());
  EXPECT_EQ(mint->metadata->mint, key);
  EXPECT_EQ(mint->metadata->texts.name, "Chill Frog");
  EXPECT_EQ(mint->metadata->texts.symbol, "FROG");
  EXPECT_EQ(mint->metadata->texts.uri, "ipfs://a/b");
  ASSERT_TRUE(mint->metadata_pointer.has_value());
  EXPECT_EQ(mint->metadata_pointer->metadata_address, key);
}

TEST(SolanaAccounts, SplMintAndItsMetaplexAccount) {
  const auto mint = chain::DecodeMint(Bytes(SplMintData()));
  ASSERT_TRUE(mint.ok()) << mint.status();
  EXPECT_FALSE(mint->metadata.has_value());
  const chain::Pubkey key = chain::PubkeyFromConstant(kMint);
  const std::string data = MetaplexData(key, std::string(kMetaplexNameBytes, 'n'), "S", "");
  EXPECT_EQ(data.size(), 679u);
  const auto metadata = chain::DecodeMetaplexMetadata(Bytes(data));
  ASSERT_TRUE(metadata.ok()) << metadata.status();
  EXPECT_EQ(metadata->mint, key);
  EXPECT_EQ(metadata->texts.name, std::string(kMetaplexNameBytes, 'n'));
  EXPECT_EQ(metadata->texts.symbol, "S");
  EXPECT_EQ(metadata->texts.uri, "");
}

class Load : public ::testing::Test {
 protected:
  absl::Status LoadText(const std::string& text) {
    const std::string path = absl::StrCat(folder_.path().string(), "/truth.json");
    std::ofstream(path) << text;
    return upstreams_.Load(path);
  }

  const common::TempDir folder_;
  SimulatedUpstreams upstreams_{absl::ZeroDuration()};
};

TEST_F(Load, EachTokenHasOneKeeperOfItsName) {
  std::string tokens;
  for (int i = 0; i < 20; ++i) {
    // What does not fit a Metaplex account is kept by a Token-2022 mint instead.
    const std::string name = i == 1 ? std::string(kMetaplexNameBytes + 1, 'x') : "Frog";
    absl::StrAppend(&tokens, i == 0 ? "" : ",", R"({"mint":")", kMint, R"(","name":")", name,
                    R"(","symbol":"F","uri":""})");
  }
  const absl::Status loaded = LoadText(absl::StrCat(R"({"totals":{},"tokens":[)", tokens, "]}"));
  ASSERT_TRUE(loaded.ok()) << loaded;
  EXPECT_EQ(upstreams_.tokens(), (std::array<std::size_t, kNameKeepers>{11, 3, 2, 2, 2}));
}

TEST_F(Load, WhatIsNoTruthFileIsRefused) {
  EXPECT_EQ(upstreams_.Load(absl::StrCat(folder_.path().string(), "/absent")).code(), absl::StatusCode::kNotFound);
  for (const char* text : {"", "[]", R"({"tokens":{}})", R"({"tokens":[{"mint":"x"}]})",
                           R"({"tokens":[{"mint":"x","name":"n","symbol":"s","uri":"u"}]})"}) {
    EXPECT_EQ(LoadText(text).code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace tokenwatch::fakes
