// WatchTokens and TailTrades: history, then live, without gap or repeat, whatever happens to the reader or the writer.
#include "tests/functional/streams.h"

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "common/testing/wait_for.h"
#include "tests/functional/harness.h"
#include "tests/functional/recordings.h"

namespace tokenwatch::functional {
namespace {

class StreamsTest : public ::testing::Test {
 protected:
  // A session long enough that readers meet it under way, and small tails, so that they change from the database to
  // memory and back.
  void Start(uint64_t trades, std::vector<std::string> more = {}) {
    ASSERT_TRUE(platform_.ok());
    sim::Options options;
    options.launches = 200;
    options.trades = trades;
    options.wallets = 100;
    options.pumpportal_feed = true;
    session_ = Simulate(options);
    recording_ = WriteRecording(platform_.dir() / "session.jsonl", session_.lines);
    flags_ = ReplayFlags(recording_, {"--tail_trades=1000", "--tail_token_events=50", "--commit_events=200"});
    for (std::string& flag : more) flags_.push_back(std::move(flag));
    detector_ = platform_.StartDetector(flags_);
    ASSERT_NE(detector_, nullptr);
    stub_ = StubFor(*detector_);
  }
  void AwaitEnd() { ASSERT_TRUE(platform_.AwaitFrames(session_.lines.size())); }
  ReadTrades ReadToTheTruth(pb::DetectorService::Stub& stub, uint64_t after = 0) {
    pb::TailTradesRequest request;
    request.set_after_cursor(after);
    return Read(stub, request, [&](const ReadTrades& read) { return read.cursor >= session_.truth.trades; });
  }

