#include "detector/rpc/trade_wire.h"

#include "absl/strings/string_view.h"
#include "tokenwatch/detector/v1/detector.pb.h"

namespace tokenwatch::detector {
namespace {

using pb_trade = ::tokenwatch::detector::v1::Trade;
using pb_response = ::tokenwatch::detector::v1::TailTradesResponse;

constexpr uint32_t kVarint = 0;
constexpr uint32_t kBytes = 2;

void AppendVarint(uint64_t value, std::string& out) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void AppendTag(int field, uint32_t type, std::string& out) {
  AppendVarint(static_cast<uint32_t>(field) << 3 | type, out);
}

// Zero is the default and is not written.
void AppendNumber(int field, uint64_t value, std::string& out) {
  if (value == 0) return;
  AppendTag(field, kVarint, out);
  AppendVarint(value, out);
}

void AppendText(int field, absl::string_view text, std::string& out) {
  if (text.empty()) return;
  AppendTag(field, kBytes, out);
  AppendVarint(text.size(), out);
  out.append(text.data(), text.size());
}

// Reserves the one length byte of a field that is shorter than 128 bytes, writes it, and fills the length in.
template <typename Write>
void AppendShort(int field, std::string& out, Write write) {
  AppendTag(field, kBytes, out);
  const size_t length_at = out.size();
  out.push_back('\0');
  write();
  out[length_at] = static_cast<char>(out.size() - length_at - 1);
}

void AppendAmount(int field, const chain::Amount& amount, std::string& out) {
  AppendShort(field, out, [&] { amount.AppendTo(out); });
}

void AppendTrade(const Trade& trade, std::string& out) {
  AppendNumber(pb_trade::kCursorFieldNumber, trade.cursor, out);
  AppendText(pb_trade::kChainFieldNumber, chain::ChainName(trade.chain), out);
  AppendText(pb_trade::kTransactionFieldNumber, trade.transaction.text(), out);
  if (trade.event_index.has_value()) {
    // Presence is tracked, so zero is written.
    AppendTag(pb_trade::kEventIndexFieldNumber, kVarint, out);
    AppendVarint(*trade.event_index, out);
  }
  AppendText(pb_trade::kTokenFieldNumber, trade.token.text(), out);
  AppendText(pb_trade::kTraderFieldNumber, trade.trader.text(), out);
  AppendNumber(pb_trade::kSideFieldNumber, static_cast<uint64_t>(trade.side), out);
  AppendText(pb_trade::kVenueFieldNumber, trade.venue.text(), out);
  AppendText(pb_trade::kQuoteAddressFieldNumber, trade.quote.text(), out);
  AppendAmount(pb_trade::kTokenAmountFieldNumber, trade.token_amount, out);
  AppendAmount(pb_trade::kQuoteAmountFieldNumber, trade.quote_amount, out);
  if (trade.reserves.has_value()) {
    AppendAmount(pb_trade::kVirtualTokenReserveFieldNumber, trade.reserves->virtual_token, out);
    AppendAmount(pb_trade::kVirtualQuoteReserveFieldNumber, trade.reserves->virtual_quote, out);
    AppendAmount(pb_trade::kRealTokenReserveFieldNumber, trade.reserves->real_token, out);
    AppendAmount(pb_trade::kRealQuoteReserveFieldNumber, trade.reserves->real_quote, out);
  }
  if (trade.fees.has_value()) {
    AppendAmount(pb_trade::kProtocolFeeFieldNumber, trade.fees->protocol, out);
    AppendAmount(pb_trade::kCreatorFeeFieldNumber, trade.fees->creator, out);
  }
  AppendNumber(pb_trade::kSlotFieldNumber, trade.slot, out);
  const int64_t seconds = absl::ToUnixSeconds(trade.event_time);
  const int64_t nanos = absl::ToInt64Nanoseconds(trade.event_time - absl::FromUnixSeconds(seconds));
  AppendShort(pb_trade::kEventTimeFieldNumber, out, [&] {
    AppendNumber(google::protobuf::Timestamp::kSecondsFieldNumber, static_cast<uint64_t>(seconds), out);
    AppendNumber(google::protobuf::Timestamp::kNanosFieldNumber, static_cast<uint64_t>(nanos), out);
  });
  AppendText(pb_trade::kFeedFieldNumber, trade.feed.text(), out);
  AppendNumber(pb_trade::kIsMayhemFieldNumber, trade.is_mayhem ? 1 : 0, out);
}

}  // namespace

void AppendTradeField(const Trade& trade, std::string& out) {
  AppendTag(pb_response::kTradesFieldNumber, kBytes, out);
  // A trade takes 128 to 16,383 bytes nearly always: two bytes of length.
  const size_t length_at = out.size();
  out.append(2, '\0');
  AppendTrade(trade, out);
  const size_t length = out.size() - length_at - 2;
  // A varint may be padded to two bytes with a continuation bit; every parser takes it.
  out[length_at] = static_cast<char>(length | 0x80);
  out[length_at + 1] = static_cast<char>(length >> 7);
}

void AppendCursorField(uint64_t cursor, std::string& out) {
  AppendNumber(pb_response::kCursorFieldNumber, cursor, out);
}

}  // namespace tokenwatch::detector
