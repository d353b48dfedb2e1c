// One place that may know what a token is called.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/http/upstream.h"
#include "resolver/resolution.h"
#include "resolver/token.h"

namespace tokenwatch::resolver {

struct Question {
  TokenRef token;
  // Metadata address, where one is known already.
  std::string uri = {};
};

// What one source said about one token. Texts are as the source gave them: nothing is made safe here.
struct Answer {
  Outcome outcome = Outcome::kNotFound;
  // One line for people; what went wrong, when something did.
  std::string detail = {};
  // Where exactly the name came from ("token2022", "metaplex", "uri", "dexscreener"); set when anything was found.
  std::string provenance = {};
  std::string name = {};
  std::string symbol = {};
  // May be set without a name, as may `decimals`.
  std::string uri = {};
  std::optional<uint32_t> decimals = {};
  // Where the source said when to come back; InfinitePast otherwise.
  absl::Time retry_at = absl::InfinitePast();
};

// One answer per question, in the order of the questions.
using AnswerCallback = std::function<void(std::vector<Answer>)>;

// Whether a call may be made now.
struct Admission {
  bool admitted = false;
  // When not: the time from which it is worth asking again.
  absl::Time try_again_at = absl::InfinitePast();
};

using BudgetState = common::UpstreamBudget;

// Thread-safe.
class Source {
 public:
  virtual ~Source() = default;

  // Lower-case word: flag value, metric label, stored in `attempts`.
  virtual absl::string_view name() const = 0;
  // Questions that fit one call.
  virtual size_t max_batch() const = 0;
  // Whether asking makes sense: the chain is served, and what the source needs is there.
  virtual bool Serves(const Question& question) const = 0;

  // Takes one call from the budget, if the budget has one. Each admission is followed by one Ask.
  virtual Admission Admit(absl::Time now) = 0;
  virtual BudgetState budget(absl::Time now) const = 0;
  // Continues from what an earlier run left. Before the first Admit.
  virtual void Restore(const BudgetState& state) = 0;
  // Keeps the source closed until then, if it is not closed for longer: what another replica was told.
  virtual void CloseUntil(absl::Time until) = 0;

  // Asks once about 1 to max_batch() tokens of one chain. `done` is called exactly once, from any thread, possibly
  // before Ask returns, with one answer per question. A failed call gives every question that failure.
  virtual void Ask(const std::vector<Question>& questions, absl::Time now, AnswerCallback done) = 0;
};

}  // namespace tokenwatch::resolver
