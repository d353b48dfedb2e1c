// A store in memory that keeps the rules of the real one and fails when told to. For tests.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/sync/mutex.h"
#include "detector/store.h"

namespace tokenwatch::detector {

// What the database holds. Not thread-safe; FakeStore locks.
struct FakeTables {
  LogHeads heads;
  std::vector<Trade> trades;
  std::vector<TokenEvent> events;
  std::map<chain::TokenRef, Token> detected;
  std::map<chain::TokenRef, Token> pending;
  std::vector<QuarantinedFrame> quarantine;
  std::map<std::string, uint64_t> positions;
  std::vector<std::pair<chain::TokenRef, absl::Time>> returned_claims;
  // Rules of the real tables that a commit broke.
  std::vector<std::string> broken_rules;

  void Apply(const Commit& commit) {
    for (const Trade& trade : commit.trades) {
      if (trade.cursor != trades.size() + 1) broken_rules.push_back(absl::StrCat("trade cursor ", trade.cursor));
      trades.push_back(trade);
    }
    for (const TokenEvent& event : commit.events) {
      if (event.cursor != events.size() + 1) broken_rules.push_back(absl::StrCat("token cursor ", event.cursor));
      events.push_back(event);
    }
    for (const TokenBook::Page* page : commit.tokens) {
      const Token& token = page->token;
      const bool is_detected = token.state == TokenState::kDetected;
      if (is_detected && page->was == TokenState::kPending) pending.erase(token.ref);
      (is_detected ? detected : pending)[token.ref] = token;
      if (detected.contains(token.ref) && pending.contains(token.ref)) {
        broken_rules.push_back(absl::StrCat("in both tables: ", token.ref.address.text()));
      }
    }
    for (const QuarantinedFrame& frame : commit.quarantine) quarantine.push_back(frame);
    for (const uint64_t id : commit.released_quarantine) {
      std::erase_if(quarantine, [id](const QuarantinedFrame& frame) { return frame.id == id; });
    }
    for (const FeedPosition& position : commit.positions) {
      uint64_t& frames = positions[absl::StrCat(position.reader.text(), "/", position.source)];
      frames = std::max(frames, position.frames);
    }
    returned_claims.insert(returned_claims.end(), commit.returned_claims.begin(), commit.returned_claims.end());
    if (commit.heads.trade_cursor != trades.size()) broken_rules.push_back("head of trades");
    if (commit.heads.token_cursor != events.size()) broken_rules.push_back("head of events");
    heads = commit.heads;
  }

  std::vector<TradeIdentity> Find(absl::Span<const chain::TransactionId> wanted, absl::Time earliest,
                                  absl::Time latest) const {
    const std::set<chain::TransactionId> transactions(wanted.begin(), wanted.end());
    std::vector<TradeIdentity> found;
    for (const Trade& trade : trades) {
      if (trade.event_time < earliest || trade.event_time > latest) continue;
      if (transactions.contains(trade.transaction)) found.push_back(IdentityOf(trade));
    }
    return found;
  }

 private:
  static TradeIdentity IdentityOf(const Trade& trade) {
    return {trade.transaction,  trade.event_index, trade.token,     trade.side,
            trade.token_amount, trade.event_time,  trade.loose_time};
  }
};

// Thread-safe; what a test reads is a copy.
class FakeStore final : public Store {
 public:
  // What becomes of a call; the real work is done when it says OK. Set before the store is in use.
  std::function<absl::Status(int call)> on_open = [](int) { return absl::OkStatus(); };
  // Whether another process has the lead at this call of OpenLogSession.
  std::function<bool(int call)> another_leads = [](int) { return false; };
  // Told the commit before it takes place. {status, whether it takes place all the same}.
  struct WriteAnswer {
    absl::Status status;
    bool applied = true;
  };
  std::function<WriteAnswer(int call, const Commit& commit)> on_write = [](int, const Commit&) {
    return WriteAnswer{};
  };
  std::function<absl::Status(int call)> on_load_position = [](int) { return absl::OkStatus(); };
  std::function<absl::Status(int call)> on_read_trades = [](int) { return absl::OkStatus(); };

