#include "detector/pg_store/trade_rows.h"

#include <array>
#include <limits>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tokenwatch::detector {
namespace {

enum Column : size_t {
  kCursor,
  kEventTime,
  kSlot,
  kEventIndex,
  kSide,
  kIsMayhem,
  kLooseTime,
  kChain,
  kTransaction,
  kToken,
  kTrader,
  kVenue,
  kQuoteAddress,
  kFeed,
  kTokenAmount,
  kQuoteAmount,
  kVirtualToken,
  kVirtualQuote,
  kRealToken,
  kRealQuote,
  kProtocolFee,
  kCreatorFee,
  kColumnCount,
};

const std::vector<std::string>& Columns() {
  static const auto* columns = new std::vector<std::string>{"cursor",
                                                            "event_time",
                                                            "slot",
                                                            "event_index",
                                                            "side",
                                                            "is_mayhem",
                                                            "loose_time",
                                                            "chain",
                                                            "transaction",
                                                            "token",
                                                            "trader",
                                                            "venue",
                                                            "quote_address",
                                                            "feed",
                                                            "token_amount",
                                                            "quote_amount",
                                                            "virtual_token_reserve",
                                                            "virtual_quote_reserve",
                                                            "real_token_reserve",
                                                            "real_quote_reserve",
                                                            "protocol_fee",
                                                            "creator_fee"};
  return *columns;
}

void AppendAmount(const chain::Amount& amount, std::string& scratch, common::CopyBuffer& rows) {
  scratch.clear();
  amount.AppendTo(scratch);
  rows.Plain(scratch);
}

absl::Status BadColumn(size_t column) {
  return absl::InternalError(absl::StrCat("a stored trade has a bad \"", Columns()[column], "\""));
}

template <typename Text>
bool ParseInline(absl::string_view field, Text* text) {
  const auto parsed = Text::FromCanonical(field);
  if (!parsed.has_value()) return false;
  *text = *parsed;
  return true;
}

bool ParseWord(absl::string_view field, Word* word) {
  if (field.size() > Word::kMaxSize) return false;
  *word = Word(field);
  return true;
}

bool ParseAmount(absl::string_view field, chain::Amount* amount) {
  const auto parsed = chain::Amount::Parse(field);
  if (!parsed.has_value()) return false;
  *amount = *parsed;
  return true;
}

}  // namespace

const std::vector<std::string>& TradeColumns() { return Columns(); }

const std::string& TradeColumnList() {
  static const auto* list = new std::string(absl::StrJoin(Columns(), ", "));
  return *list;
}

void TradeRowWriter::Append(const Trade& trade, common::CopyBuffer& rows) {
  if (trade.event_time != cached_time_) {
    cached_time_ = trade.event_time;
    cached_text_ = absl::FormatTime("%E4Y-%m-%d %H:%M:%E*S+00", trade.event_time, absl::UTCTimeZone());
  }
  std::string amount;
  rows.Int(static_cast<int64_t>(trade.cursor)).Plain(cached_text_).Int(static_cast<int64_t>(trade.slot));
  trade.event_index.has_value() ? rows.Int(*trade.event_index) : rows.Null();
  rows.Int(static_cast<int>(trade.side)).Bool(trade.is_mayhem).Bool(trade.loose_time);
  rows.Plain(chain::ChainName(trade.chain)).Plain(trade.transaction.text()).Plain(trade.token.text());
  rows.Plain(trade.trader.text()).Plain(trade.venue.text()).Plain(trade.quote.text()).Plain(trade.feed.text());
  AppendAmount(trade.token_amount, amount, rows);
  AppendAmount(trade.quote_amount, amount, rows);
  if (trade.reserves.has_value()) {
    AppendAmount(trade.reserves->virtual_token, amount, rows);
    AppendAmount(trade.reserves->virtual_quote, amount, rows);
    AppendAmount(trade.reserves->real_token, amount, rows);
    AppendAmount(trade.reserves->real_quote, amount, rows);
  } else {
    rows.Null().Null().Null().Null();
  }
  if (trade.fees.has_value()) {
    AppendAmount(trade.fees->protocol, amount, rows);
    AppendAmount(trade.fees->creator, amount, rows);
  } else {
    rows.Null().Null();
  }
  rows.EndRow();
}

