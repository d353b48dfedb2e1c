#include "chain/solana/pumpfun_invariants.h"

#include "chain/solana/pubkey.h"
#include "chain/solana/pumpfun_curve.h"
#include "chain/solana/quote_tokens.h"

namespace tokenwatch::chain {
namespace {

using Wide = unsigned __int128;

constexpr uint64_t kVirtualTokensNotReal = kInitialVirtualTokens - kInitialRealTokens;

Wide CeilFee(uint64_t amount, uint64_t basis_points) {
  return (Wide{amount} * basis_points + kBasisPointsPerUnit - 1) / kBasisPointsPerUnit;
}

// Curves could only be quoted in SOL before the event named a quote; zeros and wrapped SOL both mean SOL.
bool IsQuotedInSol(const TradeEvent& trade) {
  if (!trade.buyback || trade.buyback->quote_mint.IsZero()) return true;
  static const Pubkey wrapped_sol = PubkeyFromConstant(kQuoteTokens[0].address);
  return trade.buyback->quote_mint == wrapped_sol;
}

}  // namespace

uint32_t CheckInvariants(const TradeEvent& trade) {
  uint32_t broken = 0;
  const auto require = [&broken](bool holds, TradeInvariant invariant) {
    if (!holds) broken |= uint32_t{1} << static_cast<int>(invariant);
  };
  if (trade.fees && trade.buyback) {
    const Wide expected = Wide{trade.fees->fee} * trade.buyback->buyback_fee_basis_points / kBasisPointsPerUnit;
    require(trade.buyback->buyback_fee == expected, TradeInvariant::kBuybackFee);
  }
  if (!IsQuotedInSol(trade)) return broken;
  if (trade.fees) {
    const TradeEvent::Fees& fees = *trade.fees;
    require(fees.fee == CeilFee(trade.sol_amount, fees.fee_basis_points), TradeInvariant::kFee);
    require(fees.creator_fee == CeilFee(trade.sol_amount, fees.creator_fee_basis_points), TradeInvariant::kCreatorFee);
  }
  require(Wide{trade.virtual_token_reserves} == Wide{trade.real_token_reserves} + kVirtualTokensNotReal,
          TradeInvariant::kTokenReserves);
  if (trade.cashback && !trade.cashback->mayhem_mode) {
    require(Wide{trade.virtual_sol_reserves} == Wide{trade.real_sol_reserves} + kInitialVirtualLamports,
            TradeInvariant::kSolReserves);
  }
  return broken;
}

absl::string_view TradeInvariantName(TradeInvariant invariant) {
  switch (invariant) {
    case TradeInvariant::kFee:
      return "fee";
    case TradeInvariant::kCreatorFee:
      return "creator_fee";
    case TradeInvariant::kBuybackFee:
      return "buyback_fee";
    case TradeInvariant::kSolReserves:
      return "sol_reserves";
    case TradeInvariant::kTokenReserves:
      return "token_reserves";
  }
  return "unknown";
}

}  // namespace tokenwatch::chain
