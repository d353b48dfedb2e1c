#include "detector/token_book.h"

#include <algorithm>
#include <utility>

#include "common/text/safe_text.h"

namespace tokenwatch::detector {
namespace {

// pump.fun allows names of 32 and symbols of 13 bytes; other venues allow more. A URI is 200 bytes in both metadata
// standards.
constexpr common::SafeTextLimits kNameLimits{.max_bytes = 128, .max_graphemes = 64};
constexpr common::SafeTextLimits kSymbolLimits{.max_bytes = 64, .max_graphemes = 32};
constexpr common::SafeTextLimits kUriLimits{.max_bytes = 512, .max_graphemes = 512};

bool AddFeed(Token& token, const Word& feed) {
  const std::string name(feed.text());
  const auto at = std::lower_bound(token.feeds.begin(), token.feeds.end(), name);
  if (at != token.feeds.end() && *at == name) return false;
  token.feeds.insert(at, name);
  return true;
}

// Takes `from` when `to` is not known, or when `from` has more authority and differs.
template <typename Field>
bool Fill(Field& to, const Field& from, bool authoritative) {
  const Field unknown{};
  if (from == unknown || to == from) return false;
  if (to != unknown && !authoritative) return false;
  to = from;
  return true;
}

struct CleanName {
  std::string name;
  std::string symbol;
  bool sanitized = false;
  bool real = false;
};

CleanName Clean(const std::string& name, const std::string& symbol) {
  common::SafeTextResult safe_name = common::SafeText(name, kNameLimits);
  common::SafeTextResult safe_symbol = common::SafeText(symbol, kSymbolLimits);
  CleanName clean;
  clean.real = common::IsRealName(safe_name.text) && !IsPlaceholderName(safe_name.text);
  clean.sanitized = safe_name.removed || safe_symbol.removed;
  clean.name = std::move(safe_name.text);
  clean.symbol = std::move(safe_symbol.text);
  return clean;
}

void GiveName(Token& token, CleanName clean, absl::string_view source, absl::Time named_at) {
  token.state = TokenState::kDetected;
  token.name = std::move(clean.name);
  if (!clean.symbol.empty()) token.symbol = std::move(clean.symbol);
  token.name_sanitized = clean.sanitized;
  token.name_source = std::string(source);
  token.named_at = named_at;
}

}  // namespace

TokenBook::TokenBook(std::vector<Token> loaded, uint64_t next_cursor) : next_cursor_(next_cursor) {
  order_.reserve(loaded.size());
  for (Token& token : loaded) {
    pages_.emplace(token.ref, order_.size());
    const TokenState was = token.state;
    order_.push_back(Page{std::move(token), was, false});
  }
}

TokenBook::Page& TokenBook::Open(const chain::TokenRef& ref, TokenOrigin origin, absl::Time seen_at, const Word& feed,
                                 bool* created) {
  const auto [found, inserted] = pages_.emplace(ref, order_.size());
  *created = inserted;
  if (!inserted) return order_[found->second];
  Token token;
  token.ref = ref;
  token.origin = origin;
  token.name = PlaceholderName(ref.address);
  token.first_seen_at = seen_at;
  token.first_cursor = next_cursor_;
  AddFeed(token, feed);
  order_.push_back(Page{std::move(token), std::nullopt, true});
  return order_.back();
}

void TokenBook::Record(TokenEventKind kind, absl::Time event_time, Page& page) {
  page.changed = true;
  events_.push_back(TokenEvent{next_cursor_++, kind, event_time, page.token});
}

void TokenBook::Launch(const LaunchSeen& launch, const Word& feed) {
  bool created = false;
  Page& page = Open(launch.ref, TokenOrigin::kLaunch, launch.event_time, feed, &created);
  Token& token = page.token;
  const bool first_launch = !token.launched_at.has_value();
  const bool authoritative = launch.slot != 0 && token.launch_slot == 0;
  // A mint is created once: another launch transaction is a feed's mistake, and the first one stands.
  if (!first_launch && token.launch_transaction != launch.transaction) return;

  page.changed |= AddFeed(token, feed);
  bool learned = first_launch;
  learned |= Fill(token.launch_transaction, launch.transaction, false);
  learned |= Fill(token.launched_at, std::optional<absl::Time>(launch.event_time), authoritative);
  learned |= Fill(token.launch_slot, launch.slot, false);
  learned |= Fill(token.creator, launch.creator, authoritative);
  learned |= Fill(token.venue, launch.venue, authoritative);
  learned |= Fill(token.pool, launch.pool, authoritative);
  learned |= Fill(token.quote, launch.quote, authoritative);
  learned |= Fill(token.decimals, launch.decimals, authoritative);
  learned |= Fill(token.supply, launch.supply, authoritative);
  learned |= Fill(token.is_mayhem, launch.is_mayhem, authoritative);
  learned |= Fill(token.is_cashback, launch.is_cashback, authoritative);
  learned |= Fill(token.uri, common::SafeText(launch.uri, kUriLimits).text, false);

  const bool was_pending = token.state == TokenState::kPending;
  if (was_pending) {
    CleanName clean = Clean(launch.name, launch.symbol);
    if (clean.real) {
      GiveName(token, std::move(clean), "launch", launch.event_time);
    } else {
      learned |= Fill(token.symbol, clean.symbol, false);
    }
  }
  if (first_launch) {
    Record(TokenEventKind::kLaunched, launch.event_time, page);
  } else if (was_pending && token.state == TokenState::kDetected) {
    Record(TokenEventKind::kNamed, launch.event_time, page);
  } else if (learned) {
    Record(TokenEventKind::kUpdated, launch.event_time, page);
  }
}

void TokenBook::Trade(const detector::Trade& trade) {
  const chain::TokenRef ref{trade.chain, trade.token};
  if (Knows(ref)) return;
  bool created = false;
  Page& page = Open(ref, TokenOrigin::kTrade, trade.event_time, trade.feed, &created);
  page.token.venue = trade.venue;
  page.token.quote = trade.quote;
  Record(TokenEventKind::kDiscovered, trade.event_time, page);
}

void TokenBook::Complete(const CompletionSeen& completion, const Word& feed) {
  bool created = false;
  Page& page = Open(completion.ref, TokenOrigin::kTrade, completion.event_time, feed, &created);
  if (created) Record(TokenEventKind::kDiscovered, completion.event_time, page);
  if (page.token.completed_at.has_value()) return;
  page.token.completed_at = completion.event_time;
  Record(TokenEventKind::kCompleted, completion.event_time, page);
}

void TokenBook::Migrate(const MigrationSeen& migration, const Word& feed) {
  bool created = false;
  Page& page = Open(migration.ref, TokenOrigin::kMigration, migration.event_time, feed, &created);
  if (created) Record(TokenEventKind::kDiscovered, migration.event_time, page);
  if (page.token.migration.has_value()) return;
  page.token.migration = Migration{migration.venue, migration.event_time, migration.transaction};
  Record(TokenEventKind::kMigrated, migration.event_time, page);
}

TokenBook::Named TokenBook::Name(const Resolution& resolution, absl::Time now) {
  const auto found = pages_.find(resolution.ref);
  if (found == pages_.end()) return Named::kUnknown;
  Page& page = order_[found->second];
  if (page.token.state == TokenState::kDetected) return Named::kAlreadyNamed;
  CleanName clean = Clean(resolution.name, resolution.symbol);
  if (!clean.real) return Named::kNotAName;
  clean.sanitized |= resolution.name_sanitized;
  GiveName(page.token, std::move(clean), resolution.source, now);
  Fill(page.token.uri, common::SafeText(resolution.uri, kUriLimits).text, false);
  Fill(page.token.decimals, resolution.decimals, false);
  Fill(page.token.imitates, resolution.imitates, false);
  Record(TokenEventKind::kNamed, now, page);
  return Named::kNamed;
}

std::vector<const TokenBook::Page*> TokenBook::Changed() const {
  std::vector<const Page*> changed;
  for (const Page& page : order_) {
    if (page.changed) changed.push_back(&page);
  }
  return changed;
}

}  // namespace tokenwatch::detector
