#include "chain/base64.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"

namespace tokenwatch::chain {
namespace {

std::optional<std::string> Decode(absl::string_view text) {
  std::vector<uint8_t> out(MaxBase64DecodedSize(text.size()));
  const std::optional<size_t> size = DecodeBase64(text, out.data());
  if (!size) return std::nullopt;
  return std::string(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*size));
}

TEST(Base64Test, VectorsOfRfc4648) {
  EXPECT_EQ(Decode(""), "");
  EXPECT_EQ(Decode("Zg=="), "f");
  EXPECT_EQ(Decode("Zm8="), "fo");
  EXPECT_EQ(Decode("Zm9v"), "foo");
  EXPECT_EQ(Decode("Zm9vYg=="), "foob");
  EXPECT_EQ(Decode("Zm9vYmE="), "fooba");
  EXPECT_EQ(Decode("Zm9vYmFy"), "foobar");
}

TEST(Base64Test, RandomBytesRoundTrip) {
  std::mt19937_64 random(11);
  for (size_t size = 0; size < 300; ++size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    EXPECT_EQ(Decode(absl::Base64Escape(bytes)), bytes);
  }
}

TEST(Base64Test, RefusesWhatIsNotStrict) {
  for (absl::string_view bad : {"Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9v\n", "Zm 9", "Zm9-", "Zm9_",
                                "Zh==", "Zm9=", "=m9v", "Zm=v", "Zm9v Zm9v"}) {
    EXPECT_EQ(Decode(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace tokenwatch::chain