  FakeTables tables() const {
    common::MutexLock lock(mutex_);
    return tables_;
  }
  void Change(const std::function<void(FakeTables&)>& change) {
    common::MutexLock lock(mutex_);
    change(tables_);
  }
  int opens() const { return Count(opens_); }
  int writes() const { return Count(writes_); }
  int finds() const { return Count(finds_); }
  int reads() const { return Count(reads_); }

  absl::StatusOr<std::unique_ptr<LogSession>> OpenLogSession(absl::Time) override {
    const int call = Next(opens_);
    if (absl::Status status = on_open(call); !status.ok()) return status;
    if (another_leads(call)) return nullptr;
    return std::make_unique<Session>(*this);
  }
  absl::StatusOr<LogHeads> ReadHeads(absl::Time) override { return tables().heads; }
  absl::StatusOr<uint64_t> ReadTrades(uint64_t after, uint64_t until, const TradeFilter& filter, int limit,
                                      const std::function<void(const TradeFields&)>& visit, absl::Time) override {
    if (absl::Status status = on_read_trades(Next(reads_)); !status.ok()) return status;
    const FakeTables now = tables();
    // As the real one: without a filter never further than what is returned.
    const uint64_t end = filter.empty() ? std::min(until, after + static_cast<uint64_t>(limit)) : until;
    int read = 0;
    AmountTexts texts;
    for (const Trade& trade : now.trades) {
      if (trade.cursor <= after || trade.cursor > end || !filter.Matches(trade)) continue;
      visit(FieldsOf(trade, texts));
      if (++read == limit) return trade.cursor;
    }
    return end;
  }
  absl::Status ReadTradesAt(absl::Span<const uint64_t> cursors, const std::function<void(const TradeFields&)>& visit,
                            absl::Time) override {
    const FakeTables now = tables();
    AmountTexts texts;
    for (const uint64_t cursor : cursors) {
      if (cursor >= 1 && cursor <= now.trades.size()) visit(FieldsOf(now.trades[cursor - 1], texts));
    }
    return absl::OkStatus();
  }
  absl::StatusOr<std::optional<uint64_t>> OldestTrade(absl::Time) override {
    const FakeTables now = tables();
    return now.trades.empty() ? std::optional<uint64_t>() : now.trades.front().cursor;
  }
  absl::StatusOr<std::vector<TokenEvent>> ReadEvents(uint64_t after, int limit, absl::Time) override {
    if (absl::Status status = on_read_trades(Next(reads_)); !status.ok()) return status;
    std::vector<TokenEvent> events;
    for (const TokenEvent& event : tables().events) {
      if (event.cursor > after && events.size() < static_cast<size_t>(limit)) events.push_back(event);
    }
    return events;
  }
  absl::StatusOr<std::vector<QuarantinedFrame>> LoadQuarantine(absl::Span<const uint64_t> ids,
                                                               const std::string& reason, int limit,
                                                               absl::Time) override {
    std::vector<QuarantinedFrame> frames;
    for (const QuarantinedFrame& frame : tables().quarantine) {
      const bool wanted = ids.empty() || std::find(ids.begin(), ids.end(), frame.id) != ids.end();
      if (wanted && (reason.empty() || frame.reason == reason) && frames.size() < static_cast<size_t>(limit)) {
        frames.push_back(frame);
      }
    }
    return frames;
  }
  absl::StatusOr<uint64_t> LoadPosition(const Word& reader, const std::string& source, absl::Time) override {
    if (absl::Status status = on_load_position(Next(positions_)); !status.ok()) return status;
    const FakeTables now = tables();
    const auto found = now.positions.find(absl::StrCat(reader.text(), "/", source));
    return found == now.positions.end() ? uint64_t{0} : found->second;
  }

