#include "detector/rpc/log_sources.h"

#include <atomic>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "common/testing/wait_for.h"
#include "detector/log/fake_store_for_test.h"
#include "detector/samples_for_test.h"
#include "grpcpp/impl/codegen/proto_utils.h"

namespace tokenwatch::detector {
namespace {

using common::Pull;
using ::testing::ElementsAre;

v1::TailTradesResponse Parse(grpc::ByteBuffer& buffer) {
  v1::TailTradesResponse response;
  EXPECT_TRUE(grpc::SerializationTraits<v1::TailTradesResponse>::Deserialize(&buffer, &response).ok());
  return response;
}

class LogSourcesTest : public ::testing::Test {
 protected:
  // A commit: in the database, and published unless another process made it.
  void Append(uint64_t count, bool publish = true) {
    std::vector<Trade> trades;
    std::vector<TokenEvent> events;
    store_.Change([&](FakeTables& tables) {
      for (uint64_t i = 0; i < count; ++i) {
        Trade trade = SampleTrade(tables.trades.size() + 1, 0, tables.trades.size() % 3);
        trade.cursor = tables.trades.size() + 1;
        tables.trades.push_back(trade);
        trades.push_back(trade);
        TokenEvent event;
        event.cursor = tables.events.size() + 1;
        event.kind = event.cursor % 2 == 0 ? TokenEventKind::kNamed : TokenEventKind::kLaunched;
        event.token.ref = SampleToken(event.cursor);
        tables.events.push_back(event);
        events.push_back(event);
      }
      tables.heads.trade_cursor = tables.trades.size();
      tables.heads.token_cursor = tables.events.size();
    });
    if (publish) {
      trades_.Publish(trades);
      events_.Publish(events);
    } else {
      trades_.Advance(store_.tables().heads.trade_cursor);
      events_.Advance(store_.tables().heads.token_cursor);
    }
  }

  // Takes from the source until it waits or ends.
  struct Taken {
    std::vector<uint64_t> cursors;
    uint64_t position = 0;
    Pull last = Pull::kWait;
    absl::Status status;
  };
  static Taken TakeAll(TradeSource& source) {
    Taken taken;
    grpc::ByteBuffer buffer;
    while ((taken.last = source.Next(&buffer, &taken.status)) == Pull::kSend) {
      const v1::TailTradesResponse response = Parse(buffer);
      for (const v1::Trade& trade : response.trades()) taken.cursors.push_back(trade.cursor());
      EXPECT_GT(response.cursor(), taken.position) << "each message gets on";
      taken.position = response.cursor();
      buffer.Clear();
    }
    return taken;
  }
  static Taken TakeAll(TokenEventSource& source) {
    Taken taken;
    while (true) {
      v1::WatchTokensResponse response;
      taken.last = source.Next(&response, &taken.status);
      if (taken.last != Pull::kSend) return taken;
      for (const v1::TokenEvent& event : response.events()) taken.cursors.push_back(event.cursor());
      EXPECT_GT(response.cursor(), taken.position);
      taken.position = response.cursor();
    }
  }
  static std::vector<uint64_t> Range(uint64_t first, uint64_t last) {
    std::vector<uint64_t> cursors;
    for (uint64_t cursor = first; cursor <= last; ++cursor) cursors.push_back(cursor);
    return cursors;
  }

