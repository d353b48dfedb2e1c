#include "chain/evm/erc20.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "chain/testing/fixtures.h"

namespace tokenwatch::chain {
namespace {

// A 32-byte word as hex, the number on its right.
std::string Word(uint64_t value) { return absl::StrCat(absl::Hex(value, absl::kZeroPad16)).insert(0, 48, '0'); }
// Bytes as hex, filled up with zeros to whole words.
std::string Bytes(const std::string& bytes) {
  std::string hex = absl::BytesToHexString(bytes);
  hex.append((64 - hex.size() % 64) % 64, '0');
  return hex;
}
std::string AbiString(const std::string& text) { return "0x" + Word(32) + Word(text.size()) + Bytes(text); }

// What the fixture's line says of a function of a contract.
std::string Recorded(absl::string_view contract, absl::string_view function) {
  for (const std::string& line : testing::Lines(testing::ReadFixture("evm/eth_call_token_metadata_a.jsonl"))) {
    if (!absl::StrContains(line, contract) || !absl::StrContains(line, absl::StrCat("\"", function, "\""))) continue;
    const size_t begin = line.find("\"result\": \"") + 11;
    return line.substr(begin, line.find('"', begin) - begin);
  }
  ADD_FAILURE() << "no recorded " << function << " of " << contract;
  return "";
}

TEST(Erc20Test, RecordedContracts) {
  constexpr char kEth[] = "0xf763be8b3263c268e9789abfb3934564a7b80054";
  constexpr char kMatic[] = "0x7d1afa7b718fb893db30a3abc0cfc608aacfebb0";
  constexpr char kMkr[] = "0x9f8f72aa9304c8b593d555f12ef6589cc3a579a2";
  EXPECT_EQ(DecodeErc20TextHex(Recorded(kMatic, "symbol()")).value, "MATIC");
  EXPECT_EQ(DecodeErc20TextHex(Recorded(kMkr, "symbol()")).value, "MKR");
  EXPECT_EQ(DecodeErc20TextHex(Recorded(kMkr, "name()")).value, "Maker");
  for (const char* contract : {kEth, kMatic, kMkr}) {
    EXPECT_EQ(DecodeErc20DecimalsHex(Recorded(contract, "decimals()")).value, 18);
  }
  // Declares a length of 6 over three characters and three NULs.
  const Erc20Text eth = DecodeErc20TextHex(Recorded(kEth, "symbol()"));
  EXPECT_EQ(eth.value, "ETH");
  EXPECT_EQ(eth.raw, std::string("ETH\0\0\0", 6));
}

TEST(Erc20Test, EosReturnsAnEmptyNameAndABytes32Symbol) {
  const Erc20Text name = DecodeErc20TextHex("0x" + Word(0));
  EXPECT_FALSE(name.value);
  EXPECT_EQ(name.problem, Erc20Problem::kEmpty);
  EXPECT_EQ(DecodeErc20TextHex("0x" + Bytes("EOS")).value, "EOS");
}

TEST(Erc20Test, AbiStrings) {
  EXPECT_EQ(DecodeErc20TextHex(AbiString("Dai Stablecoin")).value, "Dai Stablecoin");
  const std::string long_name(100, 'x');
  EXPECT_EQ(DecodeErc20TextHex(AbiString(long_name)).value, long_name);
  EXPECT_EQ(DecodeErc20TextHex(AbiString("\xe2\x82\xae")).value, "\xe2\x82\xae");
  EXPECT_EQ(DecodeErc20TextHex(AbiString("")).problem, Erc20Problem::kEmpty);
  EXPECT_EQ(DecodeErc20TextHex(AbiString(std::string(3, '\0'))).problem, Erc20Problem::kEmpty);
  const Erc20Text bad = DecodeErc20TextHex(AbiString("\xff\xfe"));
  EXPECT_EQ(bad.problem, Erc20Problem::kBadUtf8);
  EXPECT_EQ(bad.raw, "\xff\xfe");
}

TEST(Erc20Test, LongTextsAreCutAtACharacter) {
  std::string text(kMaxErc20TextBytes - 1, 'x');
  const Erc20Text cut = DecodeErc20TextHex(AbiString(text + "\xe2\x82\xae" + "tail"));
  EXPECT_EQ(cut.value, text);
  EXPECT_EQ(cut.raw.size(), kMaxErc20TextBytes);
}

TEST(Erc20Test, OffsetsAndLengthsAreBoundsChecked) {
  const std::string huge(64, 'f');
  EXPECT_EQ(DecodeErc20TextHex("0x" + huge + Word(1) + Bytes("x")).problem, Erc20Problem::kBadOffset);
  EXPECT_EQ(DecodeErc20TextHex("0x" + Word(64) + Word(1)).problem, Erc20Problem::kBadOffset);
  EXPECT_EQ(DecodeErc20TextHex("0x" + Word(0xffffffff) + Word(1)).problem, Erc20Problem::kBadOffset);
  EXPECT_EQ(DecodeErc20TextHex("0x" + Word(32) + huge + Bytes("x")).problem, Erc20Problem::kBadOffset);
  EXPECT_EQ(DecodeErc20TextHex("0x" + Word(32) + Word(33) + Bytes("x")).problem, Erc20Problem::kBadLength);
  EXPECT_EQ(DecodeErc20TextHex("0x" + Word(32) + Word(0xffffffff) + Bytes("x")).problem, Erc20Problem::kBadLength);
}

TEST(Erc20Test, NothingIsNoValue) {
  EXPECT_EQ(DecodeErc20TextHex("0x").problem, Erc20Problem::kEmpty);
  EXPECT_EQ(DecodeErc20TextHex("0x00").problem, Erc20Problem::kBadLength);
  EXPECT_EQ(DecodeErc20DecimalsHex("0x").problem, Erc20Problem::kEmpty);
  EXPECT_EQ(DecodeErc20DecimalsHex("0x12").problem, Erc20Problem::kBadLength);
  for (absl::string_view bad : {"", "0", "00", "0x1", "0xzz", "x00"}) {
    EXPECT_EQ(DecodeErc20TextHex(bad).problem, Erc20Problem::kBadHex) << bad;
    EXPECT_EQ(DecodeErc20DecimalsHex(bad).problem, Erc20Problem::kBadHex) << bad;
  }
  EXPECT_EQ(DecodeErc20TextHex("0x" + std::string(200'000, '0')).problem, Erc20Problem::kBadHex);
}

TEST(Erc20Test, DecimalsAreOneByte) {
  EXPECT_EQ(DecodeErc20DecimalsHex("0x" + Word(0)).value, 0);
  EXPECT_EQ(DecodeErc20DecimalsHex("0x" + Word(255)).value, 255);
  const Erc20Decimals large = DecodeErc20DecimalsHex("0x" + Word(256));
  EXPECT_FALSE(large.value);
  EXPECT_EQ(large.problem, Erc20Problem::kOutOfRange);
  EXPECT_EQ(Erc20ProblemName(large.problem), "out_of_range");
}

}  // namespace
}  // namespace tokenwatch::chain