  // Not used by the parts that are tested with this store.
  absl::StatusOr<std::vector<Token>> GetTokens(absl::Span<const chain::TokenRef>, absl::Time) override {
    return NotHere();
  }
  absl::StatusOr<std::vector<Token>> ListTokens(const TokenQuery&, absl::Time) override { return NotHere(); }
  absl::StatusOr<std::vector<Token>> SearchTokens(const SearchQuery&, absl::Time) override { return NotHere(); }
  absl::StatusOr<std::vector<ClaimedToken>> ClaimPending(const std::string&, int, absl::Time, absl::Duration,
                                                         absl::Time) override {
    return NotHere();
  }
  absl::StatusOr<Consumer> SaveConsumer(const std::string&, uint64_t, absl::Time, absl::Time) override {
    return NotHere();
  }
  absl::StatusOr<std::vector<Consumer>> ListConsumers(const std::string&, int, absl::Time) override {
    return NotHere();
  }
  absl::Status DeleteConsumer(const std::string&, absl::Time) override { return NotHere(); }
  absl::StatusOr<std::vector<QuarantinedFrame>> ListQuarantine(const std::string&, const std::string&, uint64_t, int,
                                                               absl::Time) override {
    return NotHere();
  }
  absl::StatusOr<Totals> ReadTotals(absl::Time) override { return NotHere(); }
  absl::StatusOr<common::DatabaseReport> Diagnose(absl::Time) override { return NotHere(); }
  absl::StatusOr<std::vector<std::string>> DropOldTrades(int, absl::Time, absl::Time) override { return NotHere(); }
  absl::StatusOr<int64_t> TrimQuarantine(int64_t, absl::Time) override { return NotHere(); }

 private:
  // After an error it is of no use, as the real one.
  class Session final : public LogSession {
   public:
    explicit Session(FakeStore& store) : store_(store) {}

    absl::StatusOr<LogHeads> ReadHeads() override { return heads_ = store_.tables().heads; }
    absl::Status ReadRecentTrades(uint64_t count, const std::function<void(const TradeIdentity&)>& visit) override {
      const FakeTables now = store_.tables();
      const size_t skip = now.trades.size() > count ? now.trades.size() - count : 0;
      for (size_t i = skip; i < now.trades.size(); ++i) {
        const Trade& trade = now.trades[i];
        visit({trade.transaction, trade.event_index, trade.token, trade.side, trade.token_amount, trade.event_time,
               trade.loose_time});
      }
      return absl::OkStatus();
    }
    absl::StatusOr<std::vector<TradeIdentity>> FindTrades(absl::Span<const chain::TransactionId> transactions,
                                                          absl::Time earliest, absl::Time latest) override {
      Next(store_, store_.finds_);
      return store_.tables().Find(transactions, earliest, latest);
    }
    absl::StatusOr<std::vector<Token>> LoadTokens(absl::Span<const chain::TokenRef> refs) override {
      const FakeTables now = store_.tables();
      std::vector<Token> tokens;
      for (const chain::TokenRef& ref : refs) {
        if (const auto found = now.detected.find(ref); found != now.detected.end()) tokens.push_back(found->second);
        if (const auto found = now.pending.find(ref); found != now.pending.end()) tokens.push_back(found->second);
      }
      return tokens;
    }
    absl::Status Write(const Commit& commit) override {
      if (used_up_) return absl::InternalError("used after an error");
      const WriteAnswer answer = store_.on_write(Next(store_, store_.writes_), commit);
      if (answer.status.ok() || !answer.applied) used_up_ = !answer.status.ok();
      if (!answer.status.ok() && !answer.applied) return answer.status;
      absl::Status moved = absl::OkStatus();
      store_.Change([&](FakeTables& tables) {
        if (tables.heads == heads_) {
          tables.Apply(commit);
        } else {
          moved = absl::AbortedError("the log moved under its writer");
        }
      });
      if (!moved.ok()) return moved;
      heads_ = commit.heads;
      used_up_ = !answer.status.ok();
      return answer.status;
    }

   private:
    static int Next(FakeStore& store, int& counter) { return store.Next(counter); }

    FakeStore& store_;
    LogHeads heads_;
    bool used_up_ = false;
  };

  static absl::Status NotHere() { return absl::UnimplementedError("the fake store does not do this"); }
  int Next(int& counter) {
    common::MutexLock lock(mutex_);
    return ++counter;
  }
  int Count(const int& counter) const {
    common::MutexLock lock(mutex_);
    return counter;
  }

  mutable common::Mutex mutex_;
  FakeTables tables_ TW_GUARDED_BY(mutex_);
  // Calls so far; counted from 1.
  int opens_ = 0;
  int writes_ = 0;
  int finds_ = 0;
  int reads_ = 0;
  int positions_ = 0;
};

}  // namespace tokenwatch::detector