absl::Status TradeRowReader::Parse(absl::string_view row, Trade* trade) {
  std::array<absl::string_view, kColumnCount> fields;
  if (!common::SplitCopyRow(row, absl::MakeSpan(fields))) {
    return absl::InternalError("a stored trade has a wrong number of columns");
  }
  int64_t number = 0;
  if (!common::ParseCopyInt(fields[kCursor], &number)) return BadColumn(kCursor);
  trade->cursor = static_cast<uint64_t>(number);
  if (fields[kEventTime] != cached_text_) {
    if (!absl::ParseTime("%Y-%m-%d %H:%M:%E*S%Ez", fields[kEventTime], &cached_time_, nullptr)) {
      return BadColumn(kEventTime);
    }
    cached_text_ = std::string(fields[kEventTime]);
  }
  trade->event_time = cached_time_;
  if (!common::ParseCopyInt(fields[kSlot], &number)) return BadColumn(kSlot);
  trade->slot = static_cast<uint64_t>(number);
  trade->event_index = std::nullopt;
  if (!common::IsCopyNull(fields[kEventIndex])) {
    if (!common::ParseCopyInt(fields[kEventIndex], &number)) return BadColumn(kEventIndex);
    trade->event_index = static_cast<uint32_t>(number);
  }
  trade->side = fields[kSide] == "1" ? Side::kBuy : Side::kSell;
  trade->is_mayhem = fields[kIsMayhem] == "t";
  trade->loose_time = fields[kLooseTime] == "t";
  trade->chain = chain::ParseChain(fields[kChain]);
  if (!ParseInline(fields[kTransaction], &trade->transaction)) return BadColumn(kTransaction);
  if (!ParseInline(fields[kToken], &trade->token)) return BadColumn(kToken);
  if (!ParseInline(fields[kTrader], &trade->trader)) return BadColumn(kTrader);
  if (!ParseWord(fields[kVenue], &trade->venue)) return BadColumn(kVenue);
  if (!ParseInline(fields[kQuoteAddress], &trade->quote)) return BadColumn(kQuoteAddress);
  if (!ParseWord(fields[kFeed], &trade->feed)) return BadColumn(kFeed);
  if (!ParseAmount(fields[kTokenAmount], &trade->token_amount)) return BadColumn(kTokenAmount);
  if (!ParseAmount(fields[kQuoteAmount], &trade->quote_amount)) return BadColumn(kQuoteAmount);
  trade->reserves = std::nullopt;
  if (!common::IsCopyNull(fields[kVirtualToken])) {
    Reserves& reserves = trade->reserves.emplace();
    if (!ParseAmount(fields[kVirtualToken], &reserves.virtual_token)) return BadColumn(kVirtualToken);
    if (!ParseAmount(fields[kVirtualQuote], &reserves.virtual_quote)) return BadColumn(kVirtualQuote);
    if (!ParseAmount(fields[kRealToken], &reserves.real_token)) return BadColumn(kRealToken);
    if (!ParseAmount(fields[kRealQuote], &reserves.real_quote)) return BadColumn(kRealQuote);
  }
  trade->fees = std::nullopt;
  if (!common::IsCopyNull(fields[kProtocolFee])) {
    Fees& fees = trade->fees.emplace();
    if (!ParseAmount(fields[kProtocolFee], &fees.protocol)) return BadColumn(kProtocolFee);
    if (!ParseAmount(fields[kCreatorFee], &fees.creator)) return BadColumn(kCreatorFee);
  }
  return absl::OkStatus();
}

}  // namespace tokenwatch::detector
