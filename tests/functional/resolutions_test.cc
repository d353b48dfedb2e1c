// Pending tokens are leased, named and returned; quarantined frames are listed and decoded again; consumers are kept.
#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/testing/wait_for.h"
#include "tests/functional/harness.h"
#include "tests/functional/recordings.h"
#include "tests/functional/streams.h"
#include "tests/functional/tables.h"

namespace tokenwatch::functional {
namespace {

using Stub = pb::DetectorService::Stub;

// Pending after the recorded program logs.
constexpr int kPending = 21;

class ResolutionsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(platform_.ok());
    platform_.Replay(ProgramLogs());
    detector_ = platform_.StartDetector();
    ASSERT_NE(detector_, nullptr);
    stub_ = StubFor(*detector_);
  }

  std::vector<pb::ClaimedToken> Claim(const std::string& claimant, int limit, int lease_s = 60) {
    pb::ClaimPendingTokensRequest request;
    request.set_claimant(claimant);
    request.set_limit(limit);
    request.mutable_lease()->set_seconds(lease_s);
    const auto response = Call(*stub_, &Stub::ClaimPendingTokens, request);
    return {response.tokens().begin(), response.tokens().end()};
  }
  static pb::Resolution Naming(const pb::Token& token, const std::string& name) {
    pb::Resolution resolution;
    *resolution.mutable_token() = token.token();
    resolution.set_name(name);
    resolution.set_symbol("SYM");
    resolution.set_source("metaplex");
    return resolution;
  }
  pb::CompleteResolutionsResponse Complete(const std::vector<pb::Resolution>& resolutions) {
    pb::CompleteResolutionsRequest request;
    request.set_claimant("test");
    for (const pb::Resolution& resolution : resolutions) *request.add_resolutions() = resolution;
    return Call(*stub_, &Stub::CompleteResolutions, request);
  }
  static std::set<std::string> Addresses(const std::vector<pb::ClaimedToken>& claims) {
    std::set<std::string> addresses;
    for (const pb::ClaimedToken& claim : claims) addresses.insert(claim.token().token().address());
    return addresses;
  }

  Platform platform_;
  std::unique_ptr<Service> detector_;
  DetectorStub stub_;
};

TEST_F(ResolutionsTest, LeasesExcludeEachOther) {
  const auto first = Claim("one", 10);
  const auto second = Claim("two", 100);
  EXPECT_EQ(first.size(), 10u);
  EXPECT_EQ(second.size(), static_cast<size_t>(kPending - 10));
  std::set<std::string> all = Addresses(first);
  all.merge(Addresses(second));
  EXPECT_EQ(all.size(), static_cast<size_t>(kPending));
  EXPECT_TRUE(Claim("three", 100).empty());
  for (const pb::ClaimedToken& claim : first) {
    EXPECT_EQ(claim.claims(), 1);
    EXPECT_EQ(claim.token().state(), pb::TOKEN_STATE_PENDING);
    EXPECT_TRUE(absl::StartsWith(claim.token().name(), "(unnamed ")) << claim.token().name();
  }
}

TEST_F(ResolutionsTest, AnExpiredLeaseIsGivenToTheNext) {
  EXPECT_EQ(Claim("one", 100, 1).size(), static_cast<size_t>(kPending));
  EXPECT_TRUE(Claim("two", 100).empty());
  std::vector<pb::ClaimedToken> taken_over;
  EXPECT_TRUE(common::WaitFor([&] { return !(taken_over = Claim("two", 100)).empty(); }));
  EXPECT_EQ(taken_over.size(), static_cast<size_t>(kPending));
  EXPECT_EQ(taken_over[0].claims(), 2);
}

