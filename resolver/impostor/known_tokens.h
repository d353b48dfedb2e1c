// Flags tokens that borrow the name of a well-known one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "resolver/token.h"

namespace tokenwatch::resolver {

struct KnownToken {
  TokenRef token;
  std::string symbol;
  std::string name;
};

// Immutable after construction, so thread-safe.
class KnownTokens {
 public:
  explicit KnownTokens(const std::vector<KnownToken>& tokens);

  // The list compiled into the program.
  static const KnownTokens& BuiltIn();

  // The well-known token that `token`, called `name` and `symbol`, looks like without being it: one whose name or
  // symbol has the same confusable skeleton. One on the same chain is preferred. Nothing for a well-known token itself.
  std::optional<TokenRef> ImitatedBy(const TokenRef& token, absl::string_view name, absl::string_view symbol) const;

  size_t size() const { return tokens_.size(); }

 private:
  using Index = absl::flat_hash_map<std::string, std::vector<TokenRef>>;

  const TokenRef* Find(const Index& index, const std::string& key, chain::Chain chain) const;

  absl::flat_hash_set<TokenRef> tokens_;
  Index by_skeleton_;
  Index by_cased_skeleton_;
};

}  // namespace tokenwatch::resolver
