// Collects the questions that wait for one source into batches of the provider's size.
//
// A full batch leaves at once. A part of one waits for company: `linger` when no company is in sight, and up to
// `linger_max` while the tokens still at earlier sources would fill it, because a call costs budget whatever it holds.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "resolver/token.h"

namespace tokenwatch::resolver {

// Not thread-safe.
class Batcher {
 public:
  struct Options {
    size_t max_batch = 1;
    absl::Duration linger = absl::Milliseconds(10);
    absl::Duration linger_max = absl::Milliseconds(500);
  };

  explicit Batcher(const Options& options) : options_(options) {}

  void Add(const TokenRef& token, absl::Time now);
  // False when it was not waiting.
  bool Remove(const TokenRef& token);

  // When the next batch should leave, with `upstream` tokens at earlier sources; InfiniteFuture when nobody waits.
  // A time at or before now means now.
  absl::Time DueAt(size_t upstream) const;
  // The batch that is due the most: tokens of one chain, oldest first. Empty when nobody waits.
  std::vector<TokenRef> Take(size_t upstream);

  // Empties the queue.
  std::vector<TokenRef> TakeAll();

  size_t size() const { return size_; }

 private:
  struct Waiting {
    TokenRef token;
    absl::Time since;
  };

  absl::Time DueAt(const std::deque<Waiting>& queue, size_t upstream) const;

  const Options options_;
  std::map<chain::Chain, std::deque<Waiting>> queues_;
  size_t size_ = 0;
};

}  // namespace tokenwatch::resolver
