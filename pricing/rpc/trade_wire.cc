#include "pricing/rpc/trade_wire.h"

#include <cstdint>
#include <optional>

#include "google/protobuf/timestamp.pb.h"
#include "tokenwatch/detector/v1/detector.pb.h"

namespace tokenwatch::pricing {
namespace {

using PbResponse = ::tokenwatch::detector::v1::TailTradesResponse;
using PbTrade = ::tokenwatch::detector::v1::Trade;
namespace pb = ::tokenwatch::detector::v1;

enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// The fields of one message, one after the other.
class Fields {
 public:
  explicit Fields(absl::string_view message) : next_(message.data()), end_(message.data() + message.size()) {}

  // The next field: its number, and what it holds in `number` or `bytes`, by its type. False at the end, and when the
  // bytes are damaged: then ok() is false.
  bool Next() {
    if (next_ == end_) return false;
    const uint64_t tag = ReadVarint();
    field = static_cast<int>(tag >> 3);
    type = static_cast<uint32_t>(tag & 7);
    switch (type) {
      case kVarint:
        number = ReadVarint();
        break;
      case kBytes:
        bytes = Take(ReadVarint());
        break;
      case kFixed64:
        Take(8);
        break;
      case kFixed32:
        Take(4);
        break;
      default:
        ok_ = false;
    }
    // Field numbers have 29 bits, and none is 0.
    return ok_ = ok_ && tag >> 3 != 0 && tag >> 32 == 0;
  }
  bool ok() const { return ok_; }

  int field = 0;
  uint32_t type = kVarint;
  uint64_t number = 0;
  absl::string_view bytes;

 private:
  uint64_t ReadVarint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && next_ != end_; shift += 7) {
      const auto byte = static_cast<uint8_t>(*next_++);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  absl::string_view Take(uint64_t size) {
    if (size > static_cast<uint64_t>(end_ - next_)) {
      ok_ = false;
      return {};
    }
    const absl::string_view taken(next_, static_cast<size_t>(size));
    next_ += size;
    return taken;
  }

  const char* next_;
  const char* const end_;
  bool ok_ = true;
};

// A field whose text is no value of its type makes the whole trade unreadable.
template <typename Text>
bool Put(absl::string_view bytes, Text& text) {
  const auto parsed = Text::FromCanonical(bytes);
  if (parsed.has_value()) text = *parsed;
  return parsed.has_value();
}

bool Put(absl::string_view bytes, Word& word) {
  if (bytes.size() > Word::kMaxSize) return false;
  word = Word(bytes);
  return true;
}

bool Put(absl::string_view bytes, std::optional<chain::Amount>& amount) {
  if (bytes.empty()) return true;
  amount = chain::Amount::Parse(bytes);
  return amount.has_value();
}

bool PutTime(absl::string_view bytes, absl::Time& time) {
  int64_t seconds = 0;
  int64_t nanos = 0;
  Fields fields(bytes);
  while (fields.Next()) {
    if (fields.type != kVarint) continue;
    if (fields.field == google::protobuf::Timestamp::kSecondsFieldNumber) seconds = static_cast<int64_t>(fields.number);
    if (fields.field == google::protobuf::Timestamp::kNanosFieldNumber) nanos = static_cast<int32_t>(fields.number);
  }
  time = absl::FromUnixSeconds(seconds) + absl::Nanoseconds(nanos);
  return fields.ok();
}

// What of a trade is not a field of pricing's.
struct Rest {
  std::optional<chain::Amount> token_amount;
  std::optional<chain::Amount> quote_amount;
  std::optional<chain::Amount> token_reserve;
  std::optional<chain::Amount> quote_reserve;
  uint64_t side = 0;
  bool has_time = false;
};

bool PutText(int field, absl::string_view bytes, Trade& trade, Rest& rest) {
  switch (field) {
    case PbTrade::kChainFieldNumber:
      trade.token.chain = chain::ParseChain(bytes);
      return trade.token.chain != chain::Chain::kUnknown;
    case PbTrade::kTransactionFieldNumber:
      return Put(bytes, trade.transaction);
    case PbTrade::kTokenFieldNumber:
      return Put(bytes, trade.token.address);
    case PbTrade::kTraderFieldNumber:
      return Put(bytes, trade.trader);
    case PbTrade::kVenueFieldNumber:
      return Put(bytes, trade.venue);
    case PbTrade::kQuoteAddressFieldNumber:
      return Put(bytes, trade.quote);
    case PbTrade::kTokenAmountFieldNumber:
      return Put(bytes, rest.token_amount);
    case PbTrade::kQuoteAmountFieldNumber:
      return Put(bytes, rest.quote_amount);
    case PbTrade::kVirtualTokenReserveFieldNumber:
      return Put(bytes, rest.token_reserve);
    case PbTrade::kVirtualQuoteReserveFieldNumber:
      return Put(bytes, rest.quote_reserve);
    case PbTrade::kRealQuoteReserveFieldNumber:
      return Put(bytes, trade.pool_quote);
    case PbTrade::kEventTimeFieldNumber:
      rest.has_time = true;
      return PutTime(bytes, trade.event_time);
    default:
      return true;
  }
}

// False when the bytes are damaged; `*readable` whether the trade makes sense.
bool ReadTrade(absl::string_view bytes, Trade& trade, bool* readable) {
  Rest rest;
  bool good = true;
  Fields fields(bytes);
  while (fields.Next()) {
    if (fields.type == kBytes) {
      good = PutText(fields.field, fields.bytes, trade, rest) && good;
    } else if (fields.type == kVarint) {
      if (fields.field == PbTrade::kCursorFieldNumber) trade.cursor = fields.number;
      if (fields.field == PbTrade::kSideFieldNumber) rest.side = fields.number;
      if (fields.field == PbTrade::kIsMayhemFieldNumber) trade.is_mayhem = fields.number != 0;
    }
  }
  if (!fields.ok()) return false;
  trade.is_buy = rest.side == pb::TRADE_SIDE_BUY;
  *readable = good && trade.cursor != 0 && trade.token.chain != chain::Chain::kUnknown &&
              !trade.token.address.empty() && !trade.quote.empty() && rest.has_time && rest.token_amount.has_value() &&
              rest.quote_amount.has_value() && (trade.is_buy || rest.side == pb::TRADE_SIDE_SELL) &&
              rest.token_reserve.has_value() == rest.quote_reserve.has_value();
  if (!*readable) return true;
  trade.token_amount = *rest.token_amount;
  trade.quote_amount = *rest.quote_amount;
  if (rest.token_reserve.has_value()) trade.reserves = Reserves{*rest.token_reserve, *rest.quote_reserve};
  return true;
}

}  // namespace

bool ReadTradesMessage(absl::string_view bytes, TradeBatch* batch) {
  Fields fields(bytes);
  while (fields.Next()) {
    if (fields.field == PbResponse::kCursorFieldNumber && fields.type == kVarint) {
      batch->cursor = fields.number;
    } else if (fields.field == PbResponse::kTradesFieldNumber && fields.type == kBytes) {
      bool readable = false;
      if (!ReadTrade(fields.bytes, batch->trades.emplace_back(), &readable)) {
        batch->trades.pop_back();
        return false;
      }
      if (!readable) {
        batch->trades.pop_back();
        ++batch->unreadable;
      }
    }
  }
  return fields.ok();
}

}  // namespace tokenwatch::pricing
