#include "chain/solana/token_accounts.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "chain/testing/fixtures.h"

namespace tokenwatch::chain {
namespace {

using Bytes = std::vector<uint8_t>;

void AddNumber(Bytes& bytes, uint64_t value, size_t size) {
  for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
}
void AddKey(Bytes& bytes, uint8_t fill) { bytes.insert(bytes.end(), 32, fill); }
void AddText(Bytes& bytes, const std::string& text) {
  AddNumber(bytes, text.size(), 4);
  bytes.insert(bytes.end(), text.begin(), text.end());
}

// A hand-made SPL mint of 6 decimals with both authorities.
Bytes SplMint() {
  Bytes bytes;
  AddNumber(bytes, 1, 4);
  AddKey(bytes, 0xaa);
  AddNumber(bytes, 5'034'943'488'302'671, 8);
  AddNumber(bytes, 6, 1);
  AddNumber(bytes, 1, 1);
  AddNumber(bytes, 1, 4);
  AddKey(bytes, 0xbb);
  return bytes;
}

void AddExtension(Bytes& bytes, uint16_t type, const Bytes& value) {
  AddNumber(bytes, type, 2);
  AddNumber(bytes, value.size(), 2);
  bytes.insert(bytes.end(), value.begin(), value.end());
}

Bytes MetadataExtension(const std::string& name, const std::string& symbol, const std::string& uri) {
  Bytes value;
  AddKey(value, 0x11);
  AddKey(value, 0x22);
  AddText(value, name);
  AddText(value, symbol);
  AddText(value, uri);
  AddNumber(value, 0, 4);  // no additional fields
  return value;
}

// A hand-made Token-2022 mint with the extensions of PYUSD, in its order.
Bytes Token2022Mint() {
  Bytes bytes = SplMint();
  bytes.resize(165);
  bytes.push_back(1);
  for (const auto& [type, size] :
       std::vector<std::pair<uint16_t, size_t>>{{3, 32}, {12, 32}, {1, 108}, {4, 65}, {16, 129}, {14, 64}}) {
    AddExtension(bytes, type, Bytes(size));
  }
  Bytes pointer(32);
  AddKey(pointer, 0x33);
  AddExtension(bytes, 18, pointer);
  AddExtension(bytes, 19, MetadataExtension("PayPal USD", "PYUSD", "https://example.org/pyusd.json"));
  return bytes;
}

Bytes MetaplexAccount(const std::string& name, const std::string& symbol, const std::string& uri) {
  Bytes bytes = {4};
  AddKey(bytes, 0x44);
  AddKey(bytes, 0x55);
  AddText(bytes, name);
  AddText(bytes, symbol);
  AddText(bytes, uri);
  AddNumber(bytes, 250, 2);
  bytes.resize(679);
  return bytes;
}

std::string Padded(std::string text, size_t size) {
  text.resize(size);
  return text;
}

TEST(MintTest, Spl) {
  const absl::StatusOr<MintAccount> mint = DecodeMint(SplMint());
  ASSERT_TRUE(mint.ok()) << mint.status();
  EXPECT_EQ(mint->decimals, 6);
  EXPECT_EQ(mint->supply, 5'034'943'488'302'671u);
  EXPECT_TRUE(mint->is_initialized);
  EXPECT_EQ(mint->mint_authority->bytes[0], 0xaa);
  EXPECT_EQ(mint->freeze_authority->bytes[31], 0xbb);
  EXPECT_TRUE(mint->extensions.empty());
  Bytes without = SplMint();
  without[0] = without[46] = 0;
  EXPECT_FALSE(DecodeMint(without)->mint_authority);
  EXPECT_FALSE(DecodeMint(without)->freeze_authority);
  without[46] = 2;
  EXPECT_EQ(DecodeMint(without).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(MintTest, Token2022WithMetadata) {
  const absl::StatusOr<MintAccount> mint = DecodeMint(Token2022Mint());
  ASSERT_TRUE(mint.ok()) << mint.status();
  EXPECT_EQ(mint->extensions, (std::vector<uint16_t>{3, 12, 1, 4, 16, 14, 18, 19}));
  ASSERT_TRUE(mint->metadata && mint->metadata_pointer);
  EXPECT_FALSE(mint->metadata_pointer->authority);
  EXPECT_EQ(mint->metadata_pointer->metadata_address->bytes[0], 0x33);
  EXPECT_EQ(mint->metadata->texts.name, "PayPal USD");
  EXPECT_EQ(mint->metadata->texts.symbol, "PYUSD");
  EXPECT_EQ(mint->metadata->texts.uri, "https://example.org/pyusd.json");
  EXPECT_TRUE(mint->metadata->texts.is_utf8);
  EXPECT_EQ(mint->metadata->mint.bytes[0], 0x22);
  Bytes spare = Token2022Mint();
  spare.resize(spare.size() + 40);
  EXPECT_EQ(DecodeMint(spare)->extensions.size(), 8u) << "zeros behind the last extension are unused room";
}

TEST(MintTest, EveryCutIsRefusedOrEndsBetweenExtensions) {
  const Bytes full = Token2022Mint();
  int accepted = 0;
  for (size_t size = 0; size < full.size(); ++size) {
    const absl::StatusOr<MintAccount> mint = DecodeMint(absl::MakeConstSpan(full.data(), size));
    if (!mint.ok()) continue;
    ++accepted;
    EXPECT_FALSE(mint->metadata) << size;
  }
  // 82 bytes, and 0 to 3 bytes of a header behind the account type and each of the first seven extensions.
  EXPECT_EQ(accepted, 1 + 4 * 8);
}

TEST(MintTest, HostileExtensions) {
  Bytes bytes = Token2022Mint();
  bytes.resize(166);
  Bytes huge = bytes;
  AddNumber(huge, 19, 2);
  AddNumber(huge, 0xffff, 2);
  EXPECT_FALSE(DecodeMint(huge).ok());
  Bytes text = bytes;
  Bytes value(64);
  AddNumber(value, 0xffffffff, 4);
  AddExtension(text, 19, value);
  EXPECT_FALSE(DecodeMint(text).ok());
  Bytes many = bytes;
  for (size_t i = 0; i <= kMaxMintExtensions; ++i) AddExtension(many, 9, {});
  EXPECT_FALSE(DecodeMint(many).ok());
  Bytes long_name = bytes;
  AddExtension(long_name, 19, MetadataExtension(std::string(kMaxAccountTextBytes + 1, 'x'), "", ""));
  EXPECT_FALSE(DecodeMint(long_name).ok());
  Bytes not_utf8 = bytes;
  AddExtension(not_utf8, 19, MetadataExtension("\xff", "", ""));
  EXPECT_FALSE(DecodeMint(not_utf8)->metadata->texts.is_utf8);
  Bytes account = Token2022Mint();
  account[165] = 2;
  EXPECT_FALSE(DecodeMint(account).ok());
}

TEST(MetaplexTest, PaddingIsTrimmed) {
  const absl::StatusOr<MetaplexMetadata> metadata =
      DecodeMetaplexMetadata(MetaplexAccount(Padded("USD Coin", 32), Padded("USDC ", 10), Padded("", 200)));
  ASSERT_TRUE(metadata.ok()) << metadata.status();
  EXPECT_EQ(metadata->texts.name, "USD Coin");
  EXPECT_EQ(metadata->texts.symbol, "USDC");
  EXPECT_EQ(metadata->texts.uri, "");
  EXPECT_EQ(metadata->seller_fee_basis_points, 250);
  EXPECT_EQ(metadata->update_authority.bytes[0], 0x44);
  EXPECT_EQ(metadata->mint.bytes[0], 0x55);
  EXPECT_TRUE(metadata->texts.is_utf8);
}

TEST(MetaplexTest, CutsAndOtherAccountsAreRefused) {
  const Bytes full = MetaplexAccount("n", "s", "u");
  const size_t needed = 65 + 3 * 5 + 2;
  for (size_t size = 0; size <= needed + 1; ++size) {
    EXPECT_EQ(DecodeMetaplexMetadata(absl::MakeConstSpan(full.data(), size)).ok(), size >= needed) << size;
  }
  Bytes edition = full;
  edition[0] = 6;
  EXPECT_EQ(DecodeMetaplexMetadata(edition).status().code(), absl::StatusCode::kInvalidArgument);
  Bytes hostile = full;
  hostile[65] = hostile[66] = hostile[67] = hostile[68] = 0xff;
  EXPECT_FALSE(DecodeMetaplexMetadata(hostile).ok());
  EXPECT_FALSE(DecodeMetaplexMetadata(MetaplexAccount("\xc3", "", ""))->texts.is_utf8);
}

std::vector<testing::RecordedAccount> SharedAccounts(const char* file) {
  const std::optional<std::string> text = testing::ReadSharedData(file);
  return text ? testing::RecordedAccounts(*text) : std::vector<testing::RecordedAccount>();
}
constexpr char kAbsent[] = "needs the recorded accounts in ../shared/data, which are not there";

TEST(RecordedAccountsTest, Metaplex) {
  const auto accounts = SharedAccounts("3_solana_rpc/metaplex_metadata_accounts_a.jsonl");
  if (accounts.empty()) GTEST_SKIP() << kAbsent;
  int decoded = 0, named = 0, usdc = 0;
  for (const testing::RecordedAccount& account : accounts) {
    const absl::StatusOr<MetaplexMetadata> metadata = DecodeMetaplexMetadata(account.data);
    EXPECT_EQ(metadata.ok(), account.data[0] == 4);
    if (!metadata.ok()) continue;
    ++decoded;
    named += metadata->texts.name.empty() ? 0 : 1;
    usdc += metadata->texts.name == "USD Coin" && metadata->texts.symbol == "USDC" ? 1 : 0;
    EXPECT_TRUE(metadata->texts.is_utf8);
    EXPECT_EQ(metadata->texts.name.find('\0'), std::string::npos);
  }
  EXPECT_EQ(accounts.size(), 33u);
  EXPECT_EQ(decoded, 30);
  EXPECT_EQ(named, 30);
  EXPECT_GE(usdc, 1);
}

TEST(RecordedAccountsTest, SplMints) {
  const auto accounts = SharedAccounts("3_solana_rpc/spl_token_accounts_a.jsonl");
  if (accounts.empty()) GTEST_SKIP() << kAbsent;
  int mints = 0;
  for (const testing::RecordedAccount& account : accounts) {
    const absl::StatusOr<MintAccount> mint = DecodeMint(account.data);
    EXPECT_EQ(mint.ok(), account.data.size() == 82);
    if (!mint.ok()) continue;
    ++mints;
    EXPECT_TRUE(mint->is_initialized);
    if (account.pubkey == "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v") {
      EXPECT_EQ(mint->decimals, 6);
      EXPECT_TRUE(mint->mint_authority && mint->freeze_authority);
    }
  }
  EXPECT_EQ(mints, 35);
}

TEST(RecordedAccountsTest, Token2022Mints) {
  const auto accounts = SharedAccounts("3_solana_rpc/token2022_accounts_a.jsonl");
  if (accounts.empty()) GTEST_SKIP() << kAbsent;
  int mints = 0, pyusd = 0;
  for (const testing::RecordedAccount& account : accounts) {
    const absl::StatusOr<MintAccount> mint = DecodeMint(account.data);
    EXPECT_EQ(mint.ok(), account.data[165] == 1) << mint.status();
    if (!mint.ok()) continue;
    ++mints;
    if (account.data.size() != 866) continue;
    ++pyusd;
    EXPECT_EQ(mint->extensions, (std::vector<uint16_t>{3, 12, 1, 4, 16, 14, 18, 19}));
    EXPECT_EQ(mint->metadata->texts.name, "PayPal USD");
    EXPECT_EQ(mint->metadata->texts.symbol, "PYUSD");
    EXPECT_EQ(mint->decimals, 6);
  }
  EXPECT_EQ(mints, 7);
  EXPECT_EQ(pyusd, 3);
}

}  // namespace
}  // namespace tokenwatch::chain
