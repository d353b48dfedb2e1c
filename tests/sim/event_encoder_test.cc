// Encoders against recorded bytes and against the decoders, for every layout version.
#include "tests/sim/event_encoder.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/types/span.h"
#include "chain/solana/pumpfun_events.h"

namespace tokenwatch::sim {
namespace {

// A sell of transaction 5ZSwbesmn1so..., recorded from logsSubscribe in 2026-07.
// clang-format off
constexpr char kRecordedSell[] =
    "vdt/007mYe6n+h+S8NIspAMeYvLwbPE3C/ZiddOePWDhayaUL8x3/9+ysD8AAAAALhUZ6zMXAAAAUDfluen2JcGdF7Asek+jJYFT"
    "PjzSKrbcp884XUYg4fir8EhqAAAAAJMN/WwIAAAADCnqVgIpAwCTYdlwAQAAAAyR1wpxKgIA16qPsGDYKRtMTUddr/diyWvcDazr"
    "NsAS6tEu06lIQWFfAAAAAAAAAAflmgAAAAAAeF3DLmWeHLrri2HQIF4AF1a24npc8CrgT1b2UxpkJ0oeAAAAAAAAAAPqMAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAHNlbGwAAAAAAAAAAAAAAAAAAAAAAIgTAAAAAAAAg3JNAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADfsrA/AAAAAJMN/WwIAAAAk2HZcAEAAAA=";
// clang-format on

absl::Span<const uint8_t> BytesOf(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

chain::Pubkey KeyOf(uint8_t first) {
  chain::Pubkey key;
  for (size_t i = 0; i < key.bytes.size(); ++i) key.bytes[i] = static_cast<uint8_t>(first + i);
  return key;
}

TEST(EventEncoderTest, ReencodesARecordedTradeToTheByte) {
  std::string recorded;
  ASSERT_TRUE(absl::Base64Unescape(kRecordedSell, &recorded));
  const chain::PumpEvent decoded = chain::DecodePumpEvent(BytesOf(recorded));
  ASSERT_TRUE(std::holds_alternative<chain::TradeEvent>(decoded));
  std::string encoded;
  EncodeEvent(std::get<chain::TradeEvent>(decoded), &encoded);
  EXPECT_EQ(absl::BytesToHexString(encoded), absl::BytesToHexString(recorded));
  std::string text;
  AppendBase64(encoded, &text);
  EXPECT_EQ(text, kRecordedSell);
}

TEST(EventEncoderTest, OlderTradeLayoutsDecodeWithoutTheLaterGroups) {
  chain::TradeEvent event;
  event.mint = KeyOf(1);
  event.sol_amount = 5;
  event.user = KeyOf(2);
  std::string encoded;
  EncodeEvent(event, &encoded);
  EXPECT_EQ(encoded.size(), 129u);
  event.fees.emplace();
  event.volume.emplace().instruction_name = "sell";
  EncodeEvent(event, &encoded);
  const chain::PumpEvent decoded = chain::DecodePumpEvent(BytesOf(encoded));
  ASSERT_TRUE(std::holds_alternative<chain::TradeEvent>(decoded));
  const auto& trade = std::get<chain::TradeEvent>(decoded);
  EXPECT_EQ(trade.volume->instruction_name, "sell");
  EXPECT_FALSE(trade.cashback.has_value());
  EXPECT_EQ(trade.unknown_tail_bytes, 0u);
}

TEST(EventEncoderTest, CreateTailIsAsLongAsRecorded) {
  chain::CreateEvent event;
  event.name = "n";
  event.mint = KeyOf(3);
  event.reserves.emplace().creator = KeyOf(4);
  std::string without_modes;
  EncodeEvent(event, &without_modes);
  event.modes.emplace().is_mayhem_mode = true;
  std::string encoded;
  EncodeEvent(event, &encoded);
  EXPECT_EQ(encoded.size() - without_modes.size(), 74u);
  const chain::PumpEvent decoded = chain::DecodePumpEvent(BytesOf(encoded));
  ASSERT_TRUE(std::holds_alternative<chain::CreateEvent>(decoded));
  const auto& create = std::get<chain::CreateEvent>(decoded);
  EXPECT_EQ(create.mint, KeyOf(3));
  EXPECT_EQ(create.reserves->creator, KeyOf(4));
  EXPECT_TRUE(create.modes->is_mayhem_mode);
}

TEST(EventEncoderTest, OtherEventsRoundTrip) {
  std::string encoded;
  chain::CompleteEvent complete;
  complete.user = KeyOf(1);
  complete.mint = KeyOf(2);
  complete.bonding_curve = KeyOf(3);
  complete.timestamp_s = 1'783'165'101;
  complete.quote_mint = KeyOf(9);
  EncodeEvent(complete, &encoded);
  const chain::PumpEvent complete_again = chain::DecodePumpEvent(BytesOf(encoded));
  ASSERT_TRUE(std::holds_alternative<chain::CompleteEvent>(complete_again));
  EXPECT_EQ(std::get<chain::CompleteEvent>(complete_again).bonding_curve, KeyOf(3));
  EXPECT_EQ(std::get<chain::CompleteEvent>(complete_again).quote_mint, KeyOf(9));

  chain::MigrationEvent migration;
  migration.mint_amount = 206'900'000'000'000;
  migration.pool_migration_fee = 15'000'001;
  migration.pool = KeyOf(4);
  migration.quote_mint = KeyOf(5);
  EncodeEvent(migration, &encoded);
  const chain::PumpEvent migration_again = chain::DecodePumpEvent(BytesOf(encoded));
  ASSERT_TRUE(std::holds_alternative<chain::MigrationEvent>(migration_again));
  EXPECT_EQ(std::get<chain::MigrationEvent>(migration_again).pool, KeyOf(4));
  EXPECT_EQ(std::get<chain::MigrationEvent>(migration_again).pool_migration_fee, 15'000'001u);

  chain::MayhemReservesEvent rewrite;
  rewrite.mint = KeyOf(6);
  rewrite.new_virtual_sol_reserves = 31;
  rewrite.real_sol_reserves = 7;
  EncodeEvent(rewrite, &encoded);
  const chain::PumpEvent rewrite_again = chain::DecodePumpEvent(BytesOf(encoded));
  ASSERT_TRUE(std::holds_alternative<chain::MayhemReservesEvent>(rewrite_again));
  EXPECT_EQ(std::get<chain::MayhemReservesEvent>(rewrite_again).new_virtual_sol_reserves, 31u);
  EXPECT_EQ(std::get<chain::MayhemReservesEvent>(rewrite_again).real_sol_reserves, 7u);
}

TEST(EventEncoderTest, Base64OfEveryLength) {
  for (size_t size = 0; size < 10; ++size) {
    const std::string bytes = std::string("\0\xff\x80 abcdefg", 11).substr(0, size);
    std::string text;
    AppendBase64(bytes, &text);
    EXPECT_EQ(text, absl::Base64Escape(bytes));
  }
}

}  // namespace
}  // namespace tokenwatch::sim
