#include "pricing/oracle/providers/onchain_evm.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "pricing/oracle/providers/evm_abi.h"
#include "pricing/oracle/providers/json_price.h"
#include "pricing/oracle/providers/json_rpc.h"
#include "pricing/oracle/providers/pools.h"
#include "simdjson.h"

namespace tokenwatch::pricing {
namespace {

using evm::Argument;
using evm::CallData;

constexpr size_t kKnownTokens = 10'000;
// A pool of a token may be created any time.
constexpr absl::Duration kKnownFor = absl::Hours(6);
constexpr absl::Duration kKnownWithoutPoolFor = absl::Minutes(10);

// A batch of eth_call. Ids are positions.
class Batch {
 public:
  void Add(const chain::Address& to, const std::string& data) {
    absl::StrAppend(&body_, count_ == 0 ? "[" : ",", R"({"jsonrpc":"2.0","id":)", count_,
                    R"(,"method":"eth_call","params":[{"to":")", to.text(), R"(","data":")", data, R"("},"latest"]})");
    ++count_;
  }
  size_t size() const { return count_; }
  std::string Take() { return count_ == 0 ? "[]" : std::move(body_) + "]"; }

 private:
  std::string body_;
  size_t count_ = 0;
};

// The words of each result of a batch; nullopt where a call was reverted. Sets `failure` when the answer as a whole is
// none.
std::vector<std::optional<std::vector<WideInteger>>> ReadBatch(const std::string& body, size_t count,
                                                               std::optional<ProviderAnswer>& failure) {
  std::vector<std::optional<std::vector<WideInteger>>> results(count);
  const auto fail = [&](Outcome outcome, std::string detail) {
    failure.emplace();
    failure->outcome = outcome;
    failure->detail = std::move(detail);
    return results;
  };
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(body).get(root) != simdjson::SUCCESS) return fail(Outcome::kBadAnswer, "the answer is not JSON");
  simdjson::dom::array items;
  if (root.get(items) != simdjson::SUCCESS) {
    failure = ReadRpcError(root);
    return failure.has_value() ? results : fail(Outcome::kBadAnswer, "the answer is no batch");
  }
  size_t seen = 0;
  for (const simdjson::dom::element item : items) {
    const std::optional<int64_t> id = ReadInteger(item["id"]);
    if (!id.has_value() || *id < 0 || static_cast<size_t>(*id) >= count) continue;
    ++seen;
    const std::optional<ProviderAnswer> error = ReadRpcError(item);
    if (!error.has_value()) {
      results[static_cast<size_t>(*id)] = evm::ReadWords(ReadText(item["result"]));
    } else if (error->outcome == Outcome::kRateLimited) {
      failure = error;
    }
  }
  if (!failure.has_value() && seen != count) return fail(Outcome::kBadAnswer, "the answer lacks calls of the batch");
  return results;
}

// Pools of a token that may exist, in a fixed order.
template <typename Visit>
void VisitPools(const evm::Exchanges& exchanges, const chain::TokenRef& token, const Visit& visit) {
  for (const evm::QuoteAsset& quote : exchanges.quotes) {
    if (quote.address == token.address) continue;
    for (const evm::Factory& factory : exchanges.factories) {
      if (factory.kind == evm::PoolKind::kV2) {
        visit(factory, quote, CallData(evm::kGetPair, {Argument(token.address), Argument(quote.address)}));
        continue;
      }
      for (const uint64_t fee : factory.fees) {
        visit(factory, quote,
              CallData(evm::kGetPool, {Argument(token.address), Argument(quote.address), Argument(fee)}));
      }
    }
  }
}

}  // namespace

EvmOnchainProvider::EvmOnchainProvider(chain::Chain chain, HttpProviderOptions options, QuoteUsd quote_usd,
                                       common::HttpFetcher& http, common::Clock& clock)
    : HttpProvider(std::move(options), http, clock),
      chain_(chain),
      name_(absl::StrCat("onchain_", chain::ChainName(chain))),
      exchanges_(evm::ExchangesOf(chain)),
      quote_usd_(std::move(quote_usd)),
      known_({.capacity = kKnownTokens}) {}

