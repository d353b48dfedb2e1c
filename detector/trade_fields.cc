#include "detector/trade_fields.h"

namespace tokenwatch::detector {

TradeFields FieldsOf(const Trade& trade, AmountTexts& texts) {
  texts.Clear();
  const auto digits = [&](const chain::Amount& amount) {
    return texts.Add([&](std::string& out) { amount.AppendTo(out); });
  };
  TradeFields fields;
  fields.cursor = trade.cursor;
  fields.chain = chain::ChainName(trade.chain);
  fields.transaction = trade.transaction.text();
  fields.event_index = trade.event_index;
  fields.token = trade.token.text();
  fields.trader = trade.trader.text();
  fields.side = trade.side;
  fields.venue = trade.venue.text();
  fields.quote = trade.quote.text();
  fields.token_amount = digits(trade.token_amount);
  fields.quote_amount = digits(trade.quote_amount);
  if (trade.reserves.has_value()) {
    fields.virtual_token = digits(trade.reserves->virtual_token);
    fields.virtual_quote = digits(trade.reserves->virtual_quote);
    fields.real_token = digits(trade.reserves->real_token);
    fields.real_quote = digits(trade.reserves->real_quote);
  }
  if (trade.fees.has_value()) {
    fields.protocol_fee = digits(trade.fees->protocol);
    fields.creator_fee = digits(trade.fees->creator);
  }
  fields.slot = trade.slot;
  fields.event_time = trade.event_time;
  fields.loose_time = trade.loose_time;
  fields.feed = trade.feed.text();
  fields.is_mayhem = trade.is_mayhem;
  return fields;
}

}  // namespace tokenwatch::detector
