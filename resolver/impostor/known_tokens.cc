#include "resolver/impostor/known_tokens.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/strip.h"
#include "common/text/skeleton.h"

namespace tokenwatch::resolver {
namespace {

// "$WIF" and "WIF" are one symbol.
absl::string_view Bare(absl::string_view text) { return absl::StripPrefix(text, "$"); }

void AddTo(std::vector<TokenRef>& tokens, const TokenRef& token) {
  if (std::find(tokens.begin(), tokens.end(), token) == tokens.end()) tokens.push_back(token);
}

KnownToken Make(absl::string_view chain_name, absl::string_view address, absl::string_view symbol,
                absl::string_view name) {
  const chain::Chain chain = chain::ParseChain(chain_name);
  const std::optional<chain::Address> parsed = chain::ParseAddress(chain, address);
  // A mistake in the compiled-in list: every test sees it.
  if (!parsed.has_value()) std::abort();
  return {{chain, *parsed}, std::string(symbol), std::string(name)};
}

}  // namespace

KnownTokens::KnownTokens(const std::vector<KnownToken>& tokens) {
  for (const KnownToken& known : tokens) {
    tokens_.insert(known.token);
    for (const std::string& text : {known.symbol, known.name}) {
      AddTo(by_skeleton_[common::Skeleton(Bare(text))], known.token);
      AddTo(by_cased_skeleton_[common::CasedSkeleton(Bare(text))], known.token);
    }
  }
  by_skeleton_.erase("");
  by_cased_skeleton_.erase("");
}

const KnownTokens& KnownTokens::BuiltIn() {
  static const KnownTokens* const known = new KnownTokens({
#define KNOWN_TOKEN(chain, address, symbol, name) Make(chain, address, symbol, name),
#include "resolver/impostor/known_tokens.inc"
#undef KNOWN_TOKEN
  });
  return *known;
}

const TokenRef* KnownTokens::Find(const Index& index, const std::string& key, chain::Chain chain) const {
  const auto found = index.find(key);
  if (found == index.end()) return nullptr;
  for (const TokenRef& token : found->second) {
    if (token.chain == chain) return &token;
  }
  return &found->second.front();
}

std::optional<TokenRef> KnownTokens::ImitatedBy(const TokenRef& token, absl::string_view name,
                                                absl::string_view symbol) const {
  if (tokens_.contains(token)) return std::nullopt;
  const TokenRef* other_chain = nullptr;
  for (const absl::string_view text : {Bare(symbol), Bare(name)}) {
    for (const TokenRef* found : {Find(by_skeleton_, common::Skeleton(text), token.chain),
                                  Find(by_cased_skeleton_, common::CasedSkeleton(text), token.chain)}) {
      if (found == nullptr) continue;
      if (found->chain == token.chain) return *found;
      other_chain = found;
    }
  }
  if (other_chain != nullptr) return *other_chain;
  return std::nullopt;
}

}  // namespace tokenwatch::resolver
