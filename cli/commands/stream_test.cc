// trades tail and tokens watch: what is printed, and that nothing is lost or repeated when streams break.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/testing/harness.h"

namespace tokenwatch::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

namespace v1 = detector::v1;

const grpc::Status kCutOff(grpc::StatusCode::RESOURCE_EXHAUSTED, "too slow; resume after the last cursor");
const grpc::Status kLost(grpc::StatusCode::UNAVAILABLE, "Socket closed");

class StreamTest : public CommandTest {
 protected:
  StreamTest() {
    for (uint64_t cursor = 1; cursor <= 7; ++cursor) {
      v1::Trade& trade = server_.detector.trades.emplace_back();
      trade.set_cursor(cursor);
      trade.set_chain("solana");
      trade.set_token("Mint1");
      trade.set_trader("Wallet1");
      trade.set_side(cursor % 2 == 0 ? v1::TRADE_SIDE_SELL : v1::TRADE_SIDE_BUY);
      trade.set_venue("pump");
      trade.set_quote_address("So11111111111111111111111111111111111111112");
      trade.set_token_amount("1234567890");
      trade.set_quote_amount("20000000");
      trade.set_transaction(absl::StrCat("Tx", cursor));
      trade.mutable_event_time()->set_seconds(1'783'600'490);
      v1::TokenEvent& event = server_.detector.events.emplace_back();
      event.set_cursor(cursor);
      event.set_kind(v1::TOKEN_EVENT_KIND_LAUNCHED);
      event.mutable_event_time()->set_seconds(1'783'600'490);
      event.mutable_token()->mutable_token()->set_chain("solana");
      event.mutable_token()->mutable_token()->set_address(absl::StrCat("Mint", cursor));
      event.mutable_token()->set_name("Pepe\x1b[2J");
    }
  }

  // The cursors of the JSON lines printed.
  std::vector<std::string> Cursors() const {
    std::vector<std::string> cursors;
    for (const absl::string_view line : absl::StrSplit(out_.text, '\n', absl::SkipEmpty())) {
      const std::string text(line.data(), line.size());
      const size_t at = text.find("\"cursor\":\"") + 10;
      cursors.push_back(text.substr(at, text.find('"', at) - at));
    }
    return cursors;
  }
};

TEST_F(StreamTest, ShowsAmountsInWholeUnitsWhereDecimalsAreKnown) {
  v1::Token& token = server_.detector.tokens.emplace_back();
  token.mutable_token()->set_chain("solana");
  token.mutable_token()->set_address("Mint1");
  token.set_symbol("PEPE");
  token.set_decimals(6);
  EXPECT_EQ(Run({"trades", "tail", "--until-head", "--limit", "1"}), 0);
  EXPECT_THAT(out_.text, HasSubstr("2026-07-09 12:34:50.000Z  buy           1234.56789  PEPE"));
  EXPECT_THAT(out_.text, HasSubstr("0.02 SOL  solana:Mint1"));
}

TEST_F(StreamTest, ShowsBaseUnitsWhereDecimalsAreNotKnown) {
  EXPECT_EQ(Run({"trades", "tail", "--until-head", "--limit", "1"}), 0);
  EXPECT_THAT(out_.text, HasSubstr("1234567890 units"));
}

TEST_F(StreamTest, SendsItsFilters) {
  EXPECT_EQ(Run({"trades", "tail", "--wallet", "W1", "--wallet", "W2", "--token", "solana:M1", "--token", "M2",
                 "--side", "sell", "--venue", "pump", "--from", "3", "--until-head"}),
            0);
  ASSERT_THAT(server_.detector.tail_requests, SizeIs(1));
  const v1::TailTradesRequest& request = server_.detector.tail_requests[0];
  EXPECT_THAT(request.filter().traders(), ElementsAre("W1", "W2"));
  EXPECT_THAT(request.filter().tokens(), ElementsAre("M1", "M2"));
  EXPECT_THAT(request.filter().chains(), ElementsAre("solana"));
  EXPECT_THAT(request.filter().venues(), ElementsAre("pump"));
  EXPECT_EQ(request.filter().side(), v1::TRADE_SIDE_SELL);
  EXPECT_EQ(request.after_cursor(), 3U);
  EXPECT_TRUE(request.until_head());
}

TEST_F(StreamTest, ResumesWithoutGapOrRepeat) {
  // Cut off for slowness, lost, ended by a server that drains, and one that repeats itself.
  server_.detector.scripts = {{3, kCutOff}, {2, kLost, true}, {1, grpc::Status::OK, true}, {0, kLost}};
  EXPECT_EQ(Run({"trades", "tail", "--json", "--limit", "7"}), 0) << err_.text;
  EXPECT_THAT(Cursors(), ElementsAre("1", "2", "3", "4", "5", "6", "7"));
  std::vector<uint64_t> resumed;
  for (const v1::TailTradesRequest& request : server_.detector.tail_requests) resumed.push_back(request.after_cursor());
  EXPECT_THAT(resumed, ElementsAre(0, 3, 5, 6, 6));
  EXPECT_THAT(err_.text, HasSubstr("resuming after cursor 3 in 250ms (attempt 1 of 8)"));
  EXPECT_THAT(err_.text, HasSubstr("resuming after cursor 6 in 500ms (attempt 2 of 8)"));
  EXPECT_THAT(sleeps_, SizeIs(4));
}

TEST_F(StreamTest, UntilHeadResumesTooAndEndsWell) {
  server_.detector.scripts = {{4, kLost}};
  EXPECT_EQ(Run({"tokens", "watch", "--json", "--until-head"}), 0);
  EXPECT_THAT(Cursors(), ElementsAre("1", "2", "3", "4", "5", "6", "7"));
  EXPECT_EQ(server_.detector.watch_requests.back().after_cursor(), 4U);
}

TEST_F(StreamTest, GivesUpAfterAttemptsThatBringNothing) {
  server_.detector.scripts = {{2, kLost}, {0, kLost}, {0, kLost}, {0, kLost}, {0, kLost}};
  EXPECT_EQ(Run({"trades", "tail", "--json", "--retries", "2"}), 69);
  EXPECT_THAT(err_.text, HasSubstr("gave up after 2 attempts, resume with --from 2"));
  EXPECT_THAT(server_.detector.tail_requests, SizeIs(3));
}

TEST_F(StreamTest, DoesNotWaitForAServiceThatWasNeverThere) {
  // Port 1 of the loopback: nobody listens there.
  detector_address_ = "127.0.0.1:1";
  EXPECT_EQ(Run({"trades", "tail"}), 69);
  EXPECT_THAT(sleeps_, IsEmpty());
  EXPECT_THAT(err_.text, HasSubstr("detector at 127.0.0.1:1 is not available (Connection refused): start it"));
}

TEST_F(StreamTest, AWrongCursorIsNotRetried) {
  server_.detector.scripts = {{0, grpc::Status(grpc::StatusCode::OUT_OF_RANGE, "after_cursor: ahead of the log")}};
  EXPECT_EQ(Run({"trades", "tail", "--from", "99"}), 64);
  EXPECT_THAT(server_.detector.tail_requests, SizeIs(1));
}

TEST_F(StreamTest, StopsCleanlyWhenInterrupted) {
  // The fake keeps the stream open after the last trade; the request comes when it has been printed.
  out_.on_write = [this] {
    if (out_.text.find("Tx7") != std::string::npos) stop_.request_stop();
  };
  EXPECT_EQ(Run({"trades", "tail"}), 130);
  EXPECT_THAT(out_.text, HasSubstr("Tx7"));
  EXPECT_EQ(err_.text, "");
}

TEST_F(StreamTest, EndsQuietlyWhenNobodyReads) {
  out_.on_write = [this] { out_.closed = true; };
  EXPECT_EQ(Run({"trades", "tail", "--json"}), 0);
  EXPECT_EQ(err_.text, "");
}

TEST_F(StreamTest, FromHeadAsksForTheHeadSoThatNothingIsLost) {
  server_.detector.status.set_trade_cursor(5);
  server_.detector.status.set_token_cursor(6);
  // The first stream breaks before it brought anything.
  server_.detector.scripts = {{0, kLost}};
  EXPECT_EQ(Run({"trades", "tail", "--from-head", "--json", "--limit", "2"}), 0);
  EXPECT_THAT(Cursors(), ElementsAre("6", "7"));
  EXPECT_EQ(Run({"tokens", "watch", "--from-head", "--json", "--limit", "1"}), 0);
  EXPECT_THAT(Cursors(), ElementsAre("7"));
}

TEST_F(StreamTest, WatchSendsItsFilterAndPrintsNothingHostile) {
  EXPECT_EQ(Run({"tokens", "watch", "--kind", "launched", "--kind", "named", "--pending", "--chain", "solana",
                 "--until-head"}),
            0);
  const v1::TokenFilter& filter = server_.detector.watch_requests.at(0).filter();
  EXPECT_THAT(filter.kinds(), ElementsAre(v1::TOKEN_EVENT_KIND_LAUNCHED, v1::TOKEN_EVENT_KIND_NAMED));
  EXPECT_THAT(filter.states(), ElementsAre(v1::TOKEN_STATE_PENDING));
  EXPECT_THAT(filter.chains(), ElementsAre("solana"));
  EXPECT_THAT(out_.text, HasSubstr("launched"));
  EXPECT_THAT(out_.text, HasSubstr("Pepe\uFFFD[2J"));
  EXPECT_THAT(out_.text, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace tokenwatch::cli
