#include "detector/log/draft.h"

#include <algorithm>
#include <map>
#include <utility>
#include <variant>

#include "common/text/safe_text.h"

namespace tokenwatch::detector {
namespace {

constexpr common::SafeTextLimits kDetailLimits{.max_bytes = 512, .max_graphemes = 512};

// The token an event is about; nullptr for events about none, and for trades (most of whose tokens are known).
const chain::TokenRef* TokenOf(const FeedEvent& event) {
  if (const auto* launch = std::get_if<LaunchSeen>(&event)) return &launch->ref;
  if (const auto* completion = std::get_if<CompletionSeen>(&event)) return &completion->ref;
  if (const auto* migration = std::get_if<MigrationSeen>(&event)) return &migration->ref;
  return nullptr;
}

}  // namespace

void IntakeOutcome::Add(const IntakeOutcome& part) {
  accepted += part.accepted;
  duplicates += part.duplicates;
  quarantined += part.quarantined;
  named += part.named;
  returned += part.returned;
  already_named += part.already_named;
  unknown += part.unknown;
  trade_cursor = std::max(trade_cursor, part.trade_cursor);
}

void KnownTokens::Add(const chain::TokenRef& ref) {
  const absl::uint128 key = Fingerprint(ref);
  if (!keys_.insert(key).second) return;
  order_.push_back(key);
}

void KnownTokens::Trim() {
  while (order_.size() > capacity_) {
    keys_.erase(order_.front());
    order_.pop_front();
  }
}

void KnownTokens::Clear() {
  keys_.clear();
  order_.clear();
}

absl::StatusOr<std::unique_ptr<Draft>> Draft::Make(const std::vector<const Intake*>& intake, LogSession& session,
                                                   WriterMemory& memory, absl::Time now, const Limits& limits) {
  std::unique_ptr<Draft> draft(new Draft(intake, memory, now, limits));
  draft->commit_.heads = memory.heads;
  memory.window.Trim();
  memory.known.Trim();
  if (absl::Status status = draft->AskLogForOldTrades(session); !status.ok()) return status;
  const std::vector<chain::TokenRef> refs = draft->JudgeTrades();
  auto loaded = session.LoadTokens(refs);
  if (!loaded.ok()) return loaded.status();
  draft->book_ = std::make_unique<TokenBook>(*std::move(loaded), memory.heads.token_cursor + 1);
  // Exactly: the trades stay in memory as they are here.
  const auto& is_new = draft->trade_is_new_;
  draft->commit_.trades.reserve(static_cast<size_t>(std::count(is_new.begin(), is_new.end(), true)));
  draft->Apply(*draft->book_);
  return draft;
}

absl::Status Draft::AskLogForOldTrades(LogSession& session) {
  // Day by day, as the log is kept: one search over all times would read all the days in between.
  struct Search {
    std::vector<chain::TransactionId> transactions;
    absl::Time earliest = absl::InfiniteFuture();
    absl::Time latest = absl::InfinitePast();
  };
  std::map<absl::CivilDay, Search> searches;
  for (const Intake* intake : intake_) {
    for (const FeedEvent& event : intake->batch.events) {
      const auto* trade = std::get_if<Trade>(&event);
      if (trade == nullptr) continue;
      const TradeIdentity identity = IdentityOf(*trade);
      if (!memory_.window.MustAskLog(identity)) continue;
      const absl::Duration slack = memory_.window.SearchSlack(identity);
      Search& search = searches[absl::ToCivilDay(identity.event_time, absl::UTCTimeZone())];
      search.transactions.push_back(identity.transaction);
      search.earliest = std::min(search.earliest, identity.event_time - slack);
      search.latest = std::max(search.latest, identity.event_time + slack);
    }
  }
  for (const auto& [day, search] : searches) {
    const auto found = session.FindTrades(search.transactions, search.earliest, search.latest);
    if (!found.ok()) return found.status();
    for (const TradeIdentity& identity : *found) memory_.window.RememberLogged(identity);
  }
  return absl::OkStatus();
}

std::vector<chain::TokenRef> Draft::JudgeTrades() {
  std::vector<chain::TokenRef> refs;
  absl::flat_hash_set<chain::TokenRef> seen;
  const auto want = [&](const chain::TokenRef& ref) {
    if (seen.insert(ref).second) refs.push_back(ref);
  };
  for (const Intake* intake : intake_) {
    for (const FeedEvent& event : intake->batch.events) {
      if (const auto* trade = std::get_if<Trade>(&event)) {
        const bool is_new = memory_.window.Admit(IdentityOf(*trade));
        trade_is_new_.push_back(is_new);
        const chain::TokenRef ref{trade->chain, trade->token};
        if (is_new && !memory_.known.Contains(ref)) want(ref);
      } else if (const chain::TokenRef* ref = TokenOf(event)) {
        want(*ref);
      }
    }
    for (const Resolution& resolution : intake->resolutions) want(resolution.ref);
  }
  return refs;
}

void Draft::Apply(TokenBook& book) {
  outcomes_.reserve(intake_.size());
  for (const Intake* intake : intake_) {
    IntakeOutcome& outcome = outcomes_.emplace_back();
    FeedCounts& counts = feed_counts_.emplace_back(intake->batch.feed, FeedCounts()).second;
    ApplyEvents(*intake, book, outcome, counts);
    ApplyResolutions(*intake, book, outcome);
    const FeedBatch& batch = intake->batch;
    commit_.released_quarantine.insert(commit_.released_quarantine.end(), batch.released_quarantine.begin(),
                                       batch.released_quarantine.end());
    if (batch.position.has_value()) {
      // Only the last position of a source counts.
      std::erase_if(commit_.positions, [&](const FeedPosition& saved) {
        return saved.reader == batch.position->reader && saved.source == batch.position->source;
      });
      commit_.positions.push_back(*batch.position);
    }
    outcome.trade_cursor = commit_.heads.trade_cursor;
  }
  commit_.events = book.TakeEvents();
  commit_.tokens = book.Changed();
  commit_.heads.token_cursor = book.next_cursor() - 1;
  for (const TokenBook::Page* page : commit_.tokens) memory_.known.Add(page->token.ref);
}

void Draft::ApplyEvents(const Intake& intake, TokenBook& book, IntakeOutcome& outcome, FeedCounts& counts) {
  const Word& feed = intake.batch.feed;
  for (const FeedEvent& event : intake.batch.events) {
    const uint64_t before = book.next_cursor();
    if (const auto* trade = std::get_if<Trade>(&event)) {
      if (!trade_is_new_[next_trade_++]) {
        ++outcome.duplicates;
        ++counts.duplicates;
        continue;
      }
      const chain::TokenRef ref{trade->chain, trade->token};
      if (!memory_.known.Contains(ref)) {
        book.Trade(*trade);
        memory_.known.Add(ref);
      }
      Trade& logged = commit_.trades.emplace_back(*trade);
      logged.cursor = ++commit_.heads.trade_cursor;
      absl::Time& latest = logged.loose_time ? commit_.heads.latest_loose_trade : commit_.heads.latest_trade;
      latest = std::max(latest, logged.event_time);
      ++outcome.accepted;
      ++counts.trades;
      continue;
    }
    if (const auto* refused = std::get_if<FrameRefused>(&event)) {
      Quarantine(intake.batch, *refused);
      ++outcome.quarantined;
      ++counts.quarantined;
      continue;
    }
    if (const auto* launch = std::get_if<LaunchSeen>(&event)) {
      book.Launch(*launch, feed);
    } else if (const auto* completion = std::get_if<CompletionSeen>(&event)) {
      book.Complete(*completion, feed);
    } else if (const auto* migration = std::get_if<MigrationSeen>(&event)) {
      book.Migrate(*migration, feed);
    }
    const bool changed = book.next_cursor() != before;
    changed ? ++outcome.accepted : ++outcome.duplicates;
    if (std::holds_alternative<LaunchSeen>(event)) changed ? ++counts.launches : ++counts.duplicates;
  }
}

void Draft::ApplyResolutions(const Intake& intake, TokenBook& book, IntakeOutcome& outcome) {
  for (const Resolution& resolution : intake.resolutions) {
    const bool returns = resolution.name.empty();
    const TokenBook::Named named = returns ? TokenBook::Named::kNotAName : book.Name(resolution, now_);
    switch (named) {
      case TokenBook::Named::kNamed:
        ++outcome.named;
        break;
      case TokenBook::Named::kAlreadyNamed:
        ++outcome.already_named;
        break;
      case TokenBook::Named::kUnknown:
        ++outcome.unknown;
        break;
      case TokenBook::Named::kNotAName:
        if (!book.Knows(resolution.ref)) {
          ++outcome.unknown;
          break;
        }
        commit_.returned_claims.emplace_back(resolution.ref, resolution.retry_at);
        ++outcome.returned;
        break;
    }
  }
}

void Draft::Quarantine(const FeedBatch& batch, const FrameRefused& refused) {
  QuarantinedFrame frame;
  frame.id = ++commit_.heads.quarantine_id;
  frame.feed = batch.feed;
  frame.reason = common::SafeText(refused.reason, kDetailLimits).text;
  frame.detail = common::SafeText(refused.detail, kDetailLimits).text;
  frame.raw = refused.raw.substr(0, limits_.max_raw_bytes);
  frame.raw_cut = refused.raw.size() > limits_.max_raw_bytes;
  frame.received_at = refused.received_at.value_or(batch.received_at);
  commit_.quarantine.push_back(std::move(frame));
}

}  // namespace tokenwatch::detector