TEST_F(ResolutionsTest, ANameMovesTheTokenOnceAndTellsTheWatchers) {
  const pb::Token token = Claim("one", 1).at(0).token();
  const auto named = Complete({Naming(token, "Resolved Name")});
  EXPECT_EQ(named.named(), 1);
  const std::string where = absl::StrCat(" WHERE address = '", token.token().address(), "'");
  EXPECT_EQ(platform_.Value("SELECT name || ' ' || symbol || ' ' || name_source FROM detector.detected_tokens" + where),
            "Resolved Name SYM metaplex");
  EXPECT_EQ(platform_.Count("SELECT count(*) FROM detector.pending_tokens" + where), 0);
  const ReadEvents events = AllEvents(*stub_);
  ASSERT_EQ(events.events.back().kind(), pb::TOKEN_EVENT_KIND_NAMED);
  EXPECT_EQ(events.events.back().token().name(), "Resolved Name");
  EXPECT_EQ(events.events.back().token().state(), pb::TOKEN_STATE_DETECTED);

  // Again, and under another name: the first one stands.
  const Tables before = DumpTables(platform_.cluster(), "platform");
  EXPECT_EQ(Complete({Naming(token, "Resolved Name")}).already_named(), 1);
  EXPECT_EQ(Complete({Naming(token, "Another Name")}).already_named(), 1);
  ExpectSameTables(before, DumpTables(platform_.cluster(), "platform"));
}

TEST_F(ResolutionsTest, AllOfThemNamedInOneCallLeaveNonePending) {
  std::vector<pb::Resolution> resolutions;
  for (const pb::ClaimedToken& claim : Claim("one", 100)) {
    resolutions.push_back(Naming(claim.token(), absl::StrCat("Name ", resolutions.size())));
  }
  EXPECT_EQ(Complete(resolutions).named(), kPending);
  EXPECT_EQ(platform_.Count("SELECT count(*) FROM detector.pending_tokens"), 0);
  EXPECT_EQ(platform_.Count("SELECT count(*) FROM detector.detected_tokens"), 12 + kPending);
  EXPECT_EQ(platform_.Count("SELECT count(*) FROM detector.token_events WHERE kind = 'named'"), kPending);
}

TEST_F(ResolutionsTest, AReturnedClaimIsGivenOutAgainNotBeforeItsTime) {
  const auto claims = Claim("one", 2);
  pb::Resolution at_once;
  *at_once.mutable_token() = claims[0].token().token();
  pb::Resolution later;
  *later.mutable_token() = claims[1].token().token();
  later.mutable_retry_at()->set_seconds(absl::ToUnixSeconds(absl::Now()) + 3600);
  EXPECT_EQ(Complete({at_once, later}).returned(), 2);
  const std::set<std::string> next = Addresses(Claim("two", 100));
  EXPECT_TRUE(next.contains(claims[0].token().token().address()));
  EXPECT_FALSE(next.contains(claims[1].token().token().address()));
}

TEST_F(ResolutionsTest, APlaceholderIsNoNameAndAStrangerIsUnknown) {
  const pb::Token token = Claim("one", 1).at(0).token();
  EXPECT_EQ(Complete({Naming(token, "\u200b\u200b")}).returned(), 1);
  EXPECT_EQ(Complete({Naming(token, "(unnamed 12345678)")}).returned(), 1);
  pb::Token stranger;
  stranger.mutable_token()->set_chain("solana");
  stranger.mutable_token()->set_address("DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263");
  EXPECT_EQ(Complete({Naming(stranger, "Stranger")}).unknown(), 1);
  EXPECT_EQ(platform_.Count("SELECT count(*) FROM detector.pending_tokens"), kPending);
}

TEST_F(ResolutionsTest, NamesSurviveTheDeathOfTheServiceThatAnsweredThem) {
  const pb::Token token = Claim("one", 1).at(0).token();
  EXPECT_EQ(Complete({Naming(token, "Durable")}).named(), 1);
  const Tables before = DumpTables(platform_.cluster(), "platform");
  detector_->Kill();
  detector_ = platform_.StartDetector();
  ASSERT_NE(detector_, nullptr);
  stub_ = StubFor(*detector_);
  ExpectSameTables(before, DumpTables(platform_.cluster(), "platform"));
  EXPECT_EQ(Complete({Naming(token, "Durable")}).already_named(), 1);
}

