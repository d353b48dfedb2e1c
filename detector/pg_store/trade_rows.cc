#include "detector/pg_store/trade_rows.h"

#include <array>
#include <optional>

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

constexpr Column kIdentityColumns[] = {kEventTime, kEventIndex, kSide, kLooseTime, kTransaction, kToken, kTokenAmount};

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

void AppendAmount(const chain::Amount& amount, common::CopyBuffer& rows) {
  amount.FitsUint64() ? rows.Numeric(amount.Uint64Value()) : rows.Numeric(amount.ToString());
}

absl::Status BadColumn(size_t column) {
  return absl::InternalError(absl::StrCat("a stored trade has a bad \"", Columns()[column], "\""));
}

// Fields of one row, checked one by one; the first that is bad is remembered.
class Fields {
 public:
  Fields(absl::Span<const absl::string_view> fields, AmountTexts& amounts) : fields_(fields), amounts_(amounts) {}

  bool IsNull(Column column) const { return common::IsCopyNull(fields_[column]); }
  absl::string_view Text(Column column) {
    const absl::string_view field = fields_[column];
    Check(!IsNull(column) && field.size() <= TradeFields::kMaxTextSize, column);
    return field;
  }
  int64_t Number(Column column) {
    int64_t number = 0;
    Check(common::ParseCopyInt(fields_[column], &number), column);
    return number;
  }
  bool Flag(Column column) {
    bool flag = false;
    Check(common::ParseCopyBool(fields_[column], &flag), column);
    return flag;
  }
  absl::Time Time(Column column) {
    absl::Time time;
    Check(common::ParseCopyTime(fields_[column], &time), column);
    return time;
  }
  Side TradeSide() { return Number(kSide) == static_cast<int64_t>(Side::kBuy) ? Side::kBuy : Side::kSell; }
  std::optional<uint32_t> EventIndex() {
    if (IsNull(kEventIndex)) return std::nullopt;
    return static_cast<uint32_t>(Number(kEventIndex));
  }
  absl::string_view Amount(Column column) {
    // An amount has eight bytes of header and at most twenty digits to the base of 10,000.
    constexpr size_t kMaxFieldSize = 8 + 2 * ((chain::Amount::kMaxDigits + 3) / 4);
    bool good = fields_[column].size() <= kMaxFieldSize;
    const absl::string_view digits = amounts_.Add([&](std::string& out) {
      const size_t begin = out.size();
      good = good && common::AppendCopyNumeric(fields_[column], &out) && out[begin] != '-' &&
             out.size() - begin <= chain::Amount::kMaxDigits;
      if (!good) out.resize(begin);
    });
    Check(good, column);
    return digits;
  }
  std::optional<Column> bad() const { return bad_; }

 private:
  void Check(bool good, Column column) {
    if (!good && !bad_.has_value()) bad_ = column;
  }

  const absl::Span<const absl::string_view> fields_;
  AmountTexts& amounts_;
  std::optional<Column> bad_;
};

}  // namespace

const std::vector<std::string>& TradeColumns() { return Columns(); }

const std::string& TradeColumnList() {
  static const auto* list = new std::string(absl::StrJoin(Columns(), ", "));
  return *list;
}

void AppendTradeRow(const Trade& trade, common::CopyBuffer& rows) {
  rows.BeginRow(kColumnCount);
  rows.Int8(static_cast<int64_t>(trade.cursor)).Time(trade.event_time).Int8(static_cast<int64_t>(trade.slot));
  trade.event_index.has_value() ? rows.Int4(static_cast<int32_t>(*trade.event_index)) : rows.Null();
  rows.Int2(static_cast<int16_t>(trade.side)).Bool(trade.is_mayhem).Bool(trade.loose_time);
  rows.Text(chain::ChainName(trade.chain)).Text(trade.transaction.text()).Text(trade.token.text());
  rows.Text(trade.trader.text()).Text(trade.venue.text()).Text(trade.quote.text()).Text(trade.feed.text());
  AppendAmount(trade.token_amount, rows);
  AppendAmount(trade.quote_amount, rows);
  if (trade.reserves.has_value()) {
    AppendAmount(trade.reserves->virtual_token, rows);
    AppendAmount(trade.reserves->virtual_quote, rows);
    AppendAmount(trade.reserves->real_token, rows);
    AppendAmount(trade.reserves->real_quote, rows);
  } else {
    rows.Null().Null().Null().Null();
  }
  if (trade.fees.has_value()) {
    AppendAmount(trade.fees->protocol, rows);
    AppendAmount(trade.fees->creator, rows);
  } else {
    rows.Null().Null();
  }
}

