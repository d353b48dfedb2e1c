#include "chain/solana/pumpfun_events.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "chain/solana/pumpfun_curve.h"
#include "chain/solana/pumpfun_invariants.h"
#include "chain/testing/fixtures.h"

namespace tokenwatch::chain {
namespace {

using Bytes = std::vector<uint8_t>;

// All pump events of the recorded transactions, as bytes.
std::vector<Bytes> RecordedEvents(const std::string& discriminator) {
  std::vector<Bytes> events;
  for (const char* file :
       {"chainstack_raw_create_tx_from_gettransaction.json", "chainstack_raw_create_tx_from_blocksubscribe.json",
        "chainstack_raw_buy_tx_from_gettransaction.json"}) {
    for (const std::string& line :
         testing::RecordedLogMessages(testing::ReadFixture(std::string("solana_rpc/") + file))) {
      if (!absl::StartsWith(line, "Program data: ")) continue;
      Bytes bytes = testing::Base64(absl::string_view(line).substr(14));
      if (std::string(bytes.begin(), bytes.begin() + 8) == discriminator) events.push_back(std::move(bytes));
    }
  }
  return events;
}

const std::string kCreate("\x1b\x72\xa9\x4d\xde\xeb\x63\x76", 8);
const std::string kTrade("\xbd\xdb\x7f\xd3\x4e\xe6\x61\xee", 8);
const std::string kComplete("\x5f\x72\x61\x9c\xd4\x2e\x98\x08", 8);
const std::string kMigration("\xbd\xe9\x5d\xb9\x5c\x94\xea\x94", 8);
const std::string kMayhem("\x75\x7b\xe4\xb6\xa1\xa8\xdc\xd6", 8);

// `size` counting bytes behind a discriminator.
Bytes Counting(const std::string& discriminator, size_t size) {
  Bytes bytes(discriminator.begin(), discriminator.end());
  for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<uint8_t>(i));
  return bytes;
}

TEST(PumpEventsTest, RecordedCreate) {
  const std::vector<Bytes> events = RecordedEvents(kCreate);
  ASSERT_EQ(events.size(), 2u);
  for (const Bytes& bytes : events) {
    const PumpEvent decoded = DecodePumpEvent(bytes);
    const CreateEvent* create = std::get_if<CreateEvent>(&decoded);
    ASSERT_NE(create, nullptr);
    EXPECT_FALSE(create->name.empty());
    EXPECT_TRUE(create->texts_are_utf8);
    EXPECT_EQ(create->unknown_tail_bytes, 0u);
    ASSERT_TRUE(create->reserves && create->modes);
    EXPECT_EQ(create->reserves->virtual_token_reserves, kInitialVirtualTokens);
    EXPECT_EQ(create->reserves->virtual_sol_reserves, kInitialVirtualLamports);
    EXPECT_EQ(create->reserves->real_token_reserves, kInitialRealTokens);
    EXPECT_EQ(create->reserves->token_total_supply, kTokenTotalSupply);
  }
}

TEST(PumpEventsTest, CreateVersionsCutsAndTails) {
  const Bytes full = RecordedEvents(kCreate)[0];
  const size_t version3 = full.size();
  const size_t version2 = version3 - 74;
  const size_t version1 = version2 - 72;
  for (size_t size = 8; size <= version3 + 5; ++size) {
    Bytes bytes = full;
    bytes.resize(size);
    const PumpEvent decoded = DecodePumpEvent(bytes);
    const CreateEvent* create = std::get_if<CreateEvent>(&decoded);
    if (size != version1 && size != version2 && size < version3) {
      ASSERT_TRUE(std::holds_alternative<BadEvent>(decoded)) << size;
      EXPECT_EQ(std::get<BadEvent>(decoded).error, EventError::kCutInGroup);
      continue;
    }
    ASSERT_NE(create, nullptr) << size;
    EXPECT_EQ(create->reserves.has_value(), size >= version2);
    EXPECT_EQ(create->modes.has_value(), size >= version3);
    EXPECT_EQ(create->unknown_tail_bytes, size > version3 ? size - version3 : 0);
  }
}

TEST(PumpEventsTest, TradeVersionsCutsAndTails) {
  const Bytes full = RecordedEvents(kTrade)[0];
  const PumpEvent all = DecodePumpEvent(full);
  const TradeEvent* newest = std::get_if<TradeEvent>(&all);
  ASSERT_NE(newest, nullptr);
  ASSERT_TRUE(newest->buyback && newest->volume);
  const size_t version1 = 8 + 121;
  const size_t version2 = version1 + 96;
  const size_t version3 = version2 + 37 + newest->volume->instruction_name.size();
  const size_t version4 = version3 + 17;
  const size_t version5 = version4 + 76 + newest->buyback->shareholders.size();
  ASSERT_EQ(full.size(), version5);
  for (size_t size = 8; size <= version5 + 5; ++size) {
    Bytes bytes = full;
    bytes.resize(size);
    const PumpEvent decoded = DecodePumpEvent(bytes);
    if (size != version1 && size != version2 && size != version3 && size != version4 && size < version5) {
      ASSERT_TRUE(std::holds_alternative<BadEvent>(decoded)) << size;
      continue;
    }
    const TradeEvent* trade = std::get_if<TradeEvent>(&decoded);
    ASSERT_NE(trade, nullptr) << size;
    EXPECT_EQ(trade->fees.has_value(), size >= version2);
    EXPECT_EQ(trade->volume.has_value(), size >= version3);
    EXPECT_EQ(trade->cashback.has_value(), size >= version4);
    EXPECT_EQ(trade->buyback.has_value(), size >= version5);
    EXPECT_EQ(trade->unknown_tail_bytes, size > version5 ? size - version5 : 0);
    EXPECT_EQ(CheckInvariants(*trade), 0u) << size;
  }
}

TEST(PumpEventsTest, InvariantsSayWhichOneBroke) {
  const Bytes full = RecordedEvents(kTrade)[0];
  const TradeEvent good = std::get<TradeEvent>(DecodePumpEvent(full));
  const auto bit = [](TradeInvariant invariant) { return 1u << static_cast<int>(invariant); };
  TradeEvent trade = good;
  ++trade.fees->fee;
  EXPECT_NE(CheckInvariants(trade) & bit(TradeInvariant::kFee), 0u);
  trade = good;
  ++trade.fees->creator_fee;
  EXPECT_EQ(CheckInvariants(trade), bit(TradeInvariant::kCreatorFee));
  trade = good;
  ++trade.buyback->buyback_fee;
  EXPECT_EQ(CheckInvariants(trade), bit(TradeInvariant::kBuybackFee));
  trade = good;
  ++trade.virtual_token_reserves;
  EXPECT_EQ(CheckInvariants(trade), bit(TradeInvariant::kTokenReserves));
  trade = good;
  ++trade.virtual_sol_reserves;
  EXPECT_EQ(CheckInvariants(trade), bit(TradeInvariant::kSolReserves));
  trade.cashback->mayhem_mode = true;
  EXPECT_EQ(CheckInvariants(trade), 0u) << "the mayhem agent moves the virtual SOL";
  trade = good;
  trade.buyback->quote_mint = PubkeyFromConstant("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v");
  ++trade.virtual_sol_reserves;
  EXPECT_EQ(CheckInvariants(trade), 0u) << "another quote has other initial reserves";
  trade = good;
  trade.virtual_sol_reserves = ~uint64_t{0};
  trade.sol_amount = ~uint64_t{0};
  EXPECT_NE(CheckInvariants(trade), 0u);
  for (int i = 0; i < kTradeInvariantCount; ++i) {
    EXPECT_NE(TradeInvariantName(static_cast<TradeInvariant>(i)), "unknown");
  }
}

TEST(PumpEventsTest, CompleteWithAndWithoutQuote) {
  const PumpEvent old_layout = DecodePumpEvent(Counting(kComplete, 104));
  const CompleteEvent& complete = std::get<CompleteEvent>(old_layout);
  EXPECT_EQ(complete.user.bytes[0], 0);
  EXPECT_EQ(complete.mint.bytes[0], 32);
  EXPECT_EQ(complete.bonding_curve.bytes[0], 64);
  EXPECT_EQ(complete.timestamp_s, 0x6766656463626160);
  EXPECT_FALSE(complete.quote_mint);
  EXPECT_EQ(std::get<CompleteEvent>(DecodePumpEvent(Counting(kComplete, 136))).quote_mint->bytes[0], 104);
  EXPECT_TRUE(std::holds_alternative<BadEvent>(DecodePumpEvent(Counting(kComplete, 135))));
  EXPECT_TRUE(std::holds_alternative<BadEvent>(DecodePumpEvent(Counting(kComplete, 103))));
}

TEST(PumpEventsTest, MigrationWithAndWithoutQuote) {
  const MigrationEvent migration = std::get<MigrationEvent>(DecodePumpEvent(Counting(kMigration, 160)));
  EXPECT_EQ(migration.mint.bytes[0], 32);
  EXPECT_EQ(migration.mint_amount, 0x4746454443424140u);
  EXPECT_EQ(migration.sol_amount, 0x4f4e4d4c4b4a4948u);
  EXPECT_EQ(migration.pool_migration_fee, 0x5756555453525150u);
  EXPECT_EQ(migration.bonding_curve.bytes[0], 88);
  EXPECT_EQ(migration.pool.bytes[0], 128);
  EXPECT_FALSE(migration.quote_mint);
  EXPECT_EQ(std::get<MigrationEvent>(DecodePumpEvent(Counting(kMigration, 192))).quote_mint->bytes[0], 160);
  EXPECT_EQ(std::get<MigrationEvent>(DecodePumpEvent(Counting(kMigration, 193))).unknown_tail_bytes, 1u);
  EXPECT_TRUE(std::holds_alternative<BadEvent>(DecodePumpEvent(Counting(kMigration, 159))));
}

TEST(PumpEventsTest, MayhemReserves) {
  const MayhemReservesEvent event = std::get<MayhemReservesEvent>(DecodePumpEvent(Counting(kMayhem, 88)));
  EXPECT_EQ(event.timestamp_s, 0x0706050403020100);
  EXPECT_EQ(event.mint.bytes[0], 8);
  EXPECT_EQ(event.virtual_token_reserves, 0x2f2e2d2c2b2a2928u);
  EXPECT_EQ(event.real_sol_reserves, 0x5756555453525150u);
  EXPECT_TRUE(std::holds_alternative<BadEvent>(DecodePumpEvent(Counting(kMayhem, 87))));
}

TEST(PumpEventsTest, UnknownAndTooShort) {
  const UnknownEvent unknown = std::get<UnknownEvent>(DecodePumpEvent(Counting("\1\2\3\4\5\6\7\x08", 3)));
  EXPECT_EQ(unknown.discriminator, (std::array<uint8_t, 8>{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(std::get<BadEvent>(DecodePumpEvent(Bytes(7))).error, EventError::kNoDiscriminator);
  EXPECT_EQ(std::get<BadEvent>(DecodePumpEvent({})).error, EventError::kNoDiscriminator);
}

TEST(PumpEventsTest, HostileTextsAndBools) {
  Bytes bytes(kCreate.begin(), kCreate.end());
  const auto add_text = [&bytes](const std::string& text) {
    const uint32_t size = static_cast<uint32_t>(text.size());
    for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<uint8_t>(size >> (8 * i)));
    bytes.insert(bytes.end(), text.begin(), text.end());
  };
  add_text("a");
  add_text("");
  add_text("u");
  bytes.resize(bytes.size() + 96);
  const CreateEvent create = std::get<CreateEvent>(DecodePumpEvent(bytes));
  EXPECT_EQ(create.name, "a");
  EXPECT_EQ(create.symbol, "");
  EXPECT_EQ(create.uri, "u");

  bytes = Bytes(kCreate.begin(), kCreate.end());
  add_text("\xff\xfe");
  add_text("");
  add_text("");
  bytes.resize(bytes.size() + 96);
  EXPECT_FALSE(std::get<CreateEvent>(DecodePumpEvent(bytes)).texts_are_utf8);

  bytes = Bytes(kCreate.begin(), kCreate.end());
  add_text(std::string(kMaxEventTextSize + 1, 'x'));
  add_text("");
  add_text("");
  bytes.resize(bytes.size() + 96);
  EXPECT_EQ(std::get<BadEvent>(DecodePumpEvent(bytes)).error, EventError::kTextTooLong);

  bytes = Bytes(kCreate.begin(), kCreate.end());
  bytes.insert(bytes.end(), {0xff, 0xff, 0xff, 0xff, 'x'});
  EXPECT_EQ(std::get<BadEvent>(DecodePumpEvent(bytes)).error, EventError::kCutInGroup);

  bytes = RecordedEvents(kTrade)[0];
  bytes[8 + 48] = 2;  // is_buy
  EXPECT_EQ(std::get<BadEvent>(DecodePumpEvent(bytes)).error, EventError::kBadBool);
  for (EventError error : {EventError::kNoDiscriminator, EventError::kCutInGroup, EventError::kTextTooLong,
                           EventError::kBadBool, EventError::kBadEncoding}) {
    EXPECT_NE(EventErrorName(error), "unknown");
  }
}

}  // namespace
}  // namespace tokenwatch::chain
