#include "cli/commands/price_parts.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "cli/commands/shared.h"
#include "cli/render/amount.h"
#include "cli/render/price.h"
#include "cli/render/time.h"

namespace tokenwatch::cli {
namespace {

namespace v1 = pricing::v1;

std::string GradeText(const v1::Price& price) {
  switch (price.grade()) {
    case v1::PRICE_GRADE_A:
      return price.basis() == v1::PRICE_BASIS_ORACLE ? "A  (several sources agree)" : "A  (the pool's own reserves)";
    case v1::PRICE_GRADE_B:
      return price.basis() == v1::PRICE_BASIS_ORACLE  ? "B  (one source, or sources that differ)"
             : price.basis() == v1::PRICE_BASIS_TRADE ? "B  (the amounts of one trade)"
                                                      : "B  (the log no longer keeps the trade)";
    case v1::PRICE_GRADE_C:
      return "C  (old)";
    default:
      return "";
  }
}

Style GradeStyle(v1::PriceGrade grade) {
  return grade == v1::PRICE_GRADE_A ? Style::kGood : grade == v1::PRICE_GRADE_B ? Style::kPlain : Style::kWarning;
}

std::string AssetName(const std::string& asset) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(asset, absl::MaxSplits(':', 1));
  return QuoteName(parts.first, parts.second);
}

std::string UsdLine(const v1::Price& price) {
  if (!price.has_price_usd()) return "";
  std::string text = absl::StrCat(UsdText(price), " USD");
  if (price.has_reference()) {
    absl::StrAppend(&text, "  (", AssetName(price.reference().asset()), " at ", price.reference().price_usd(),
                    " USD of ", FormatUtc(FromProto(price.reference().event_time())), " by ",
                    price.reference().source(), ")");
  }
  return text;
}

}  // namespace

std::string QuoteName(const std::string& chain, const std::string& quote_address) {
  const std::optional<QuoteAsset> known = KnownQuoteAsset(chain, quote_address);
  return known.has_value() ? known->symbol : quote_address;
}

std::string PriceText(const v1::Price& price) {
  if (!price.has_price()) return "";
  return absl::StrCat(FormatPrice(price.price()), " ", QuoteName(price.token().chain(), price.quote_address()));
}

std::string UsdText(const v1::Price& price) { return price.has_price_usd() ? FormatPrice(price.price_usd()) : ""; }

Cell GradeCell(v1::PriceGrade grade) {
  return {grade == v1::PRICE_GRADE_UNSPECIFIED ? "" : absl::StrCat(v1::PriceGrade_Name(grade).substr(12)),
          GradeStyle(grade)};
}

std::string QuoteAmountText(const std::string& base_units, const std::string& chain, const std::string& quote_address) {
  if (base_units.empty()) return "";
  const std::optional<QuoteAsset> known = KnownQuoteAsset(chain, quote_address);
  if (!known.has_value()) return FormatAmount(base_units, std::nullopt);
  return absl::StrCat(FormatAmount(base_units, known->decimals), " ", known->symbol);
}

std::string PriceCard(const v1::Price& price, const Context& context) {
  const std::string& quote = price.quote_address();
  std::string ratio;
  if (!price.quote_units().empty()) {
    ratio = absl::StrCat(price.quote_units(), " / ", price.token_units(), "  base units, quote / token");
  }
  std::string made;
  if (price.has_event_time()) {
    made = absl::StrCat(FormatUtc(FromProto(price.event_time())), "  (", FormatAge(FromProto(price.age())), " before)");
  }
  return LabelledLines(
      {{"token", TokenText(price.token())},
       {"price", Cell(PriceText(price), Style::kTitle)},
       {"in USD", UsdLine(price)},
       {"not known",
        Cell(price.unknown_reason(), price.has_price() || price.has_price_usd() ? Style::kPlain : Style::kWarning)},
       {"grade", Cell(GradeText(price), GradeStyle(price.grade()))},
       {"made at", made},
       {"uncertain by",
        price.has_confidence_bps() ? absl::StrFormat("%s basis points", FormatPrice(price.confidence_bps())) : ""},
       {"in the pool", QuoteAmountText(price.liquidity(), price.token().chain(), quote)},
       {"exact ratio", ratio},
       {"venue", price.venue()},
       {"mayhem mode", price.is_mayhem() ? "yes: the reserves also change without trades" : ""},
       {"transaction", price.transaction()},
       {"cursor", price.cursor() == 0 ? "" : absl::StrCat(price.cursor())}},
      context.terminal());
}

std::string SourceTable(const v1::Price& price, const Context& context) {
  if (price.sources_size() == 0) return "";
  Table table({{.title = "SOURCE"},
               {.title = "USD", .align = Align::kRight},
               {.title = "USED"},
               {.title = "LIQUIDITY USD", .align = Align::kRight},
               {.title = "SAYS OF"},
               {.title = "REASON", .shrink = Shrink::kEnd}},
              context.terminal());
  for (const v1::PriceSource& source : price.sources()) {
    table.AddRow({source.name(), source.price_usd(),
                  Cell(source.used() ? "yes" : "no", source.used() ? Style::kGood : Style::kPlain),
                  source.liquidity_usd(), source.has_event_time() ? FormatUtc(FromProto(source.event_time())) : "",
                  source.reason()});
  }
  return table.TakeText();
}

}  // namespace tokenwatch::cli
