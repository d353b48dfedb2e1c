#include "resolver/sources/onchain.h"

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "chain/base64.h"
#include "chain/solana/pda.h"
#include "chain/solana/programs.h"
#include "chain/solana/token_accounts.h"
#include "simdjson.h"

namespace tokenwatch::resolver {
namespace {

// An account is at most 10 MiB on chain; mints and metadata are below 10 KiB. This is room for a full batch of those.
constexpr size_t kMaxBodyBytes = size_t{4} << 20;

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

struct Account {
  bool exists = false;
  std::string owner;
  std::vector<uint8_t> data;
};

// nullopt when the element is not what getMultipleAccounts returns.
std::optional<Account> ReadAccount(const simdjson::dom::element& value) {
  if (value.is_null()) return Account{};
  std::string_view owner;
  std::string_view encoded;
  if (value["owner"].get(owner) != simdjson::SUCCESS) return std::nullopt;
  if (value["data"].at(0).get(encoded) != simdjson::SUCCESS) return std::nullopt;
  Account account{true, std::string(owner), {}};
  account.data.resize(chain::MaxBase64DecodedSize(encoded.size()));
  const std::optional<size_t> size = chain::DecodeBase64(View(encoded), account.data.data());
  if (!size.has_value()) return std::nullopt;
  account.data.resize(*size);
  return account;
}

// Takes name, symbol and uri when there is a name; only the uri when there is none.
void Take(const chain::TokenTexts& texts, absl::string_view provenance, Answer& answer) {
  if (texts.name.empty()) {
    if (answer.uri.empty() && !texts.uri.empty()) {
      answer.uri = texts.uri;
      answer.provenance = std::string(provenance);
    }
    return;
  }
  answer.outcome = Outcome::kFound;
  answer.provenance = std::string(provenance);
  answer.name = texts.name;
  answer.symbol = texts.symbol;
  if (!texts.uri.empty()) answer.uri = texts.uri;
}

Answer Judge(const TokenRef& token, const Account& mint_account, const Account& metadata_account) {
  Answer answer;
  if (!mint_account.exists && !metadata_account.exists) {
    answer.detail = "no such account";
    return answer;
  }
  const std::optional<chain::Pubkey> mint_key = chain::ParsePubkey(token.address.text());
  const bool is_mint = mint_account.owner == chain::kSplTokenProgram || mint_account.owner == chain::kToken2022Program;
  if (mint_account.exists && !is_mint) {
    answer.detail = absl::StrCat("not a mint: owned by ", mint_account.owner);
    return answer;
  }
  if (is_mint) {
    const absl::StatusOr<chain::MintAccount> mint = chain::DecodeMint(mint_account.data);
    if (mint.ok()) {
      answer.decimals = mint->decimals;
      answer.provenance = mint_account.owner == chain::kToken2022Program ? "token2022" : "spl";
      // A mint may hold metadata that says it is of another mint.
      if (mint->metadata.has_value() && mint_key.has_value() && mint->metadata->mint == *mint_key) {
        Take(mint->metadata->texts, "token2022", answer);
      }
    } else {
      answer.detail = std::string(mint.status().message());
    }
  }
  if (answer.outcome != Outcome::kFound && metadata_account.owner == chain::kMetaplexProgram) {
    const absl::StatusOr<chain::MetaplexMetadata> metadata = chain::DecodeMetaplexMetadata(metadata_account.data);
    if (!metadata.ok()) {
      answer.detail = std::string(metadata.status().message());
    } else if (mint_key.has_value() && metadata->mint == *mint_key) {
      Take(metadata->texts, "metaplex", answer);
    }
  }
  if (answer.outcome != Outcome::kFound && answer.detail.empty()) answer.detail = "the mint has no metadata";
  return answer;
}

}  // namespace

OnchainSource::OnchainSource(std::string rpc_url, const HttpSourceOptions& options, common::HttpFetcher& http,
                             common::Clock& clock)
    : HttpSource(options, http, clock), rpc_url_(std::move(rpc_url)) {}

bool OnchainSource::Serves(const Question& question) const { return question.token.chain == chain::Chain::kSolana; }

common::HttpRequest OnchainSource::Request(const std::vector<Question>& questions) const {
  std::string keys;
  for (const Question& question : questions) {
    const absl::string_view mint = question.token.address.text();
    const std::optional<chain::Pubkey> key = chain::ParsePubkey(mint);
    // Addresses in canonical form always parse; if one did not, its own address keeps the answers in step.
    const chain::Address metadata = key.has_value() ? chain::MetadataAddress(*key).ToAddress() : question.token.address;
    absl::StrAppend(&keys, keys.empty() ? "" : ",", "\"", mint, "\",\"", metadata.text(), "\"");
  }
  common::HttpRequest request;
  request.method = "POST";
  request.url = rpc_url_;
  request.headers = {{"Content-Type", "application/json"}};
  // "processed": a launch is seen before its block is confirmed, and a name is no less a name for that.
  request.body = absl::StrCat(R"({"jsonrpc":"2.0","id":1,"method":"getMultipleAccounts","params":[[)", keys,
                              R"(],{"encoding":"base64","commitment":"processed"}]})");
  request.max_body_bytes = kMaxBodyBytes;
  request.max_redirects = 0;
  return request;
}

std::vector<Answer> OnchainSource::Read(const std::vector<Question>& questions, const std::string& body) const {
  return ReadAccounts(questions, body);
}

std::vector<Answer> ReadAccounts(const std::vector<Question>& questions, const std::string& body) {
  const auto all = [&](Outcome outcome, std::string detail) {
    Answer answer;
    answer.outcome = outcome;
    answer.detail = std::move(detail);
    return std::vector<Answer>(questions.size(), answer);
  };
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(body).get(root) != simdjson::SUCCESS) return all(Outcome::kBadAnswer, "the answer is not JSON");
  simdjson::dom::element error;
  if (root["error"].get(error) == simdjson::SUCCESS && !error.is_null()) {
    int64_t code = 0;
    std::string_view message;
    if (error["code"].get(code) != simdjson::SUCCESS) code = 0;
    if (error["message"].get(message) != simdjson::SUCCESS) message = "no message";
    const bool limited = code == 429 || code == -32429;
    return all(limited ? Outcome::kRateLimited : Outcome::kUnavailable,
               absl::StrCat("JSON-RPC error ", code, ": ", View(message)));
  }
  simdjson::dom::array accounts;
  if (root["result"]["value"].get(accounts) != simdjson::SUCCESS || accounts.size() != questions.size() * 2) {
    return all(Outcome::kBadAnswer, "the answer does not hold the accounts that were asked for");
  }
  std::vector<Answer> answers;
  answers.reserve(questions.size());
  auto next = accounts.begin();
  for (const Question& question : questions) {
    const std::optional<Account> mint = ReadAccount(*next);
    ++next;
    const std::optional<Account> metadata = ReadAccount(*next);
    ++next;
    if (mint.has_value() && metadata.has_value()) {
      answers.push_back(Judge(question.token, *mint, *metadata));
    } else {
      answers.push_back({Outcome::kBadAnswer, "the account is not readable"});
    }
  }
  return answers;
}

}  // namespace tokenwatch::resolver
