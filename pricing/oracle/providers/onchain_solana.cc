#include "pricing/oracle/providers/onchain_solana.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "chain/base64.h"
#include "chain/solana/pda.h"
#include "chain/solana/programs.h"
#include "chain/solana/pumpfun_accounts.h"
#include "chain/solana/quote_tokens.h"
#include "pricing/oracle/providers/json_price.h"
#include "pricing/oracle/providers/json_rpc.h"
#include "simdjson.h"

namespace tokenwatch::pricing {
namespace {

constexpr int kPumpTokenDecimals = 6;
constexpr char kVenue[] = "pump";
constexpr char kWrappedSol[] = "So11111111111111111111111111111111111111112";

chain::Pubkey CurveOf(const chain::TokenRef& token) {
  // Addresses in canonical form always parse.
  return chain::BondingCurveAddress(chain::ParsePubkey(token.address.text()).value_or(chain::Pubkey{}));
}

ProviderAnswer Bad(std::string detail) {
  ProviderAnswer answer;
  answer.outcome = Outcome::kBadAnswer;
  answer.detail = std::move(detail);
  return answer;
}

ProviderAnswer ReadCurve(const chain::TokenRef& token, const simdjson::dom::element& account, const QuoteUsd& quote_usd,
                         absl::Time heard_at) {
  ProviderAnswer answer;
  if (account.is_null()) {
    answer.detail = "it has no bonding curve";
    return answer;
  }
  const absl::string_view owner = ReadText(account["owner"]);
  std::string_view encoded;
  if (owner.empty() || account["data"].at(0).get(encoded) != simdjson::SUCCESS)
    return Bad("the account is not readable");
  if (owner != chain::kPumpProgram) {
    answer.detail = absl::StrCat("its curve's address belongs to ", owner);
    return answer;
  }
  std::vector<uint8_t> data(chain::MaxBase64DecodedSize(encoded.size()));
  const std::optional<size_t> size = chain::DecodeBase64(View(encoded), data.data());
  if (!size.has_value()) return Bad("the account is not base64");
  data.resize(*size);
  const absl::StatusOr<chain::BondingCurveAccount> curve = chain::DecodeBondingCurve(data);
  if (!curve.ok()) return Bad(std::string(curve.status().message()));
  if (curve->complete || curve->reserves.virtual_tokens == 0 || curve->reserves.virtual_lamports == 0) {
    Answers::NoPrice(answer, "its bonding curve is complete");
    return answer;
  }
  PoolPrice price;
  price.quote.chain = chain::Chain::kSolana;
  const bool is_in_sol = !curve->quote_mint.has_value() || curve->quote_mint->IsZero();
  price.quote.address = is_in_sol ? *chain::Address::ParseSolana(kWrappedSol) : curve->quote_mint->ToAddress();
  const chain::QuoteToken* const quote = chain::FindQuoteToken(price.quote.address);
  if (quote == nullptr) {
    Answers::NoPrice(answer,
                     absl::StrCat("decimals of its quote asset ", price.quote.address.text(), " are not known"));
    return answer;
  }
  const std::string pool(CurveOf(token).ToAddress().text());
  price.quote_units = curve->reserves.virtual_lamports;
  price.token_units = curve->reserves.virtual_tokens;
  price.quote_decimals = quote->decimals;
  price.token_decimals = kPumpTokenDecimals;
  price.pool_quote_units = curve->reserves.real_lamports;
  price.venue = kVenue;
  price.pool = pool;
  AddPoolPrice(price, quote_usd, heard_at, answer);
  return answer;
}

}  // namespace

SolanaOnchainProvider::SolanaOnchainProvider(HttpProviderOptions options, QuoteUsd quote_usd, common::HttpFetcher& http,
                                             common::Clock& clock)
    : OneCallProvider(std::move(options), http, clock), quote_usd_(std::move(quote_usd)) {}

common::HttpRequest SolanaOnchainProvider::Request(const std::vector<chain::TokenRef>& tokens) const {
  std::string keys;
  for (const chain::TokenRef& token : tokens) {
    absl::StrAppend(&keys, keys.empty() ? "\"" : ",\"", CurveOf(token).ToAddress().text(), "\"");
  }
  return JsonRpcRequest(options().base_url,
                        absl::StrCat(R"({"jsonrpc":"2.0","id":1,"method":"getMultipleAccounts","params":[[)", keys,
                                     R"(],{"encoding":"base64","commitment":"processed"}]})"));
}

std::vector<ProviderAnswer> SolanaOnchainProvider::Read(const std::vector<chain::TokenRef>& tokens,
                                                        const std::string& body, absl::Time heard_at) const {
  return ReadCurves(tokens, body, quote_usd_, heard_at);
}

std::vector<ProviderAnswer> ReadCurves(const std::vector<chain::TokenRef>& tokens, const std::string& body,
                                       const QuoteUsd& quote_usd, absl::Time heard_at) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(body).get(root) != simdjson::SUCCESS) {
    return Answers::ForAll(tokens.size(), Outcome::kBadAnswer, "the answer is not JSON");
  }
  if (const std::optional<ProviderAnswer> error = ReadRpcError(root)) return {tokens.size(), *error};
  simdjson::dom::array accounts;
  if (root["result"]["value"].get(accounts) != simdjson::SUCCESS || accounts.size() != tokens.size()) {
    return Answers::ForAll(tokens.size(), Outcome::kBadAnswer, "the answer does not hold the accounts asked for");
  }
  std::vector<ProviderAnswer> answers;
  auto account = accounts.begin();
  for (const chain::TokenRef& token : tokens) {
    answers.push_back(ReadCurve(token, *account, quote_usd, heard_at));
    ++account;
  }
  return answers;
}

}  // namespace tokenwatch::pricing
