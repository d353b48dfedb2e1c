#include "detector/rpc/trade_wire.h"

#include <array>
#include <cstring>

#include "absl/strings/string_view.h"
#include "tokenwatch/detector/v1/detector.pb.h"

namespace tokenwatch::detector {
namespace {

using pb_trade = ::tokenwatch::detector::v1::Trade;
using pb_response = ::tokenwatch::detector::v1::TailTradesResponse;

constexpr uint32_t kVarint = 0;
constexpr uint32_t kBytes = 2;

constexpr size_t kMaxVarint = 10;
// Fields of a trade, each with a tag of at most two bytes, and a number or a text and its length.
constexpr size_t kTexts = 16;
constexpr size_t kNumbers = 8;
constexpr size_t kMaxTradeBytes = kTexts * (2 + 1 + TradeFields::kMaxTextSize) + kNumbers * (2 + kMaxVarint);
static_assert(TradeFields::kMaxTextSize < 0x80, "the length of a text takes one byte");
static_assert(kMaxTradeBytes < 0x4000, "the length of a trade takes two bytes");

char* PutVarint(uint64_t value, char* to) {
  while (value >= 0x80) {
    *to++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<char>(value);
  return to;
}

char* PutTag(int field, uint32_t type, char* to) { return PutVarint(static_cast<uint32_t>(field) << 3 | type, to); }

// Zero is the default and is not written.
char* PutNumber(int field, uint64_t value, char* to) {
  if (value == 0) return to;
  return PutVarint(value, PutTag(field, kVarint, to));
}

char* PutText(int field, absl::string_view text, char* to) {
  if (text.empty()) return to;
  to = PutTag(field, kBytes, to);
  *to++ = static_cast<char>(text.size());
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

char* PutTime(int field, absl::Time time, char* to) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  const int64_t nanos = absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds));
  to = PutTag(field, kBytes, to);
  char* const length = to++;
  to = PutNumber(google::protobuf::Timestamp::kSecondsFieldNumber, static_cast<uint64_t>(seconds), to);
  to = PutNumber(google::protobuf::Timestamp::kNanosFieldNumber, static_cast<uint64_t>(nanos), to);
  *length = static_cast<char>(to - length - 1);
  return to;
}

char* PutTrade(const TradeFields& trade, char* to) {
  to = PutNumber(pb_trade::kCursorFieldNumber, trade.cursor, to);
  to = PutText(pb_trade::kChainFieldNumber, trade.chain, to);
  to = PutText(pb_trade::kTransactionFieldNumber, trade.transaction, to);
  // Presence is tracked, so zero is written.
  if (trade.event_index.has_value()) {
    to = PutVarint(*trade.event_index, PutTag(pb_trade::kEventIndexFieldNumber, kVarint, to));
  }
  to = PutText(pb_trade::kTokenFieldNumber, trade.token, to);
  to = PutText(pb_trade::kTraderFieldNumber, trade.trader, to);
  to = PutNumber(pb_trade::kSideFieldNumber, static_cast<uint64_t>(trade.side), to);
  to = PutText(pb_trade::kVenueFieldNumber, trade.venue, to);
  to = PutText(pb_trade::kQuoteAddressFieldNumber, trade.quote, to);
  to = PutText(pb_trade::kTokenAmountFieldNumber, trade.token_amount, to);
  to = PutText(pb_trade::kQuoteAmountFieldNumber, trade.quote_amount, to);
  to = PutText(pb_trade::kVirtualTokenReserveFieldNumber, trade.virtual_token, to);
  to = PutText(pb_trade::kVirtualQuoteReserveFieldNumber, trade.virtual_quote, to);
  to = PutText(pb_trade::kRealTokenReserveFieldNumber, trade.real_token, to);
  to = PutText(pb_trade::kRealQuoteReserveFieldNumber, trade.real_quote, to);
  to = PutText(pb_trade::kProtocolFeeFieldNumber, trade.protocol_fee, to);
  to = PutText(pb_trade::kCreatorFeeFieldNumber, trade.creator_fee, to);
  to = PutNumber(pb_trade::kSlotFieldNumber, trade.slot, to);
  to = PutTime(pb_trade::kEventTimeFieldNumber, trade.event_time, to);
  to = PutText(pb_trade::kFeedFieldNumber, trade.feed, to);
  return PutNumber(pb_trade::kIsMayhemFieldNumber, trade.is_mayhem ? 1 : 0, to);
}

}  // namespace

void AppendTradeField(const TradeFields& trade, std::string& out) {
  std::array<char, kMaxTradeBytes + 3> bytes;
  char* const begin = PutTag(pb_response::kTradesFieldNumber, kBytes, bytes.data());
  char* const end = PutTrade(trade, begin + 2);
  // The length may be padded to two bytes with a continuation bit; every parser takes it.
  const size_t length = static_cast<size_t>(end - begin) - 2;
  begin[0] = static_cast<char>(length | 0x80);
  begin[1] = static_cast<char>(length >> 7);
  out.append(bytes.data(), static_cast<size_t>(end - bytes.data()));
}

void AppendCursorField(uint64_t cursor, std::string& out) {
  std::array<char, 2 + kMaxVarint> bytes;
  const char* const end = PutNumber(pb_response::kCursorFieldNumber, cursor, bytes.data());
  out.append(bytes.data(), static_cast<size_t>(end - bytes.data()));
}

}  // namespace tokenwatch::detector
