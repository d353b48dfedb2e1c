// A provider inside this process: the price that trades left behind, asked in turn with those outside.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "pricing/oracle/provider.h"

namespace tokenwatch::pricing {

// Thread-safe if the function is. It has no budget, and answers inside Ask.
class LocalProvider final : public Provider {
 public:
  // Must be quick: it runs on the oracle's loop.
  using LookUp = std::function<ProviderAnswer(const chain::TokenRef&)>;

  LocalProvider(std::string name, LookUp look_up) : name_(std::move(name)), look_up_(std::move(look_up)) {}

  absl::string_view name() const override { return name_; }
  size_t max_batch() const override { return 1'000; }
  bool Serves(const chain::TokenRef& /*token*/) const override { return true; }
  common::RateGrant Admit() override { return {.granted = true}; }
  common::UpstreamBudget budget() const override { return {}; }
  void Ask(const std::vector<chain::TokenRef>& tokens, absl::Time /*deadline*/, ProviderCallback done) override {
    std::vector<ProviderAnswer> answers;
    answers.reserve(tokens.size());
    for (const chain::TokenRef& token : tokens) answers.push_back(look_up_(token));
    done(std::move(answers));
  }

 private:
  const std::string name_;
  const LookUp look_up_;
};

}  // namespace tokenwatch::pricing
