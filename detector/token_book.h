// The tokens that one commit touches: as they were loaded, and what the commit's events make of them.
//
// Pure: no clock, no database. Not thread-safe; one per commit.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "chain/address.h"
#include "detector/feed_event.h"
#include "detector/token.h"

namespace tokenwatch::detector {

// A name found for a pending token, or the return of a claim on it.
struct Resolution {
  chain::TokenRef ref;
  // Empty returns the claim.
  std::string name;
  std::string symbol;
  std::string uri;
  std::string source;
  std::optional<uint8_t> decimals;
  // For a returned claim: not to be claimed again before.
  absl::Time retry_at = absl::InfinitePast();
  std::optional<chain::TokenRef> imitates;
  bool name_sanitized = false;
};

class TokenBook {
 public:
  // `next_cursor` is the position of the first event this book makes.
  TokenBook(std::vector<Token> loaded, uint64_t next_cursor);

  bool Knows(const chain::TokenRef& ref) const { return pages_.contains(ref); }

  // A launch. Repeating it, or seeing it on another feed, changes only what was not known; the fields the chain itself
  // states (a launch with a slot) replace those of a feed that only heard of it.
  void Launch(const LaunchSeen& launch, const Word& feed);
  // A trade of a token. Makes a pending token of one never seen.
  void Trade(const detector::Trade& trade);
  void Complete(const CompletionSeen& completion, const Word& feed);
  // Makes a pending token of one never seen.
  void Migrate(const MigrationSeen& migration, const Word& feed);

  enum class Named { kNamed, kAlreadyNamed, kUnknown, kNotAName };
  // Names a pending token. `now` is the wall clock that named_at records.
  Named Name(const Resolution& resolution, absl::Time now);

  struct Page {
    Token token;
    // Where it was before this commit; nullopt for a token that is new.
    std::optional<TokenState> was;
    bool changed = false;
  };
  // The tokens that must be written, in the order in which they were first touched.
  std::vector<const Page*> Changed() const;
  // The events in log order, cursors assigned.
  const std::vector<TokenEvent>& events() const { return events_; }
  // The same, when no more is to come.
  std::vector<TokenEvent> TakeEvents() { return std::move(events_); }
  uint64_t next_cursor() const { return next_cursor_; }

 private:
  Page& Open(const chain::TokenRef& ref, TokenOrigin origin, absl::Time seen_at, const Word& feed, bool* created);
  void Record(TokenEventKind kind, absl::Time event_time, Page& page);

  uint64_t next_cursor_;
  std::vector<TokenEvent> events_;
  // Pages in order of first touch; the map points into it by index.
  std::vector<Page> order_;
  absl::flat_hash_map<chain::TokenRef, size_t> pages_;
};

}  // namespace tokenwatch::detector
