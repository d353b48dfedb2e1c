#include "pricing/oracle/providers/evm_exchanges.h"

#include <map>

namespace tokenwatch::pricing::evm {
namespace {

// Hundredths of a basis point.
const std::vector<uint64_t> kUniswapFees = {500, 3'000, 10'000};
const std::vector<uint64_t> kPancakeFees = {100, 500, 2'500, 10'000};

// Constants of this file only; one that is wrong fails its test.
chain::Address Fixed(absl::string_view text) { return chain::Address::ParseEvm(text).value_or(chain::Address()); }

std::map<chain::Chain, Exchanges> MakeTable() {
  std::map<chain::Chain, Exchanges> table;
  // https://docs.uniswap.org/contracts/v2/reference/smart-contracts/v2-deployments and .../v3/reference/deployments
  table[chain::Chain::kEthereum] = {
      {{PoolKind::kV2, Fixed("0x5C69bEe701ef814a2B6a3EDD4B1652CB9cc5aA6f"), "uniswap-v2", {}},
       {PoolKind::kV3, Fixed("0x1F98431c8aD98523631AE4a59f267346ea31F984"), "uniswap-v3", kUniswapFees}},
      {{Fixed("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"), 18},   // WETH
       {Fixed("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"), 6}}};  // USDC
  table[chain::Chain::kBase] = {
      {{PoolKind::kV2, Fixed("0x8909Dc15e40173Ff4699343b6eB8132c65e18eC6"), "uniswap-v2", {}},
       {PoolKind::kV3, Fixed("0x33128a8fC17869897dcE68Ed026d694621f6FDfD"), "uniswap-v3", kUniswapFees}},
      {{Fixed("0x4200000000000000000000000000000000000006"), 18},   // WETH
       {Fixed("0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"), 6}}};  // USDC
  // https://developer.pancakeswap.finance/contracts
  table[chain::Chain::kBsc] = {
      {{PoolKind::kV2, Fixed("0xcA143Ce32Fe78f1f7019d7d551a6402fC5350c73"), "pancakeswap-v2", {}},
       {PoolKind::kV3, Fixed("0x0BFbCF9fa4f9C56B0F40a671Ad40E0805A091865"), "pancakeswap-v3", kPancakeFees}},
      {{Fixed("0xbb4CdB9CBd36B01bD1cBaEBF2De08d9173bc095c"), 18},    // WBNB
       {Fixed("0x55d398326f99059fF775485246999027B3197955"), 18}}};  // USDT
  return table;
}

}  // namespace

const Exchanges& ExchangesOf(chain::Chain chain) {
  static const auto* const kTable = new std::map<chain::Chain, Exchanges>(MakeTable());
  static const auto* const kNone = new Exchanges();
  const auto found = kTable->find(chain);
  return found == kTable->end() ? *kNone : found->second;
}

}  // namespace tokenwatch::pricing::evm
