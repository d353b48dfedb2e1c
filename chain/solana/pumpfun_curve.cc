#include "chain/solana/pumpfun_curve.h"

#include <algorithm>
#include <limits>

namespace tokenwatch::chain {
namespace {

using Wide = unsigned __int128;

constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

// amount <= 2^64 and basis_points <= 10^4, so this is far below 2^128.
Wide CeilFee(Wide amount, uint64_t basis_points) {
  return (amount * basis_points + kBasisPointsPerUnit - 1) / kBasisPointsPerUnit;
}

bool Possible(const CurveReserves& curve, const CurveFees& fees) {
  return curve.virtual_tokens > 0 && curve.virtual_lamports > 0 && curve.real_tokens <= curve.virtual_tokens &&
         fees.protocol_basis_points <= kBasisPointsPerUnit && fees.creator_basis_points <= kBasisPointsPerUnit;
}

// Fills the trade of `net` lamports into the curve for `tokens`; nullopt when a reserve would overflow or run out.
std::optional<CurveTrade> FinishBuy(const CurveReserves& curve, Wide net, uint64_t tokens, const CurveFees& fees) {
  const Wide protocol = CeilFee(net, fees.protocol_basis_points);
  const Wide creator = CeilFee(net, fees.creator_basis_points);
  const Wide wallet = net + protocol + creator;
  if (wallet > kMax || net + curve.virtual_lamports > kMax || net + curve.real_lamports > kMax) return std::nullopt;
  if (tokens == 0 || tokens > curve.real_tokens || tokens >= curve.virtual_tokens) return std::nullopt;
  CurveTrade trade;
  trade.tokens = tokens;
  trade.lamports = static_cast<uint64_t>(net);
  trade.protocol_fee_lamports = static_cast<uint64_t>(protocol);
  trade.creator_fee_lamports = static_cast<uint64_t>(creator);
  trade.wallet_lamports = static_cast<uint64_t>(wallet);
  trade.after = {curve.virtual_tokens - tokens, curve.virtual_lamports + trade.lamports, curve.real_tokens - tokens,
                 curve.real_lamports + trade.lamports};
  trade.completes = trade.after.real_tokens == 0;
  return trade;
}

}  // namespace

std::optional<CurveTrade> BuyExactLamportsIn(const CurveReserves& curve, uint64_t gross_lamports,
                                             const CurveFees& fees) {
  if (!Possible(curve, fees)) return std::nullopt;
  const uint64_t total_basis_points = fees.protocol_basis_points + fees.creator_basis_points;
  Wide net = Wide{gross_lamports} * kBasisPointsPerUnit / (kBasisPointsPerUnit + total_basis_points);
  const Wide with_fees = net + CeilFee(net, fees.protocol_basis_points) + CeilFee(net, fees.creator_basis_points);
  // Two roundings up can exceed the gross by a lamport or two, which the program takes from the net.
  if (with_fees > gross_lamports) {
    const Wide excess = with_fees - gross_lamports;
    if (excess >= net) return std::nullopt;
    net -= excess;
  }
  if (net < 2) return std::nullopt;
  const Wide in = net - 1;
  // in < 2^64 and virtual_tokens < 2^64, so the product fits; the quotient is below virtual_tokens.
  const uint64_t tokens = static_cast<uint64_t>(in * curve.virtual_tokens / (curve.virtual_lamports + in));
  return FinishBuy(curve, net, std::min(tokens, curve.real_tokens), fees);
}

std::optional<CurveTrade> BuyExactTokens(const CurveReserves& curve, uint64_t tokens, const CurveFees& fees) {
  if (!Possible(curve, fees) || tokens == 0 || tokens > curve.real_tokens || tokens >= curve.virtual_tokens) {
    return std::nullopt;
  }
  const Wide net = Wide{tokens} * curve.virtual_lamports / (curve.virtual_tokens - tokens) + 1;
  if (net > kMax) return std::nullopt;
  return FinishBuy(curve, net, tokens, fees);
}

std::optional<CurveTrade> SellExactTokens(const CurveReserves& curve, uint64_t tokens, const CurveFees& fees) {
  if (!Possible(curve, fees) || tokens == 0) return std::nullopt;
  const Wide tokens_after = Wide{curve.virtual_tokens} + tokens;
  if (tokens_after > kMax || Wide{curve.real_tokens} + tokens > kMax) return std::nullopt;
  const uint64_t gross = static_cast<uint64_t>(Wide{tokens} * curve.virtual_lamports / tokens_after);
  if (gross > curve.real_lamports) return std::nullopt;
  CurveTrade trade;
  trade.tokens = tokens;
  trade.lamports = gross;
  trade.protocol_fee_lamports = static_cast<uint64_t>(CeilFee(gross, fees.protocol_basis_points));
  trade.creator_fee_lamports = static_cast<uint64_t>(CeilFee(gross, fees.creator_basis_points));
  const Wide all_fees = Wide{trade.protocol_fee_lamports} + trade.creator_fee_lamports;
  trade.wallet_lamports = all_fees < gross ? gross - static_cast<uint64_t>(all_fees) : 0;
  trade.after = {curve.virtual_tokens + tokens, curve.virtual_lamports - gross, curve.real_tokens + tokens,
                 curve.real_lamports - gross};
  return trade;
}

std::optional<uint64_t> MarketCapLamports(const CurveReserves& curve, uint64_t token_total_supply) {
  if (curve.virtual_tokens == 0) return std::nullopt;
  const Wide cap = Wide{curve.virtual_lamports} * token_total_supply / curve.virtual_tokens;
  if (cap > kMax) return std::nullopt;
  return static_cast<uint64_t>(cap);
}

}  // namespace tokenwatch::chain