class QuarantineTest : public ResolutionsTest {
 protected:
  // As an older build would have left it: a frame that the decoders of this build know.
  void InsertQuarantined(uint64_t id, const std::string& feed, const std::string& raw) {
    const auto inserted = platform_.cluster().Query(
        "platform", absl::StrCat("INSERT INTO detector.quarantined_frames VALUES (", id, ", '", feed,
                                 "', 'unknown_type', 'by hand', convert_to($raw$", raw,
                                 "$raw$, 'UTF8'), false, sha256(convert_to($raw$", raw, "$raw$, 'UTF8')), now())"));
    ASSERT_TRUE(inserted.ok()) << inserted.status();
  }
};

TEST_F(QuarantineTest, WhatDecodesNowEntersTheLogAndLeaves) {
  sim::Options options;
  options.launches = 1;
  options.trades = 3;
  options.failed_ppm = 0;
  options.hostile_name_ppm = 0;
  sim::Simulator simulator(options);
  uint64_t id = 1000;
  for (sim::Frame frame; simulator.Next(&frame);) InsertQuarantined(id++, "solana", std::string(frame.raw));
  InsertQuarantined(id++, "solana", "still no JSON");
  const auto frames = static_cast<int>(id - 1000);

  pb::ListQuarantinedRequest list;
  list.set_page_size(2);
  std::vector<uint64_t> ids;
  do {
    const auto page = Call(*stub_, &Stub::ListQuarantined, list);
    for (const pb::QuarantinedFrame& frame : page.frames()) ids.push_back(frame.id());
    list.set_page_token(page.next_page_token());
  } while (!list.page_token().empty());
  EXPECT_EQ(static_cast<int>(ids.size()), frames);
  EXPECT_TRUE(std::is_sorted(ids.rbegin(), ids.rend()));

  const int64_t trades = platform_.Count("SELECT count(*) FROM detector.trades");
  const auto first = Call(*stub_, &Stub::RedecodeQuarantined, pb::RedecodeQuarantinedRequest());
  EXPECT_EQ(first.examined(), frames);
  EXPECT_EQ(first.decoded(), frames - 1);
  EXPECT_GE(first.events(), 4);
  EXPECT_EQ(platform_.Value("SELECT string_agg(detail || ' ' || convert_from(raw, 'UTF8'), ',') FROM "
                            "detector.quarantined_frames"),
            "by hand still no JSON");
  EXPECT_EQ(platform_.Count("SELECT count(*) FROM detector.trades"), trades + 3);
  const auto second = Call(*stub_, &Stub::RedecodeQuarantined, pb::RedecodeQuarantinedRequest());
  EXPECT_EQ(second.examined(), 1);
  EXPECT_EQ(second.decoded(), 0);
  EXPECT_EQ(second.events(), 0);
}

class ConsumersTest : public ResolutionsTest {
 protected:
  pb::Consumer Register(const std::string& name, uint64_t cursor, grpc::Status* status = nullptr) {
    pb::RegisterConsumerRequest request;
    request.set_name(name);
    request.set_cursor(cursor);
    return Call(*stub_, &Stub::RegisterConsumer, request, status).consumer();
  }
};

TEST_F(ConsumersTest, ACursorOnlyMovesForward) {
  EXPECT_EQ(Register("reader", 5).cursor(), 5u);
  EXPECT_EQ(Register("reader", 3).cursor(), 5u);
  EXPECT_EQ(Register("reader", 61).cursor(), 61u);
  grpc::Status status;
  Register("reader", 62, &status);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << "the log ends at 61";
  Register("Not A Name", 1, &status);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  Register("another", 0);
  auto consumers = Call(*stub_, &Stub::ListConsumers, pb::ListConsumersRequest());
  ASSERT_EQ(consumers.consumers_size(), 2);
  EXPECT_EQ(consumers.consumers(0).name(), "another");
  pb::DeleteConsumerRequest gone;
  gone.set_name("another");
  Call(*stub_, &Stub::DeleteConsumer, gone);
  consumers = Call(*stub_, &Stub::ListConsumers, pb::ListConsumersRequest());
  ASSERT_EQ(consumers.consumers_size(), 1);
  EXPECT_EQ(consumers.consumers(0).cursor(), 61u);
}

}  // namespace
}  // namespace tokenwatch::functional
