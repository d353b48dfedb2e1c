#include "pricing/oracle/make_providers.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/config/secret.h"
#include "common/http/url.h"
#include "pricing/oracle/providers/coingecko.h"
#include "pricing/oracle/providers/coinmarketcap.h"
#include "pricing/oracle/providers/dexscreener.h"
#include "pricing/oracle/providers/geckoterminal.h"
#include "pricing/oracle/providers/jupiter.h"
#include "pricing/oracle/providers/onchain_evm.h"
#include "pricing/oracle/providers/onchain_solana.h"

namespace tokenwatch::pricing {
namespace {

enum class Kind { kDexScreener, kGeckoTerminal, kJupiter, kCoinGecko, kCoinMarketCap, kSolana, kEvm };

// What there is to set about each provider.
struct Row {
  absl::string_view name;
  Kind kind;
  std::string ProviderSettings::*url;
  absl::string_view url_name;
  int64_t ProviderSettings::*budget;
  absl::string_view budget_name;
  std::string ProviderSettings::*key_file = nullptr;
  absl::string_view key_name = {};
  bool needs_key = false;
  chain::Chain chain = chain::Chain::kUnknown;
};

using Settings = ProviderSettings;
constexpr Row kRows[] = {
    {"dexscreener", Kind::kDexScreener, &Settings::dexscreener_url, "dexscreener_url",
     &Settings::dexscreener_budget_per_minute, "dexscreener_budget_per_minute"},
    {"geckoterminal", Kind::kGeckoTerminal, &Settings::geckoterminal_url, "geckoterminal_url",
     &Settings::geckoterminal_budget_per_minute, "geckoterminal_budget_per_minute"},
    {"jupiter", Kind::kJupiter, &Settings::jupiter_url, "jupiter_url", &Settings::jupiter_budget_per_minute,
     "jupiter_budget_per_minute", &Settings::jupiter_key_file, "jupiter_key_file"},
    {"coingecko", Kind::kCoinGecko, &Settings::coingecko_url, "coingecko_url", &Settings::coingecko_budget_per_minute,
     "coingecko_budget_per_minute", &Settings::coingecko_key_file, "coingecko_key_file", true},
    {"coinmarketcap", Kind::kCoinMarketCap, &Settings::coinmarketcap_url, "coinmarketcap_url",
     &Settings::coinmarketcap_budget_per_minute, "coinmarketcap_budget_per_minute", &Settings::coinmarketcap_key_file,
     "coinmarketcap_key_file", true},
    {"onchain_solana", Kind::kSolana, &Settings::solana_rpc_url, "solana_rpc_url", &Settings::onchain_budget_per_minute,
     "onchain_budget_per_minute"},
    {"onchain_ethereum",
     Kind::kEvm,
     &Settings::ethereum_rpc_url,
     "ethereum_rpc_url",
     &Settings::onchain_budget_per_minute,
     "onchain_budget_per_minute",
     nullptr,
     {},
     false,
     chain::Chain::kEthereum},
    {"onchain_base",
     Kind::kEvm,
     &Settings::base_rpc_url,
     "base_rpc_url",
     &Settings::onchain_budget_per_minute,
     "onchain_budget_per_minute",
     nullptr,
     {},
     false,
     chain::Chain::kBase},
    {"onchain_bsc",
     Kind::kEvm,
     &Settings::bsc_rpc_url,
     "bsc_rpc_url",
     &Settings::onchain_budget_per_minute,
     "onchain_budget_per_minute",
     nullptr,
     {},
     false,
     chain::Chain::kBsc},
};

const Row* FindRow(absl::string_view name) {
  for (const Row& row : kRows) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

std::string Names() {
  std::string names;
  for (const Row& row : kRows) absl::StrAppend(&names, names.empty() ? "" : ", ", row.name);
  return names;
}

std::unique_ptr<Provider> Make(const Row& row, HttpProviderOptions options, const QuoteUsd& quote_usd,
                               common::HttpFetcher& http, common::Clock& clock) {
  switch (row.kind) {
    case Kind::kDexScreener:
      return std::make_unique<DexScreenerProvider>(std::move(options), http, clock);
    case Kind::kGeckoTerminal:
      return std::make_unique<GeckoTerminalProvider>(std::move(options), http, clock);
    case Kind::kJupiter:
      return std::make_unique<JupiterProvider>(std::move(options), http, clock);
    case Kind::kCoinGecko:
      return std::make_unique<CoinGeckoProvider>(std::move(options), http, clock);
    case Kind::kCoinMarketCap:
      return std::make_unique<CoinMarketCapProvider>(std::move(options), http, clock);
    case Kind::kSolana:
      return std::make_unique<SolanaOnchainProvider>(std::move(options), quote_usd, http, clock);
    case Kind::kEvm:
      return std::make_unique<EvmOnchainProvider>(row.chain, std::move(options), quote_usd, http, clock);
  }
  return nullptr;
}

}  // namespace

absl::Status ProviderSettings::Validate() const {
  std::set<std::string> seen;
  for (const std::string& name : order) {
    const Row* const row = FindRow(name);
    if (row == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("providers: \"", name, "\" is none of ", Names()));
    }
    if (!seen.insert(name).second) {
      return absl::InvalidArgumentError(absl::StrCat("providers: \"", name, "\" is there twice"));
    }
    const std::string& url = this->*row->url;
    const absl::StatusOr<common::Url> parsed = common::ParseUrl(url);
    if (!parsed.ok() || (parsed->scheme != "http" && parsed->scheme != "https")) {
      return absl::InvalidArgumentError(
          absl::StrCat(row->url_name, ": ", url.empty() ? "missing; " : "no http(s) URL; ", name, " needs one"));
    }
    if (url.back() == '/' && row->kind != Kind::kSolana && row->kind != Kind::kEvm) {
      return absl::InvalidArgumentError(absl::StrCat(row->url_name, ": must not end in a slash"));
    }
    if (this->*row->budget < 1) {
      return absl::InvalidArgumentError(absl::StrCat(row->budget_name, ": ", this->*row->budget, "; at least 1"));
    }
    if (row->needs_key && (this->*row->key_file).empty()) {
      return absl::InvalidArgumentError(absl::StrCat(row->key_name, ": missing; ", name, " needs a key"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::unique_ptr<Provider>>> MakeProviders(const ProviderSettings& settings,
                                                                     const QuoteUsd& quote_usd,
                                                                     common::HttpFetcher& http, common::Clock& clock) {
  std::vector<std::unique_ptr<Provider>> providers;
  for (const std::string& name : settings.order) {
    const Row* const row = FindRow(name);
    if (row == nullptr) return absl::InvalidArgumentError(absl::StrCat("there is no provider \"", name, "\""));
    HttpProviderOptions options;
    options.base_url = settings.*row->url;
    options.budget.requests = settings.*row->budget;
    if (row->key_file != nullptr && !(settings.*row->key_file).empty()) {
      absl::StatusOr<std::string> key = common::ReadSecretFile(settings.*row->key_file);
      if (!key.ok()) {
        return absl::Status(key.status().code(), absl::StrCat(row->key_name, ": ", key.status().message()));
      }
      options.api_key = *std::move(key);
    }
    providers.push_back(Make(*row, std::move(options), quote_usd, http, clock));
  }
  return providers;
}

}  // namespace tokenwatch::pricing
