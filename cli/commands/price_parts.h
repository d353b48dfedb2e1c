// How prices are put into words; what the commands about prices share.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "cli/commands/token_directory.h"
#include "cli/context.h"
#include "cli/render/table.h"
#include "tokenwatch/pricing/v1/pricing.pb.h"

namespace tokenwatch::cli {

// "SOL", or the address of an asset that is not well known.
std::string QuoteName(const std::string& chain, const std::string& quote_address);
// "0.0000000279602 SOL"; empty when it is not known.
std::string PriceText(const pricing::v1::Price& price);
// "0.0000040053"; empty when it is not known.
std::string UsdText(const pricing::v1::Price& price);
// "A", in the colour of its worth.
Cell GradeCell(pricing::v1::PriceGrade grade);
// "0.01 SOL" of a quote amount in base units.
std::string QuoteAmountText(const std::string& base_units, const std::string& chain, const std::string& quote_address);
// Everything that is known of a price.
std::string PriceCard(const pricing::v1::Price& price, const Context& context);
// What each source said; empty without any.
std::string SourceTable(const pricing::v1::Price& price, const Context& context);

}  // namespace tokenwatch::cli