  FakeStore store_;
  LogTail<Trade> trades_{8};
  LogTail<TokenEvent> events_{8};
};

TEST_F(LogSourcesTest, HistoryThenLiveWithoutGapOrRepeat) {
  for (int i = 0; i < 5; ++i) Append(5);
  for (uint64_t after = 0; after <= 25; ++after) {
    TradeSource source({after, false}, {}, trades_, store_);
    TokenEventSource events({after, false}, {}, events_, store_);
    EXPECT_EQ(TakeAll(source).cursors, Range(after + 1, 25)) << after;
    EXPECT_EQ(TakeAll(events).cursors, Range(after + 1, 25)) << after;
  }
  EXPECT_GT(store_.reads(), 0);
  const int reads = store_.reads();
  TradeSource source({20, false}, {}, trades_, store_);
  EXPECT_EQ(TakeAll(source).last, Pull::kWait);
  Append(3);
  EXPECT_EQ(TakeAll(source).cursors, Range(26, 28));
  EXPECT_EQ(store_.reads(), reads) << "what is in memory is not read from the database";
  Append(4, false);
  EXPECT_EQ(TakeAll(source).cursors, Range(29, 32)) << "what another process wrote is";
}

TEST_F(LogSourcesTest, ManyTradesComeInSeveralMessages) {
  Append(7000);
  TradeSource source({0, true}, {}, trades_, store_);
  grpc::ByteBuffer buffer;
  absl::Status status;
  ASSERT_EQ(source.Next(&buffer, &status), Pull::kSend);
  EXPECT_EQ(Parse(buffer).trades_size(), 3000);
  EXPECT_EQ(source.Resume(), "resume after cursor 3000");
  const Taken rest = TakeAll(source);
  EXPECT_EQ(rest.cursors, Range(3001, 7000));
  EXPECT_EQ(rest.last, Pull::kEnd);
  EXPECT_TRUE(rest.status.ok());
  TokenEventSource events({0, true}, {}, events_, store_);
  EXPECT_EQ(TakeAll(events).cursors, Range(1, 7000));
}

TEST_F(LogSourcesTest, UntilHeadEndsWhereTheHeadWas) {
  TradeSource empty({0, true}, {}, trades_, store_);
  TokenEventSource no_events({0, true}, {}, events_, store_);
  EXPECT_EQ(TakeAll(empty).last, Pull::kEnd) << "at once on an empty log";
  EXPECT_EQ(TakeAll(no_events).last, Pull::kEnd);
  Append(4);
  TradeSource source({1, true}, {}, trades_, store_);
  TokenEventSource events({1, true}, {}, events_, store_);
  Append(4);
  for (const Taken& taken : {TakeAll(source), TakeAll(events)}) {
    EXPECT_EQ(taken.cursors, Range(2, 4));
    EXPECT_EQ(taken.last, Pull::kEnd);
    EXPECT_TRUE(taken.status.ok());
  }
}

TEST_F(LogSourcesTest, UntilEndsAtItsCursorWaitingForIt) {
  Append(4);
  TradeSource nothing({2, false, 2}, {}, trades_, store_);
  EXPECT_EQ(TakeAll(nothing).last, Pull::kEnd) << "at once when it has been read already";
  TradeSource before({0, false, 3}, {}, trades_, store_);
  Taken taken = TakeAll(before);
  EXPECT_EQ(taken.cursors, Range(1, 3));
  EXPECT_EQ(taken.last, Pull::kEnd);
  TradeSource nearer({0, true, 100}, {}, trades_, store_);
  taken = TakeAll(nearer);
  EXPECT_EQ(taken.cursors, Range(1, 4)) << "the head is nearer";
  EXPECT_EQ(taken.last, Pull::kEnd);

  TradeSource ahead({1, false, 6}, {}, trades_, store_);
  taken = TakeAll(ahead);
  EXPECT_EQ(taken.cursors, Range(2, 4));
  EXPECT_EQ(taken.last, Pull::kWait);
  Append(1);
  EXPECT_EQ(TakeAll(ahead).last, Pull::kWait);
  Append(3);
  taken = TakeAll(ahead);
  EXPECT_EQ(taken.cursors, Range(6, 6));
  EXPECT_EQ(taken.last, Pull::kEnd);
}

TEST_F(LogSourcesTest, FiltersLeaveOutAndStillTellThePlace) {
  for (int i = 0; i < 4; ++i) Append(5);
  TradeFilter filter;
  filter.tokens = {SampleAddress(1)};
  TradeSource source({0, false}, filter, trades_, store_);
  Taken taken = TakeAll(source);
  EXPECT_THAT(taken.cursors, ElementsAre(2, 5, 8, 11, 14, 17, 20));
  EXPECT_EQ(taken.position, 20u);
  filter.tokens = {SampleAddress(77)};
  TradeSource nothing({0, true}, filter, trades_, store_);
  taken = TakeAll(nothing);
  EXPECT_TRUE(taken.cursors.empty());
  EXPECT_EQ(taken.position, 20u);
  EXPECT_EQ(taken.last, Pull::kEnd);
  TokenFilter named;
  named.kinds = {TokenEventKind::kNamed};
  TokenEventSource events({0, false}, named, events_, store_);
  taken = TakeAll(events);
  EXPECT_THAT(taken.cursors, ElementsAre(2, 4, 6, 8, 10, 12, 14, 16, 18, 20));
  EXPECT_EQ(taken.position, 20u);
}

TEST_F(LogSourcesTest, AFailingDatabaseEndsTheStreamWithItsPlace) {
  Append(9, false);
  store_.on_read_trades = [](int) { return absl::UnavailableError("no database"); };
  TradeSource source({3, false}, {}, trades_, store_);
  TokenEventSource events({3, false}, {}, events_, store_);
  for (const Taken& taken : {TakeAll(source), TakeAll(events)}) {
    EXPECT_EQ(taken.last, Pull::kEnd);
    EXPECT_EQ(taken.status, absl::UnavailableError("no database; resume after cursor 3"));
  }
}

TEST_F(LogSourcesTest, ArmWakesAtNewsAndDisarmForgets) {
  Append(2);
  TradeSource source({0, false}, {}, trades_, store_);
  int woken = 0;
  source.Arm([&] { ++woken; });
  EXPECT_EQ(woken, 1) << "there is something already";
  TakeAll(source);
  source.Arm([&] { ++woken; });
  EXPECT_EQ(woken, 1);
  Append(1);
  EXPECT_EQ(woken, 2);
  TakeAll(source);
  source.Arm([&] { ++woken; });
  source.Disarm();
  Append(1);
  EXPECT_EQ(woken, 2);
}

TEST_F(LogSourcesTest, AReaderNextToAWriterMissesNothing) {
  constexpr uint64_t kTrades = 5000;
  std::thread writer([&] {
    std::mt19937 random(1);
    for (uint64_t written = 0; written < kTrades;) {
      const uint64_t count = std::min<uint64_t>(1 + random() % 20, kTrades - written);
      Append(count, random() % 10 != 0);
      written += count;
    }
  });
  TradeSource source({0, false}, {}, trades_, store_);
  std::vector<uint64_t> seen;
  while (seen.size() < kTrades) {
    const Taken taken = TakeAll(source);
    seen.insert(seen.end(), taken.cursors.begin(), taken.cursors.end());
    std::atomic<bool> woken{false};
    if (seen.size() >= kTrades) break;
    source.Arm([&] { woken = true; });
    ASSERT_TRUE(common::WaitFor([&] { return woken.load(); }));
  }
  writer.join();
  EXPECT_EQ(seen, Range(1, kTrades));
}

}  // namespace
}  // namespace tokenwatch::detector