absl::Status TradeRowReader::Parse(absl::string_view row, TradeFields* trade) {
  std::array<absl::string_view, kColumnCount> columns;
  if (!common::SplitCopyRow(row, absl::MakeSpan(columns))) {
    return absl::InternalError("a stored trade has a wrong number of columns");
  }
  amounts_.Clear();
  Fields fields(columns, amounts_);
  trade->cursor = static_cast<uint64_t>(fields.Number(kCursor));
  trade->event_time = fields.Time(kEventTime);
  trade->slot = static_cast<uint64_t>(fields.Number(kSlot));
  trade->event_index = fields.EventIndex();
  trade->side = fields.TradeSide();
  trade->is_mayhem = fields.Flag(kIsMayhem);
  trade->loose_time = fields.Flag(kLooseTime);
  trade->chain = fields.Text(kChain);
  trade->transaction = fields.Text(kTransaction);
  trade->token = fields.Text(kToken);
  trade->trader = fields.Text(kTrader);
  trade->venue = fields.Text(kVenue);
  trade->quote = fields.Text(kQuoteAddress);
  trade->feed = fields.Text(kFeed);
  trade->token_amount = fields.Amount(kTokenAmount);
  trade->quote_amount = fields.Amount(kQuoteAmount);
  trade->virtual_token = trade->virtual_quote = trade->real_token = trade->real_quote = absl::string_view();
  if (!fields.IsNull(kVirtualToken)) {
    trade->virtual_token = fields.Amount(kVirtualToken);
    trade->virtual_quote = fields.Amount(kVirtualQuote);
    trade->real_token = fields.Amount(kRealToken);
    trade->real_quote = fields.Amount(kRealQuote);
  }
  trade->protocol_fee = trade->creator_fee = absl::string_view();
  if (!fields.IsNull(kProtocolFee)) {
    trade->protocol_fee = fields.Amount(kProtocolFee);
    trade->creator_fee = fields.Amount(kCreatorFee);
  }
  if (fields.bad().has_value()) return BadColumn(*fields.bad());
  return absl::OkStatus();
}

const std::string& IdentityColumnList() {
  static const auto* list = new std::string(
      absl::StrJoin(kIdentityColumns, ", ", [](std::string* out, Column column) { out->append(Columns()[column]); }));
  return *list;
}

absl::Status IdentityRowReader::Parse(absl::string_view row, TradeIdentity* identity) {
  std::array<absl::string_view, std::size(kIdentityColumns)> own;
  if (!common::SplitCopyRow(row, absl::MakeSpan(own))) {
    return absl::InternalError("the identity of a stored trade has a wrong number of columns");
  }
  std::array<absl::string_view, kColumnCount> columns;
  for (size_t i = 0; i < own.size(); ++i) columns[kIdentityColumns[i]] = own[i];
  amounts_.Clear();
  Fields fields(columns, amounts_);
  identity->event_time = fields.Time(kEventTime);
  identity->event_index = fields.EventIndex();
  identity->side = fields.TradeSide();
  identity->loose_time = fields.Flag(kLooseTime);
  const auto transaction = chain::TransactionId::FromCanonical(fields.Text(kTransaction));
  const auto token = chain::Address::FromCanonical(fields.Text(kToken));
  const auto amount = chain::Amount::Parse(fields.Amount(kTokenAmount));
  if (fields.bad().has_value()) return BadColumn(*fields.bad());
  if (!transaction.has_value()) return BadColumn(kTransaction);
  if (!token.has_value()) return BadColumn(kToken);
  if (!amount.has_value()) return BadColumn(kTokenAmount);
  identity->transaction = *transaction;
  identity->token = *token;
  identity->token_amount = *amount;
  return absl::OkStatus();
}

}  // namespace tokenwatch::detector
