// A trade as the texts it is stored and sent in, for those who only pass it on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "detector/trade.h"

namespace tokenwatch::detector {

// The fields of a Trade. Views are valid as long as who hands it out says. Amounts are decimal digits; those that a
// trade lacks are empty, the four reserves together and the two fees together.
struct TradeFields {
  uint64_t cursor = 0;
  absl::string_view chain;
  absl::string_view transaction;
  std::optional<uint32_t> event_index;
  absl::string_view token;
  absl::string_view trader;
  Side side = Side::kBuy;
  absl::string_view venue;
  absl::string_view quote;
  absl::string_view token_amount;
  absl::string_view quote_amount;
  absl::string_view virtual_token;
  absl::string_view virtual_quote;
  absl::string_view real_token;
  absl::string_view real_quote;
  absl::string_view protocol_fee;
  absl::string_view creator_fee;
  uint64_t slot = 0;
  absl::Time event_time;
  bool loose_time = false;
  absl::string_view feed;
  bool is_mayhem = false;

  // Longer texts are no fields of a trade.
  static constexpr size_t kMaxTextSize = chain::TransactionId::kMaxSize;
};

// The digits of one trade's amounts. Not thread-safe; reuse one, for its memory stays.
class AmountTexts {
 public:
  AmountTexts() { digits_.reserve(kAmounts * chain::Amount::kMaxDigits); }
  AmountTexts(const AmountTexts&) = delete;
  AmountTexts& operator=(const AmountTexts&) = delete;

  // Begins a trade: the views of the one before end.
  void Clear() { digits_.clear(); }
  // What `append(std::string& digits)` appends, at most kMaxDigits bytes; at most kAmounts times for each trade, so the
  // views stay where they are.
  template <typename Append>
  absl::string_view Add(Append append) {
    const size_t begin = digits_.size();
    append(digits_);
    return absl::string_view(digits_).substr(begin);
  }

 private:
  static constexpr size_t kAmounts = 8;

  std::string digits_;
};

// Views into `trade` and `texts`.
TradeFields FieldsOf(const Trade& trade, AmountTexts& texts);

}  // namespace tokenwatch::detector
