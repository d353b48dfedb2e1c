#include "chain/base58.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace tokenwatch::chain {
namespace {

// The textbook method, digit by digit: what the matrix must agree with.
template <size_t kBytes>
std::string SlowEncode(const std::array<uint8_t, kBytes>& bytes) {
  static constexpr char alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  std::vector<int> digits;
  for (uint8_t byte : bytes) {
    int carry = byte;
    for (int& digit : digits) {
      carry += digit * 256;
      digit = carry % 58;
      carry /= 58;
    }
    for (; carry > 0; carry /= 58) digits.push_back(carry % 58);
  }
  std::string text;
  for (size_t i = 0; i < kBytes && bytes[i] == 0; ++i) text += '1';
  std::for_each(digits.rbegin(), digits.rend(), [&](int digit) { text += alphabet[digit]; });
  return text;
}

template <size_t kBytes, size_t kMaxSize>
void CheckRoundTrips() {
  std::mt19937_64 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::array<uint8_t, kBytes> bytes;
    // Runs of the extreme bytes are where carries and leading zeros go wrong.
    const int mode = round % 4;
    for (uint8_t& byte : bytes) byte = mode == 0 ? 0 : mode == 1 ? 0xff : static_cast<uint8_t>(random());
    const size_t zeros = random() % (kBytes + 1);
    if (mode != 2) std::fill_n(bytes.begin(), zeros, mode == 1 ? 0 : bytes[0]);
    if (mode == 3) std::fill_n(bytes.begin(), zeros, 0);
    if (mode == 0 && zeros < kBytes) bytes[zeros] = 1;

    char out[kMaxSize];
    const std::string text(out, EncodeBase58(bytes, out));
    ASSERT_EQ(text, SlowEncode(bytes));
    std::array<uint8_t, kBytes> back;
    ASSERT_TRUE(DecodeBase58(text, back));
    ASSERT_EQ(back, bytes);
  }
}

TEST(Base58Test, AgreesWithTheTextbookMethodFor32Bytes) { CheckRoundTrips<32, kMaxBase58Size32>(); }
TEST(Base58Test, AgreesWithTheTextbookMethodFor64Bytes) { CheckRoundTrips<64, kMaxBase58Size64>(); }

TEST(Base58Test, KnownKeys) {
  std::array<uint8_t, 32> bytes;
  ASSERT_TRUE(DecodeBase58("11111111111111111111111111111111", bytes));
  EXPECT_EQ(bytes, (std::array<uint8_t, 32>{}));
  ASSERT_TRUE(DecodeBase58("So11111111111111111111111111111111111111112", bytes));
  EXPECT_EQ(bytes[0], 0x06);
  EXPECT_EQ(bytes[31], 0x01);
}

TEST(Base58Test, RefusesEverySpellingButTheCanonicalOne) {
  std::array<uint8_t, 32> bytes;
  EXPECT_FALSE(DecodeBase58("", bytes));
  EXPECT_FALSE(DecodeBase58("1111111111111111111111111111111", bytes));    // 31 zero bytes
  EXPECT_FALSE(DecodeBase58("111111111111111111111111111111111", bytes));  // 33 zero bytes
  EXPECT_FALSE(DecodeBase58("1So11111111111111111111111111111111111111112", bytes));
  EXPECT_FALSE(DecodeBase58("So1111111111111111111111111111111111111111", bytes));
  EXPECT_FALSE(DecodeBase58("So1111111111111111111111111111111111111111O", bytes));   // not in the alphabet
  EXPECT_FALSE(DecodeBase58("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", bytes));  // 44 digits, beyond 2^256
  const std::string nul("So1111111111111111111111111111111111111111\0", 43);
  EXPECT_FALSE(DecodeBase58(nul, bytes));
}

TEST(Base58Test, LargestValueAndTheNextOne) {
  std::array<uint8_t, 32> bytes;
  bytes.fill(0xff);
  char out[kMaxBase58Size32];
  std::string text(out, EncodeBase58(bytes, out));
  EXPECT_EQ(text, "JEKNVnkbo3jma5nREBBJCDoXFVeKkD56V3xKrvRmWxFG");
  text.back() = 'H';
  EXPECT_FALSE(DecodeBase58(text, bytes));
}

}  // namespace
}  // namespace tokenwatch::chain