  Platform platform_;
  Session session_;
  std::string recording_;
  std::vector<std::string> flags_;
  std::unique_ptr<Service> detector_;
  DetectorStub stub_;
};

TEST_F(StreamsTest, ManyReadersGoFromHistoryIntoLiveWithoutGapOrRepeat) {
  Start(20'000);
  constexpr int kReaders = 4;
  std::vector<ReadTrades> trades(kReaders);
  std::vector<DetectorStub> stubs;
  for (int i = 0; i < kReaders; ++i) stubs.push_back(StubFor(*detector_));
  std::vector<std::thread> readers;
  for (int i = 0; i < kReaders; ++i) readers.emplace_back([&, i] { trades[i] = ReadToTheTruth(*stubs[i]); });
  AwaitEnd();
  for (std::thread& reader : readers) reader.join();
  for (const ReadTrades& read : trades) {
    EXPECT_EQ(read.trades.size(), session_.truth.trades) << read.status.error_message();
    EXPECT_TRUE(AreConsecutive(read.trades));
  }
  const ReadEvents events = AllEvents(*stub_);
  EXPECT_TRUE(AreConsecutive(events.events));
  EXPECT_EQ(static_cast<int64_t>(events.events.size()), platform_.Count("SELECT count(*) FROM detector.token_events"));
}

TEST_F(StreamsTest, WatchersFollowTheTokenLogWhileItGrows) {
  Start(20'000);
  uint64_t head = 0;
  ReadEvents live;
  const DetectorStub other = StubFor(*detector_);
  std::thread watcher([&] { live = Read(*other, pb::WatchTokensRequest(), nullptr, absl::Seconds(60)); });
  AwaitEnd();
  head = static_cast<uint64_t>(platform_.Count("SELECT token_cursor FROM detector.log_heads"));
  // A sentinel that the watcher must see: it ends when the service does.
  EXPECT_EQ(AllEvents(*stub_).events.size(), head);
  EXPECT_EQ(detector_->Terminate(), 0);
  watcher.join();
  EXPECT_EQ(live.events.size(), head);
  EXPECT_TRUE(AreConsecutive(live.events));
}

TEST_F(StreamsTest, AReaderResumesFromItsCursorWithExactlyTheRest) {
  Start(8'000);
  pb::TailTradesRequest request;
  std::vector<pb::Trade> pieces;
  int streams = 0;
  // Each stream is broken off after its first message.
  while (pieces.size() < session_.truth.trades) {
    ASSERT_LT(++streams, 20'000);
    ReadTrades read = Read(*stub_, request, [](const ReadTrades&) { return true; });
    for (pb::Trade& trade : read.trades) pieces.push_back(std::move(trade));
    request.set_after_cursor(read.cursor);
  }
  EXPECT_EQ(pieces.size(), session_.truth.trades);
  EXPECT_TRUE(AreConsecutive(pieces));
}

TEST_F(StreamsTest, FiltersAreAppliedByTheServer) {
  Start(6'000);
  AwaitEnd();
  const std::vector<pb::Trade> all = AllTrades(*stub_).trades;
  const std::string trader = all[all.size() / 2].trader();
  const std::string token = all[all.size() / 3].token();
  const auto expect = [&](const pb::TradeFilter& filter, const auto& matches) {
    pb::TailTradesRequest request;
    request.set_until_head(true);
    *request.mutable_filter() = filter;
    const ReadTrades read = Read(*stub_, request);
    EXPECT_TRUE(read.status.ok()) << read.status.error_message();
    EXPECT_EQ(read.cursor, all.size()) << "the cursor moves past what is filtered out";
    std::vector<uint64_t> expected;
    std::vector<uint64_t> actual;
    for (const pb::Trade& trade : all) {
      if (matches(trade)) expected.push_back(trade.cursor());
    }
    for (const pb::Trade& trade : read.trades) actual.push_back(trade.cursor());
    EXPECT_EQ(actual, expected) << filter.ShortDebugString();
    EXPECT_FALSE(expected.empty()) << filter.ShortDebugString();
  };
  pb::TradeFilter filter;
  filter.add_traders(trader);
  expect(filter, [&](const pb::Trade& trade) { return trade.trader() == trader; });
  filter.set_side(pb::TRADE_SIDE_BUY);
  expect(filter,
         [&](const pb::Trade& trade) { return trade.trader() == trader && trade.side() == pb::TRADE_SIDE_BUY; });
  filter.Clear();
  filter.add_tokens(token);
  filter.add_chains("solana");
  filter.add_venues("pump");
  expect(filter, [&](const pb::Trade& trade) { return trade.token() == token; });
}

TEST_F(StreamsTest, TradesAreReadAtCursorsAndUpToOne) {
  Start(2'000);
  AwaitEnd();
  const std::vector<pb::Trade> all = AllTrades(*stub_).trades;
  ASSERT_GT(all.size(), 200u);
  pb::BatchGetTradesRequest at;
  std::string expected;
  for (size_t i = 3; i < all.size(); i += 7) {
    at.add_cursors(all[i].cursor());
    expected += all[i].SerializeAsString();
  }
  at.add_cursors(all.back().cursor() + 1'000);  // not there (yet)
  std::string found;
  const auto answer = Call(*stub_, &pb::DetectorService::Stub::BatchGetTrades, at);
  for (const pb::Trade& trade : answer.trades()) found += trade.SerializeAsString();
  EXPECT_EQ(found, expected);
  grpc::Status status;
  for (const std::vector<uint64_t>& bad :
       {std::vector<uint64_t>(), std::vector<uint64_t>(5001, 1), {1, 2, 2}, {5, 4}}) {
    pb::BatchGetTradesRequest request;
    request.mutable_cursors()->Add(bad.begin(), bad.end());
    Call(*stub_, &pb::DetectorService::Stub::BatchGetTrades, request, &status);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(status.error_message().find("cursors: "), 0u) << status.error_message();
  }

  pb::TailTradesRequest part;
  part.set_after_cursor(10);
  part.set_until_cursor(150);
  const ReadTrades read = Read(*stub_, part);
  EXPECT_TRUE(read.status.ok()) << read.status.error_message();
  ASSERT_EQ(read.trades.size(), 140u);
  EXPECT_EQ(read.trades.front().cursor(), 11u);
  EXPECT_EQ(read.trades.back().cursor(), 150u);
  EXPECT_EQ(read.cursor, 150u);
  part.set_until_cursor(9);
  EXPECT_EQ(Read(*stub_, part).status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(StreamsTest, TokenFiltersAreAppliedByTheServer) {
  Start(2'000);
  AwaitEnd();
  const std::vector<pb::TokenEvent> all = AllEvents(*stub_).events;
  pb::WatchTokensRequest request;
  request.set_until_head(true);
  request.mutable_filter()->add_kinds(pb::TOKEN_EVENT_KIND_LAUNCHED);
  request.mutable_filter()->add_states(pb::TOKEN_STATE_PENDING);
  const ReadEvents read = Read(*stub_, request);
  EXPECT_TRUE(read.status.ok());
  const auto matches = std::count_if(all.begin(), all.end(), [](const pb::TokenEvent& event) {
    return event.kind() == pb::TOKEN_EVENT_KIND_LAUNCHED && event.token().state() == pb::TOKEN_STATE_PENDING;
  });
  EXPECT_GT(matches, 0);
  EXPECT_EQ(static_cast<int64_t>(read.events.size()), matches);
  EXPECT_EQ(read.cursor, all.size());
}

TEST_F(StreamsTest, ACursorAheadOfTheLogIsOutOfRange) {
  Start(500);
  AwaitEnd();
  pb::TailTradesRequest trades;
  trades.set_after_cursor(session_.truth.trades + 1);
  EXPECT_EQ(Read(*stub_, trades).status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  pb::WatchTokensRequest tokens;
  tokens.set_after_cursor(1'000'000);
  EXPECT_EQ(Read(*stub_, tokens).status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  // At the head itself there is nothing yet, which is no error.
  trades.set_after_cursor(session_.truth.trades);
  trades.set_until_head(true);
  const ReadTrades read = Read(*stub_, trades);
  EXPECT_TRUE(read.status.ok()) << read.status.error_message();
  EXPECT_TRUE(read.trades.empty());
}

TEST_F(StreamsTest, FromHeadGivesOnlyWhatComesAfter) {
  Start(500);
  AwaitEnd();
  pb::TailTradesRequest request;
  request.set_from_head(true);
  const pb::Trade model = AllTrades(*stub_).trades.back();
  ReadTrades read;
  const DetectorStub other = StubFor(*detector_);
  std::thread reader([&] { read = Read(*other, request, [](const ReadTrades& got) { return !got.trades.empty(); }); });
  // The stream is open on the server before the trade is reported.
  EXPECT_TRUE(
      common::WaitFor([&] { return absl::StrContains(detector_->Http("/metrics"), "detector_streams_open 1"); }));
  pb::ReportTradesRequest report;
  report.set_feeder("elsewhere");
  *report.add_trades() = model;
  report.mutable_trades(0)->set_event_index(4242);
  EXPECT_EQ(Call(*stub_, &pb::DetectorService::Stub::ReportTrades, report).accepted(), 1);
  reader.join();
  ASSERT_EQ(read.trades.size(), 1u);
  EXPECT_EQ(read.trades[0].event_index(), 4242u);
  EXPECT_EQ(read.trades[0].cursor(), session_.truth.trades + 1);
}

TEST_F(StreamsTest, AReaderThatNeverReadsIsCutOffAndTheOthersGoOn) {
  Start(40'000, {"--stream_stall=300ms"});
  const DetectorStub lazy_stub = StubFor(*detector_);
  grpc::ClientContext context;
  Within(absl::Seconds(60), &context);
  const auto lazy = lazy_stub->TailTrades(&context, pb::TailTradesRequest());
  const ReadTrades read = ReadToTheTruth(*stub_);
  EXPECT_EQ(read.trades.size(), session_.truth.trades);
  EXPECT_TRUE(AreConsecutive(read.trades));
  EXPECT_TRUE(common::WaitFor([&] {
    return absl::StrContains(detector_->Http("/metrics"), "detector_streams_cut_off_total 1");
  })) << detector_->Http("/metrics");
  // What was under way arrives, in order; then the end. The rest is there for who resumes.
  uint64_t cursor = 0;
  for (pb::TailTradesResponse response; lazy->Read(&response);) {
    EXPECT_TRUE(AreConsecutive(response.trades(), cursor));
    cursor = response.cursor();
  }
  const grpc::Status status = lazy->Finish();
  EXPECT_THAT(status.error_code(), ::testing::AnyOf(grpc::StatusCode::RESOURCE_EXHAUSTED, grpc::StatusCode::CANCELLED))
      << status.error_message();
  EXPECT_LT(cursor, session_.truth.trades);
  const ReadTrades rest = ReadToTheTruth(*stub_, cursor);
  EXPECT_EQ(rest.trades.size(), session_.truth.trades - cursor);
  EXPECT_TRUE(AreConsecutive(rest.trades, cursor));
}

TEST_F(StreamsTest, AFollowerServesTheSameLogAndTakesOver) {
  // One piece a commit: the replay lasts until the follower is up, on a quick machine too.
  Start(60'000, {"--intake_queue=1", "--commit_events=1"});
  const auto follower = platform_.StartDetector(flags_);
  ASSERT_NE(follower, nullptr);
  const DetectorStub follower_stub = StubFor(*follower);
  const auto leads = [](pb::DetectorService::Stub& stub) {
    return Call(stub, &pb::DetectorService::Stub::GetStatus, pb::GetStatusRequest()).is_leader();
  };
  EXPECT_TRUE(leads(*stub_));
  EXPECT_FALSE(leads(*follower_stub));
  // It does not write, and says so.
  pb::ReportTradesRequest report;
  report.set_feeder("elsewhere");
  grpc::Status refused;
  ASSERT_TRUE(platform_.AwaitFrames(500));
  pb::TailTradesRequest one;
  *report.add_trades() = Read(*stub_, one, [](const ReadTrades& read) { return !read.trades.empty(); }).trades.front();
  Call(*follower_stub, &pb::DetectorService::Stub::ReportTrades, report, &refused);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE) << refused.error_message();

  // A reader of the follower sees the whole log, across the change of leaders.
  ReadTrades read;
  const DetectorStub reading_stub = StubFor(*follower);
  std::thread reader([&] { read = ReadToTheTruth(*reading_stub); });
  const bool under_way = !platform_.AwaitFrames(session_.lines.size(), "platform", absl::ZeroDuration());
  detector_->Kill();
  EXPECT_TRUE(under_way) << "the session was over before the leader died";
  EXPECT_TRUE(common::WaitFor([&] { return leads(*follower_stub); }, absl::Seconds(20)));
  AwaitEnd();
  reader.join();
  EXPECT_EQ(read.trades.size(), session_.truth.trades) << read.status.error_message();
  EXPECT_TRUE(AreConsecutive(read.trades));
  EXPECT_EQ(static_cast<uint64_t>(platform_.Count("SELECT count(*) FROM detector.trades")), session_.truth.trades);
  EXPECT_TRUE(follower->IsReady());
}

}  // namespace
}  // namespace tokenwatch::functional
