#include "detector/rpc/trade_wire.h"

#include <array>
#include <cstring>

#include "absl/strings/string_view.h"
#include "tokenwatch/detector/v1/detector.pb.h"

namespace tokenwatch::detector {
namespace {

using PbTrade = ::tokenwatch::detector::v1::Trade;
using PbResponse = ::tokenwatch::detector::v1::TailTradesResponse;

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
  to = PutNumber(PbTrade::kCursorFieldNumber, trade.cursor, to);
  to = PutText(PbTrade::kChainFieldNumber, trade.chain, to);
  to = PutText(PbTrade::kTransactionFieldNumber, trade.transaction, to);
  // Presence is tracked, so zero is written.
  if (trade.event_index.has_value()) {
    to = PutVarint(*trade.event_index, PutTag(PbTrade::kEventIndexFieldNumber, kVarint, to));
  }
  to = PutText(PbTrade::kTokenFieldNumber, trade.token, to);
  to = PutText(PbTrade::kTraderFieldNumber, trade.trader, to);
  to = PutNumber(PbTrade::kSideFieldNumber, static_cast<uint64_t>(trade.side), to);
  to = PutText(PbTrade::kVenueFieldNumber, trade.venue, to);
  to = PutText(PbTrade::kQuoteAddressFieldNumber, trade.quote, to);
  to = PutText(PbTrade::kTokenAmountFieldNumber, trade.token_amount, to);
  to = PutText(PbTrade::kQuoteAmountFieldNumber, trade.quote_amount, to);
  to = PutText(PbTrade::kVirtualTokenReserveFieldNumber, trade.virtual_token, to);
  to = PutText(PbTrade::kVirtualQuoteReserveFieldNumber, trade.virtual_quote, to);
  to = PutText(PbTrade::kRealTokenReserveFieldNumber, trade.real_token, to);
  to = PutText(PbTrade::kRealQuoteReserveFieldNumber, trade.real_quote, to);
  to = PutText(PbTrade::kProtocolFeeFieldNumber, trade.protocol_fee, to);
  to = PutText(PbTrade::kCreatorFeeFieldNumber, trade.creator_fee, to);
  to = PutNumber(PbTrade::kSlotFieldNumber, trade.slot, to);
  to = PutTime(PbTrade::kEventTimeFieldNumber, trade.event_time, to);
  to = PutText(PbTrade::kFeedFieldNumber, trade.feed, to);
  return PutNumber(PbTrade::kIsMayhemFieldNumber, trade.is_mayhem ? 1 : 0, to);
}

}  // namespace

void AppendTradeField(const TradeFields& trade, std::string& out) {
  std::array<char, kMaxTradeBytes + 3> bytes;
  char* const begin = PutTag(PbResponse::kTradesFieldNumber, kBytes, bytes.data());
  char* const end = PutTrade(trade, begin + 2);
  // The length may be padded to two bytes with a continuation bit; every parser takes it.
  const size_t length = static_cast<size_t>(end - begin) - 2;
  begin[0] = static_cast<char>(length | 0x80);
  begin[1] = static_cast<char>(length >> 7);
  out.append(bytes.data(), static_cast<size_t>(end - bytes.data()));
}

void AppendCursorField(uint64_t cursor, std::string& out) {
  std::array<char, 2 + kMaxVarint> bytes;
  const char* const end = PutNumber(PbResponse::kCursorFieldNumber, cursor, bytes.data());
  out.append(bytes.data(), static_cast<size_t>(end - bytes.data()));
}

}  // namespace tokenwatch::detector