void EvmOnchainProvider::Ask(const Tokens& tokens, absl::Time deadline, ProviderCallback done) {
  std::vector<Known> known = Recall(tokens);
  Tokens unknown;
  const absl::Time now = clock().Now();
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (known[i].until <= now) unknown.push_back(tokens[i]);
  }
  if (unknown.empty()) return AskPools(tokens, std::move(known), deadline, std::move(done));
  common::HttpRequest request = FindRequest(unknown);
  const size_t count = unknown.size();
  Send(
      std::move(request), count, deadline,
      [this, unknown = std::move(unknown)](const std::string& body, absl::Time) { return LearnPools(unknown, body); },
      [this, tokens, deadline, done = std::move(done)](std::vector<ProviderAnswer> failed) {
        if (!failed.empty()) {
          failed.resize(tokens.size(), failed.front());
          return done(std::move(failed));
        }
        std::vector<Known> found = Recall(tokens);
        const bool has_pools =
            std::any_of(found.begin(), found.end(), [](const Known& one) { return !one.pools.empty(); });
        if (!has_pools) return done(Answers::ForAll(tokens.size(), Outcome::kNotFound, "it has no pool"));
        const common::RateGrant grant = Admit();
        if (grant.granted) return AskPools(tokens, std::move(found), deadline, done);
        std::vector<ProviderAnswer> answers =
            Answers::ForAll(tokens.size(), Outcome::kNoBudget, "its budget is used up; the pools are known now");
        for (ProviderAnswer& answer : answers) answer.retry_at = grant.retry_at;
        done(std::move(answers));
      });
}

void EvmOnchainProvider::AskPools(const Tokens& tokens, std::vector<Known> known, absl::Time deadline,
                                  ProviderCallback done) {
  common::HttpRequest request = StateRequest(known);
  Send(
      std::move(request), tokens.size(), deadline,
      [this, tokens, known = std::move(known)](const std::string& body, absl::Time heard_at) {
        return ReadState(tokens, known, body, heard_at);
      },
      std::move(done));
}

std::vector<EvmOnchainProvider::Known> EvmOnchainProvider::Recall(const Tokens& tokens) {
  std::vector<Known> known;
  common::MutexLock lock(mutex_);
  for (const chain::TokenRef& token : tokens) {
    const Known* const one = known_.Find(token);
    known.push_back(one == nullptr ? Known{} : *one);
  }
  return known;
}

common::HttpRequest EvmOnchainProvider::FindRequest(const Tokens& tokens) const {
  Batch batch;
  for (const chain::TokenRef& token : tokens) {
    batch.Add(token.address, CallData(evm::kDecimals));
    VisitPools(exchanges_, token, [&](const evm::Factory& factory, const evm::QuoteAsset&, const std::string& data) {
      batch.Add(factory.address, data);
    });
  }
  return JsonRpcRequest(options().base_url, batch.Take());
}

std::vector<ProviderAnswer> EvmOnchainProvider::LearnPools(const Tokens& tokens, const std::string& body) {
  size_t count = 0;
  for (const chain::TokenRef& token : tokens) {
    ++count;
    VisitPools(exchanges_, token, [&](const auto&...) { ++count; });
  }
  std::optional<ProviderAnswer> failure;
  const auto results = ReadBatch(body, count, failure);
  if (failure.has_value()) return {tokens.size(), *failure};
  const absl::Time now = clock().Now();
  size_t next = 0;
  for (const chain::TokenRef& token : tokens) {
    Known known;
    const auto& decimals = results[next++];
    const bool is_token = decimals.has_value() && decimals->size() == 1 && decimals->front() <= kMaxDecimals;
    if (is_token) known.decimals = decimals->front().convert_to<int>();
    VisitPools(exchanges_, token, [&](const evm::Factory& factory, const evm::QuoteAsset& quote, const std::string&) {
      const auto& words = results[next++];
      if (!is_token || !words.has_value() || words->size() != 1) return;
      if (const std::optional<chain::Address> pool = evm::ReadAddress(words->front())) {
        known.pools.push_back({factory.kind, factory.venue, *pool, quote});
      }
    });
    known.until = now + (known.pools.empty() ? kKnownWithoutPoolFor : kKnownFor);
    const absl::Time until = known.until;
    common::MutexLock lock(mutex_);
    known_.Put(token, std::move(known), until, now);
  }
  return {};
}

