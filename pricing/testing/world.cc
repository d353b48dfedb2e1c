#include "pricing/testing/world.h"

#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "common/sync/stop.h"
#include "pricing/decimal_text.h"
#include "pricing/oracle/oracle_answer.h"

namespace tokenwatch::pricing {

chain::TokenRef TestToken(uint64_t number) {
  std::array<uint8_t, 32> bytes{};
  for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<uint8_t>(number >> (8 * i));
  bytes[31] = 7;
  return {chain::Chain::kSolana, chain::Address::FromSolanaBytes(bytes)};
}

chain::Address TestQuote() { return *chain::Address::FromCanonical("So11111111111111111111111111111111111111112"); }
chain::Address TestUsdc() { return *chain::Address::FromCanonical("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"); }
absl::Time TestTime() { return absl::FromUnixSeconds(1'783'087'200); }

Trade FakeLog::Append(Trade trade) {
  common::MutexLock lock(mutex_);
  trade.cursor = trades_.size() + 1;
  trades_.push_back(trade);
  return trade;
}

void FakeLog::Drop(uint64_t cursor) {
  common::MutexLock lock(mutex_);
  dropped_ = cursor;
}

void FakeLog::SetDecimals(const chain::TokenRef& token, int decimals) {
  common::MutexLock lock(mutex_);
  decimals_[token] = decimals;
}

void FakeLog::Fail(const absl::Status& status) {
  common::MutexLock lock(mutex_);
  failure_ = status;
}

std::vector<Trade> FakeLog::trades(uint64_t after) const {
  common::MutexLock lock(mutex_);
  return {trades_.begin() + static_cast<std::ptrdiff_t>(after), trades_.end()};
}

uint64_t FakeLog::head() const {
  common::MutexLock lock(mutex_);
  return trades_.size();
}

int FakeLog::reads() const {
  common::MutexLock lock(mutex_);
  return reads_;
}

int FakeLog::lookups() const {
  common::MutexLock lock(mutex_);
  return lookups_;
}

void FakeLog::EndTail(size_t trades, const absl::Status& status) {
  common::MutexLock lock(mutex_);
  tail_ends_.emplace_back(trades, status);
}

void FakeLog::SetHead(std::optional<uint64_t> head) {
  common::MutexLock lock(mutex_);
  told_head_ = head;
}

std::vector<uint64_t> FakeLog::tails() const {
  common::MutexLock lock(mutex_);
  return tails_;
}

absl::Status FakeLog::Tail(uint64_t cursor, const std::function<absl::Status(TradeBatch&&)>& handle,
                           const std::stop_token& stop) {
  std::optional<std::pair<size_t, absl::Status>> end;
  {
    common::MutexLock lock(mutex_);
    tails_.push_back(cursor);
    if (!tail_ends_.empty()) {
      end = tail_ends_.front();
      tail_ends_.pop_front();
    }
  }
  do {
    TradeBatch batch;
    batch.trades = trades(cursor);
    if (end.has_value() && batch.trades.size() >= end->first) batch.trades.resize(end->first);
    if (!batch.trades.empty()) {
      if (end.has_value()) end->first -= batch.trades.size();
      cursor = batch.cursor = batch.trades.back().cursor;
      if (absl::Status status = handle(std::move(batch)); !status.ok()) return status;
    }
    if (end.has_value() && end->first == 0) return end->second;
  } while (common::SleepUnlessStopped(stop, absl::Milliseconds(1)));
  return absl::CancelledError("stopped");
}

absl::StatusOr<std::vector<Trade>> FakeLog::GetTrades(absl::Span<const uint64_t> cursors, absl::Time) {
  common::MutexLock lock(mutex_);
  ++reads_;
  if (!failure_.ok()) return failure_;
  std::vector<Trade> found;
  for (const uint64_t cursor : cursors) {
    if (cursor > dropped_ && cursor <= trades_.size()) found.push_back(trades_[cursor - 1]);
  }
  return found;
}

absl::StatusOr<std::vector<Trade>> FakeLog::ReadTrades(const chain::TokenRef& token, uint64_t first, uint64_t last,
                                                       int limit, absl::Time) {
  common::MutexLock lock(mutex_);
  ++reads_;
  if (!failure_.ok()) return failure_;
  std::vector<Trade> found;
  for (const Trade& trade : trades_) {
    if (trade.cursor <= dropped_ || trade.cursor < first || trade.cursor > last || trade.token != token) continue;
    if (static_cast<int>(found.size()) < limit) found.push_back(trade);
  }
  return found;
}

absl::StatusOr<std::vector<TokenDecimals>> FakeLog::GetDecimals(absl::Span<const chain::TokenRef> tokens, absl::Time) {
  common::MutexLock lock(mutex_);
  ++lookups_;
  if (!failure_.ok()) return failure_;
  std::vector<TokenDecimals> known;
  for (const chain::TokenRef& token : tokens) {
    const auto found = decimals_.find(token);
    if (found != decimals_.end()) known.push_back({token, found->second});
  }
  return known;
}

absl::StatusOr<std::vector<chain::TokenRef>> FakeLog::SeenSince(absl::Span<const chain::TokenRef> tokens,
                                                                absl::Time since, absl::Time) {
  common::MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  std::vector<chain::TokenRef> seen;
  for (const chain::TokenRef& token : tokens) {
    const auto first =
        std::find_if(trades_.begin(), trades_.end(), [&](const Trade& trade) { return trade.token == token; });
    if (first != trades_.end() && first->event_time >= since) seen.push_back(token);
  }
  return seen;
}

absl::StatusOr<uint64_t> FakeLog::Head(absl::Time) {
  common::MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  return told_head_.value_or(trades_.size());
}

absl::Status FakeLog::Acknowledge(const std::string&, uint64_t, absl::Time) { return absl::OkStatus(); }

void FakeOracle::Set(const chain::TokenRef& token, const std::string& source, double usd,
                     std::optional<absl::Time> event_time) {
  common::MutexLock lock(mutex_);
  SourceReport report;
  report.source = Word(source);
  report.outcome = Outcome::kFound;
  report.observation.emplace();
  report.observation->usd = DecimalText(usd);
  report.observation->value = usd;
  report.observation->event_time = event_time;
  report.observation->heard_at = event_time.value_or(TestTime() + absl::Minutes(1));
  report.observation->liquidity_usd = 10'000;
  report.observation->venue = Word("raydium");
  report.observation->pool = "pool-of-" + source;
  reports_[token].push_back(report);
}

void FakeOracle::SetFailure(const chain::TokenRef& token, const std::string& source, Outcome outcome) {
  common::MutexLock lock(mutex_);
  SourceReport report;
  report.source = Word(source);
  report.outcome = outcome;
  reports_[token].push_back(report);
}

std::vector<OracleQuestion> FakeOracle::questions() const {
  common::MutexLock lock(mutex_);
  return questions_;
}

OracleAnswer FakeOracle::Answer(const OracleQuestion& question) {
  questions_.push_back(question);
  std::vector<SourceReport> reports = reports_[question.token];
  if (question.policy == Policy::kAggregate) return AggregateReports(std::move(reports), question.min_sources);
  OracleAnswer answer;
  for (SourceReport& report : reports) {
    if (!report.observation.has_value() || answer.usd.has_value()) continue;
    report.used = true;
    answer.usd = report.observation->value;
    answer.event_time = report.observation->made_at();
  }
  answer.sources = std::move(reports);
  return answer;
}

void FakeOracle::Ask(const OracleQuestion& question, OracleCallback done) {
  OracleAnswer answer;
  {
    common::MutexLock lock(mutex_);
    answer = Answer(question);
  }
  done(std::move(answer));
}

void FakeOracle::AskMany(const std::vector<OracleQuestion>& questions,
                         std::function<void(std::vector<OracleAnswer>)> done) {
  std::vector<OracleAnswer> answers;
  {
    common::MutexLock lock(mutex_);
    for (const OracleQuestion& question : questions) answers.push_back(Answer(question));
  }
  done(std::move(answers));
}

std::vector<ProviderState> FakeOracle::providers() const {
  return {{"dexscreener", "closed", 7, 1, 59, 60, absl::InfinitePast()}};
}

World::World(const FoldOptions& options)
    : fold_(std::make_unique<pricing::Fold>(
          options, hot,
          [this](const chain::TokenRef& asset, absl::Time at) -> std::optional<double> {
            const auto reference = references.Find(asset, at, view.options().reference_max_age);
            if (!reference.has_value()) return std::nullopt;
            return std::stod(reference->usd);
          },
          *this, *this)) {
  fold_->Begin({});
}

World::~World() = default;

Trade World::Add(const chain::TokenRef& token, absl::Duration at, uint64_t quote_reserve, uint64_t token_reserve,
                 const std::function<void(Trade&)>& change) {
  Trade trade;
  trade.token = token;
  trade.quote = TestQuote();
  trade.trader = TestToken(1'000'000 + folded_ % 7).address;
  trade.is_buy = true;
  trade.venue = Word("pump");
  trade.token_amount = 1'000'000;
  trade.quote_amount = 10'000'000;
  trade.reserves = Reserves{chain::Amount(token_reserve), chain::Amount(quote_reserve)};
  trade.pool_quote = chain::Amount(quote_reserve / 2);
  trade.event_time = TestTime() + at;
  std::array<uint8_t, 64> signature{};
  const uint64_t number = log.head() + 1;
  for (size_t i = 0; i < 8; ++i) signature[i] = static_cast<uint8_t>(number >> (8 * i));
  signature[63] = 1;
  trade.transaction = chain::TransactionId::FromSolanaBytes(signature);
  if (change) change(trade);
  return log.Append(trade);
}

void World::Fold() {
  TradeBatch batch;
  batch.trades = log.trades(folded_);
  folded_ += batch.trades.size();
  batch.cursor = folded_;
  const absl::Status applied = fold_->Apply(batch);
  ASSERT_TRUE(applied.ok()) << applied;
}

void World::Flush(bool everything) {
  // One flush may leave rows to the next.
  while (true) {
    const pricing::Flush flush = fold_->CollectFlush(flushes_, 1000, everything);
    flushes_ = flush.checkpoint.flush;
    store.Apply(flush);
    fold_->FlushWritten(flush);
    if (flush.rows() == 0) return;
  }
}

Reference World::AddReference(absl::Duration at, const std::string& usd, const chain::Address& asset) {
  const Reference reference{{chain::Chain::kSolana, asset}, TestTime() + at, usd, Word("test")};
  EXPECT_TRUE(references.Add(reference));
  return reference;
}

ServiceState World::state() const {
  ServiceState state;
  state.position = fold_->position();
  state.log_head = log.head();
  state.is_writer = true;
  state.fold = fold_->counts();
  state.rows_written = 11;
  state.transactions = 3;
  state.rows_saved = 89;
  return state;
}

absl::StatusOr<std::vector<Series>> World::LoadSeries(absl::Span<const SeriesKey> keys) {
  return store.LoadSeries(keys, absl::InfiniteFuture());
}
absl::StatusOr<std::vector<ChunkRow>> World::LoadChunks(absl::Span<const std::pair<SeriesKey, absl::Time>> chunks) {
  return store.LoadChunks(chunks, absl::InfiniteFuture());
}
absl::StatusOr<std::vector<Trade>> World::GetTrades(absl::Span<const uint64_t> cursors) {
  return log.GetTrades(cursors, absl::InfiniteFuture());
}
absl::StatusOr<std::vector<chain::TokenRef>> World::SeenSince(absl::Span<const chain::TokenRef> tokens,
                                                              absl::Time since) {
  return log.SeenSince(tokens, since, absl::InfiniteFuture());
}
void World::OnPrices(absl::Span<const chain::TokenRef> tokens) {
  if (listener_ != nullptr) listener_->OnPrices(tokens);
}

}  // namespace tokenwatch::pricing
