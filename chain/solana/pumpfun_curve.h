// The arithmetic of a pump.fun bonding curve, to the unit: what the program computes, with its roundings.
// Formulas follow the comments of buy_exact_sol_in, buy and sell in pump-fun/pump-public-docs idl/pump.json and were
// checked against recorded trades. Intermediates are 128 bits wide. Pure functions without division by zero; any
// thread.
#pragma once

#include <cstdint>
#include <optional>

namespace tokenwatch::chain {

inline constexpr uint64_t kInitialVirtualTokens = 1'073'000'000'000'000;  // base units, 6 decimals
inline constexpr uint64_t kInitialVirtualLamports = 30'000'000'000;
inline constexpr uint64_t kInitialRealTokens = 793'100'000'000'000;
inline constexpr uint64_t kTokenTotalSupply = 1'000'000'000'000'000;
inline constexpr uint64_t kMigrationFeeLamports = 15'000'001;
inline constexpr uint64_t kBasisPointsPerUnit = 10'000;

// Reserves of a curve; the quote is SOL unless the curve says otherwise.
struct CurveReserves {
  uint64_t virtual_tokens = 0;
  uint64_t virtual_lamports = 0;
  uint64_t real_tokens = 0;
  uint64_t real_lamports = 0;

  friend bool operator==(const CurveReserves&, const CurveReserves&) = default;
};

// A curve on which nobody has traded.
inline constexpr CurveReserves kFreshCurve{kInitialVirtualTokens, kInitialVirtualLamports, kInitialRealTokens, 0};

// Fee rates of a trade, in basis points: protocol 95 and creator (or cashback) 30 today, 0 for the mayhem agent. Never
// assume them for a recorded trade: they are in its event. Each at most 10,000.
struct CurveFees {
  uint64_t protocol_basis_points = 0;
  uint64_t creator_basis_points = 0;
};

// One trade, all in base units.
struct CurveTrade {
  uint64_t tokens = 0;
  uint64_t lamports = 0;  // into or out of the curve: the event's sol_amount
  uint64_t protocol_fee_lamports = 0;
  uint64_t creator_fee_lamports = 0;
  // What leaves (buy) or reaches (sell, clamped at 0) the trader's wallet for the trade itself, without rent and
  // network fees.
  uint64_t wallet_lamports = 0;
  CurveReserves after;
  // The buy took the last real token: the curve is complete.
  bool completes = false;
};

// Spends at most `gross_lamports`, fees included. nullopt when it buys nothing (too little, curve empty or complete) or
// the reserves are impossible. Tokens are capped at the real tokens left; as in the program, the lamports are not
// lowered then.
std::optional<CurveTrade> BuyExactLamportsIn(const CurveReserves& curve, uint64_t gross_lamports,
                                             const CurveFees& fees);

// Buys exactly `tokens`. nullopt when zero or more than the real tokens left, or the reserves are impossible.
std::optional<CurveTrade> BuyExactTokens(const CurveReserves& curve, uint64_t tokens, const CurveFees& fees);

// Sells exactly `tokens`. nullopt when zero, or when the curve does not hold the lamports it would have to pay.
std::optional<CurveTrade> SellExactTokens(const CurveReserves& curve, uint64_t tokens, const CurveFees& fees);

// virtual_lamports x supply / virtual_tokens, rounded down; nullopt for an empty curve or a result beyond 64 bits.
std::optional<uint64_t> MarketCapLamports(const CurveReserves& curve, uint64_t token_total_supply = kTokenTotalSupply);

}  // namespace tokenwatch::chain