// For V2 one call, the reserves; for V3 the price and what the pool holds of the quote asset.
common::HttpRequest EvmOnchainProvider::StateRequest(const std::vector<Known>& known) const {
  Batch batch;
  for (const Known& token : known) {
    for (const Pool& pool : token.pools) {
      const bool is_v2 = pool.kind == evm::PoolKind::kV2;
      batch.Add(pool.address, CallData(is_v2 ? evm::kGetReserves : evm::kSlot0));
      if (!is_v2) batch.Add(pool.quote.address, CallData(evm::kBalanceOf, {Argument(pool.address)}));
    }
  }
  return JsonRpcRequest(options().base_url, batch.Take());
}

std::vector<ProviderAnswer> EvmOnchainProvider::ReadState(const Tokens& tokens, const std::vector<Known>& known,
                                                          const std::string& body, absl::Time heard_at) const {
  std::vector<size_t> counts;
  size_t total = 0;
  for (const Known& token : known) {
    size_t count = 0;
    for (const Pool& pool : token.pools) count += pool.kind == evm::PoolKind::kV2 ? 1 : 2;
    counts.push_back(count);
    total += count;
  }
  std::optional<ProviderAnswer> failure;
  const auto results = ReadBatch(body, total, failure);
  if (failure.has_value()) return {tokens.size(), *failure};
  std::vector<ProviderAnswer> answers(tokens.size());
  size_t next = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    answers[i].detail = "it has no pool";
    ReadPools(tokens[i], known[i], absl::MakeConstSpan(results).subspan(next, counts[i]), heard_at, answers[i]);
    next += counts[i];
  }
  return answers;
}

void EvmOnchainProvider::ReadPools(const chain::TokenRef& token, const Known& known,
                                   absl::Span<const std::optional<std::vector<WideInteger>>> results,
                                   absl::Time heard_at, ProviderAnswer& answer) const {
  size_t next = 0;
  for (const Pool& pool : known.pools) {
    const bool is_v2 = pool.kind == evm::PoolKind::kV2;
    const auto& state = results[next++];
    const auto& balance = is_v2 ? state : results[next++];
    if (!state.has_value() || state->size() < 2 || !balance.has_value() || balance->empty()) {
      Answers::NoPrice(answer, "its pool does not tell a price");
      continue;
    }
    const bool token_is_token0 = token.address < pool.quote.address;
    const evm::UnitRatio ratio = is_v2 ? evm::OfReserves((*state)[0], (*state)[1], token_is_token0)
                                       : evm::OfSqrtPrice((*state)[0], token_is_token0);
    PoolPrice price;
    price.quote = {chain_, pool.quote.address};
    price.quote_units = ratio.quote_units;
    price.token_units = ratio.token_units;
    price.quote_decimals = pool.quote.decimals;
    price.token_decimals = known.decimals;
    price.pool_quote_units = is_v2 ? ratio.quote_units : balance->front();
    price.venue = pool.venue;
    price.pool = pool.address.text();
    ProviderAnswer one;
    AddPoolPrice(price, quote_usd_, heard_at, one);
    if (one.outcome != Outcome::kFound) {
      Answers::NoPrice(answer, one.detail, one.outcome);
    } else if (*one.observations.front().liquidity_usd < kLeastPoolUsd) {
      Answers::NoPrice(answer, "its pools hold next to nothing");
    } else {
      Answers::Add(answer, std::move(one.observations.front()));
    }
  }
  RankPools(answer.observations);
}

}  // namespace tokenwatch::pricing
