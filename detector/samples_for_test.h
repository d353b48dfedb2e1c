// Values for tests: addresses, trades and launches told apart by small numbers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "chain/address.h"
#include "detector/feed_event.h"
#include "detector/log/draft.h"
#include "detector/token.h"
#include "detector/trade.h"
#include "detector/trade_fields.h"

namespace tokenwatch::detector {

template <size_t kBytes>
std::array<uint8_t, kBytes> BytesOf(uint64_t number) {
  std::array<uint8_t, kBytes> bytes{};
  bytes[0] = 1;
  for (size_t i = 0; i < 8; ++i) bytes[kBytes - 1 - i] = static_cast<uint8_t>(number >> (8 * i));
  return bytes;
}

inline chain::Address SampleAddress(uint64_t number) { return chain::Address::FromSolanaBytes(BytesOf<32>(number)); }
inline chain::TransactionId SampleTransaction(uint64_t number) {
  return chain::TransactionId::FromSolanaBytes(BytesOf<64>(number));
}
inline chain::TokenRef SampleToken(uint64_t number) { return {chain::Chain::kSolana, SampleAddress(number)}; }

// Seconds after a fixed moment of 2026-07-03, early in its UTC day.
inline absl::Time SampleTime(int64_t seconds) { return absl::FromUnixSeconds(1'783'040'400 + seconds); }

inline constexpr char kEvmAddress[] = "0x00112233445566778899aabbccddeeff00112233";
inline constexpr char kEvmTransaction[] = "0x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
// 2^256 - 1.
inline constexpr char kLargestAmount[] =
    "115792089237316195423570985008687907853269984665640564039457584007913129639935";

// A trade with an event index, as the chain's own feed tells it.
inline Trade SampleTrade(uint64_t transaction, uint32_t event_index, uint64_t token = 1, int64_t seconds = 0) {
  Trade trade;
  trade.chain = chain::Chain::kSolana;
  trade.transaction = SampleTransaction(transaction);
  trade.event_index = event_index;
  trade.token = SampleAddress(token);
  trade.trader = SampleAddress(900);
  trade.venue = Word("pump");
  trade.quote = SampleAddress(901);
  trade.token_amount = 1'000'000 + event_index;
  trade.quote_amount = 2'000'000;
  trade.slot = 7;
  trade.event_time = SampleTime(seconds);
  trade.feed = Word("solana");
  return trade;
}

// The same as a feed tells it that has neither an index nor the chain's time.
inline Trade WithoutIndex(Trade trade, absl::Duration clock_difference = absl::Seconds(2)) {
  trade.event_index = std::nullopt;
  trade.loose_time = true;
  trade.event_time += clock_difference;
  trade.slot = 0;
  trade.feed = Word("pumpportal");
  return trade;
}

inline Trade ToTrade(const TradeFields& fields) {
  const auto amount = [](absl::string_view digits) { return chain::Amount::Parse(digits).value(); };
  Trade trade;
  trade.cursor = fields.cursor;
  trade.chain = chain::ParseChain(fields.chain);
  trade.transaction = chain::TransactionId::FromCanonical(fields.transaction).value();
  trade.event_index = fields.event_index;
  trade.token = chain::Address::FromCanonical(fields.token).value();
  trade.trader = chain::Address::FromCanonical(fields.trader).value();
  trade.side = fields.side;
  trade.venue = Word(fields.venue);
  trade.quote = chain::Address::FromCanonical(fields.quote).value();
  trade.token_amount = amount(fields.token_amount);
  trade.quote_amount = amount(fields.quote_amount);
  if (!fields.virtual_token.empty()) {
    trade.reserves = Reserves{amount(fields.virtual_token), amount(fields.virtual_quote), amount(fields.real_token),
                              amount(fields.real_quote)};
  }
  if (!fields.protocol_fee.empty()) trade.fees = Fees{amount(fields.protocol_fee), amount(fields.creator_fee)};
  trade.slot = fields.slot;
  trade.event_time = fields.event_time;
  trade.loose_time = fields.loose_time;
  trade.feed = Word(fields.feed);
  trade.is_mayhem = fields.is_mayhem;
  return trade;
}

// A launch as a feed tells it that only heard of it: without slot.
inline LaunchSeen SampleLaunch(uint64_t token, absl::string_view name, int64_t seconds = 0) {
  LaunchSeen launch;
  launch.ref = SampleToken(token);
  launch.name = std::string(name);
  launch.symbol = "SYM";
  launch.transaction = SampleTransaction(5000 + token);
  launch.event_time = SampleTime(seconds);
  return launch;
}

// One piece of intake of a feed.
template <typename... Events>
Intake SampleIntake(absl::string_view feed, Events... events) {
  Intake intake;
  intake.batch.feed = Word(feed);
  intake.batch.received_at = SampleTime(100);
  intake.batch.arrived_at = SampleTime(100);
  (intake.batch.events.push_back(FeedEvent(std::move(events))), ...);
  return intake;
}

}  // namespace tokenwatch::detector
