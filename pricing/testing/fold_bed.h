// What tests of the fold begin with.
#pragma once

#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "pricing/fold/fold.h"
#include "pricing/testing/fake_database.h"
#include "pricing/testing/trades.h"

namespace tokenwatch::pricing::testing {

class Recorder : public FoldListener {
 public:
  void OnPrices(absl::Span<const chain::TokenRef> tokens) override { told.assign(tokens.begin(), tokens.end()); }
  std::vector<chain::TokenRef> told;
};

// A fold over a log that the test writes, and a database that it flushes to.
class FoldBed : public ::testing::Test {
 protected:
  FoldBed() {
    options_.persist_trades = 3;
    options_.persist_usd = 100;
    Restart();
  }

  // A new process with what the database has.
  void Restart() {
    fold_.reset();
    fold_ = std::make_unique<Fold>(options_, hot_, usd_, database_, listener_);
    database_.Restore(*fold_);
  }

  // Adds a trade of `token` to the log.
  Trade& Log(uint64_t token, absl::Duration since_start = absl::ZeroDuration()) {
    log_.push_back(PricedTrade(log_.size() + 1, token, Start() + since_start, 100, 200));
    return log_.back();
  }
  absl::Status Apply() {
    TradeBatch batch;
    for (const Trade& trade : log_) {
      if (trade.cursor > fold_->position().cursor) batch.trades.push_back(trade);
    }
    batch.cursor = log_.size();
    return fold_->Apply(batch);
  }
  Flush Collect(bool everything = true, size_t max_rows = 1000) {
    return fold_->CollectFlush(database_.checkpoint.flush, max_rows, everything);
  }
  Flush Write(bool everything = true, size_t max_rows = 1000) {
    Flush flush = Collect(everything, max_rows);
    EXPECT_TRUE(database_.Write(flush).ok());
    fold_->FlushWritten(flush);
    return flush;
  }
  // Lets the log's time pass, and what is idle leave.
  void Pass(absl::Duration since_start) {
    Log(999, since_start);
    ASSERT_TRUE(Apply().ok());
    Write();
    Log(999, since_start);
    ASSERT_TRUE(Apply().ok());
  }
  bool IsHot(uint64_t token) {
    return hot_.Read(TokenNumber(token), chain::Address(), [](const Series&) {});
  }
  Series Read(uint64_t token) {
    Series found;
    EXPECT_TRUE(hot_.Read(TokenNumber(token), chain::Address(), [&](const Series& series) { found = series; }));
    return found;
  }
  static SeriesKey Key(uint64_t token) { return {TokenNumber(token), Canonical(kSol)}; }

  FoldOptions options_;
  UsdOfQuote usd_ = [](const chain::TokenRef&, absl::Time) { return 150.0; };
  std::vector<Trade> log_;
  FakeDatabase database_{log_};
  Recorder listener_;
  HotSet hot_;
  std::unique_ptr<Fold> fold_;
};

}  // namespace tokenwatch::pricing::testing
