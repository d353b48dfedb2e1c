// Trades as the detector sends them, for tests and benchmarks: the same number gives the same trade.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "chain/address.h"
#include "tokenwatch/detector/v1/detector.pb.h"

namespace tokenwatch::pricing {

inline std::string SampleKeyText(uint64_t number) {
  std::array<uint8_t, 32> bytes{};
  for (size_t i = 0; i < 32; ++i) bytes[i] = static_cast<uint8_t>((number + 1) * (i + 131) >> (i % 8));
  return std::string(chain::Address::FromSolanaBytes(bytes).text());
}

inline detector::v1::Trade SampleWireTrade(uint64_t cursor) {
  std::array<uint8_t, 64> signature{};
  for (size_t i = 0; i < 64; ++i) signature[i] = static_cast<uint8_t>((cursor + 3) * (i + 77) >> (i % 8));
  detector::v1::Trade trade;
  trade.set_cursor(cursor);
  trade.set_chain("solana");
  trade.set_transaction(std::string(chain::TransactionId::FromSolanaBytes(signature).text()));
  trade.set_event_index(static_cast<uint32_t>(cursor % 3));
  trade.set_token(SampleKeyText(cursor % 500));
  trade.set_trader(SampleKeyText(1000 + cursor % 5000));
  trade.set_side(cursor % 2 == 0 ? detector::v1::TRADE_SIDE_BUY : detector::v1::TRADE_SIDE_SELL);
  trade.set_venue("pump");
  trade.set_quote_address("So11111111111111111111111111111111111111112");
  trade.set_token_amount(absl::StrCat(1'000'000'000 + cursor));
  trade.set_quote_amount(absl::StrCat(30'000'000 + cursor));
  trade.set_virtual_token_reserve(absl::StrCat(1'073'000'000'000'000 - cursor));
  trade.set_virtual_quote_reserve(absl::StrCat(30'000'000'000 + cursor));
  trade.set_real_token_reserve(absl::StrCat(793'100'000'000'000 - cursor));
  trade.set_real_quote_reserve(absl::StrCat(cursor));
  trade.set_protocol_fee("950");
  trade.set_creator_fee("300");
  trade.set_slot(300'000'000 + cursor);
  trade.mutable_event_time()->set_seconds(1'783'000'000 + static_cast<int64_t>(cursor / 10));
  trade.mutable_event_time()->set_nanos(123'456'000);
  trade.set_feed("solana");
  trade.set_is_mayhem(cursor % 7 == 0);
  return trade;
}

}  // namespace tokenwatch::pricing
