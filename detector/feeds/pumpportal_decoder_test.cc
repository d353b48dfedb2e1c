#include "detector/feeds/pumpportal_decoder.h"

#include <map>

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "chain/solana/pda.h"
#include "chain/testing/fixtures.h"
#include "detector/samples_for_test.h"

namespace tokenwatch::detector {
namespace {

constexpr char kSession[] = "pumpportal/pumpportal_session_part1.jsonl";

std::vector<FeedEvent> Decode(PumpPortalFrameDecoder& decoder, absl::string_view raw) {
  std::vector<FeedEvent> events;
  decoder.Decode(raw, SampleTime(42), events);
  return events;
}

std::string ReasonOf(const FeedEvent& event) {
  const auto* refused = std::get_if<FrameRefused>(&event);
  return refused == nullptr ? "not refused" : refused->reason;
}

// A recorded create of pool pump.
std::string RecordedCreate() {
  PumpPortalFrameDecoder decoder;
  for (std::string& frame : chain::testing::RecordedFrames(chain::testing::ReadFixture(kSession))) {
    if (!absl::StrContains(frame, R"("pool":"pump")")) continue;
    const auto events = Decode(decoder, frame);
    if (events.size() == 1 && std::holds_alternative<LaunchSeen>(events[0])) return frame;
  }
  return "";
}

TEST(PumpPortalDecoderTest, TheRecordedSessionAsAWhole) {
  PumpPortalFrameDecoder decoder;
  std::map<std::string, int> seen;
  const auto frames = chain::testing::RecordedFrames(chain::testing::ReadFixture(kSession));
  for (const std::string& frame : frames) {
    for (const FeedEvent& event : Decode(decoder, frame)) {
      if (const auto* launch = std::get_if<LaunchSeen>(&event)) {
        ++seen["launch"];
        EXPECT_EQ(launch->slot, 0u);
        EXPECT_EQ(launch->event_time, SampleTime(42)) << "the feed tells no time";
        EXPECT_FALSE(launch->creator.empty());
        EXPECT_EQ(launch->supply, std::nullopt);
        if (launch->venue.text() == "pump") {
          const auto mint = chain::ParsePubkey(launch->ref.address.text());
          ASSERT_TRUE(mint.has_value());
          EXPECT_EQ(launch->pool, chain::BondingCurveAddress(*mint).ToAddress()) << "derived, not taken from the feed";
          EXPECT_TRUE(launch->is_mayhem.has_value());
        } else {
          EXPECT_TRUE(launch->pool.empty());
        }
      } else if (const auto* migration = std::get_if<MigrationSeen>(&event)) {
        ++seen["migration"];
        EXPECT_FALSE(migration->transaction.empty());
      } else {
        ++seen[ReasonOf(event)];
      }
    }
  }
  EXPECT_EQ(frames.size(), 139u);
  EXPECT_EQ(seen["launch"], 123);
  EXPECT_EQ(seen["migration"], 6);
  EXPECT_EQ(seen["quote_token_launch"], 7);
  EXPECT_EQ(seen["refused"], 1) << "trades are only for who pays";
  EXPECT_EQ(seen.size(), 4u);
  EXPECT_EQ(decoder.counts().frames, 139u);
  EXPECT_GT(decoder.counts().curve_key_mismatches, 0u) << "the feed's key is stale in one of ten frames";
}

TEST(PumpPortalDecoderTest, ABrokenIdentityIsNamed) {
  PumpPortalFrameDecoder decoder;
  std::string frame = RecordedCreate();
  ASSERT_NE(frame, "");
  const size_t at = frame.find(R"("marketCapSol":)") + 15;
  frame.replace(at, frame.find_first_of(",}", at) - at, "1.5");
  const auto events = Decode(decoder, frame);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(ReasonOf(events[0]), "invariant:market_cap");
  EXPECT_EQ(std::get<FrameRefused>(events[0]).raw, frame);
}

TEST(PumpPortalDecoderTest, AFrameWithoutNameIsALaunchWithoutName) {
  PumpPortalFrameDecoder decoder;
  const std::string frame = absl::StrReplaceAll(
      RecordedCreate(), {{R"("name":)", R"("nome":)"}, {R"("symbol":)", R"("simbol":)"}, {R"("uri":)", R"("url":)"}});
  const auto events = Decode(decoder, frame);
  ASSERT_EQ(events.size(), 1u);
  const auto& launch = std::get<LaunchSeen>(events[0]);
  EXPECT_EQ(launch.name, "");
  EXPECT_EQ(launch.symbol, "");
  EXPECT_EQ(decoder.counts().nameless_launches, 1u);
}

TEST(PumpPortalDecoderTest, TheMayhemFlagIsOfPumpCurvesOnly) {
  PumpPortalFrameDecoder decoder;
  std::string frame = RecordedCreate();
  if (!absl::StrContains(frame, "is_mayhem_mode")) frame.insert(1, R"("is_mayhem_mode":false,)");
  absl::StrReplaceAll({{R"("is_mayhem_mode":false)", R"("is_mayhem_mode":true)"}}, &frame);
  EXPECT_EQ(std::get<LaunchSeen>(Decode(decoder, frame).at(0)).is_mayhem, true);
  absl::StrReplaceAll({{R"("is_mayhem_mode":true)", R"("is_mayhem_mode":false)"}}, &frame);
  EXPECT_EQ(std::get<LaunchSeen>(Decode(decoder, frame).at(0)).is_mayhem, false);
}

TEST(PumpPortalDecoderTest, ATradeHasNeitherIndexNorTheChainsTime) {
  PumpPortalFrameDecoder decoder;
  const auto events =
      Decode(decoder, absl::StrCat(R"({"txType":"sell","pool":"pump","signature":")", SampleTransaction(1).text(),
                                   R"(","mint":")", SampleAddress(2).text(), R"(","traderPublicKey":")",
                                   SampleAddress(3).text(), R"(","tokenAmount":12.5,"solAmount":0.000000001})"));
  ASSERT_EQ(events.size(), 1u);
  const Trade& trade = std::get<Trade>(events[0]);
  EXPECT_EQ(trade.event_index, std::nullopt);
  EXPECT_TRUE(trade.loose_time);
  EXPECT_EQ(trade.event_time, SampleTime(42));
  EXPECT_EQ(trade.side, Side::kSell);
  EXPECT_EQ(trade.token_amount, chain::Amount(12'500'000));
  EXPECT_EQ(trade.quote_amount, chain::Amount(1));
  EXPECT_EQ(trade.slot, 0u);
  EXPECT_FALSE(trade.reserves.has_value());
}

TEST(PumpPortalDecoderTest, WhatCannotBeUsedIsKeptRaw) {
  PumpPortalFrameDecoder decoder;
  EXPECT_TRUE(Decode(decoder, R"({"message":"Successfully subscribed to token creation events."})").empty());
  EXPECT_EQ(ReasonOf(Decode(decoder, R"({"message":"You are banned for an hour"})").at(0)), "refused");
  EXPECT_EQ(ReasonOf(Decode(decoder, R"({"errors":"bad key"})").at(0)), "refused");
  EXPECT_EQ(ReasonOf(Decode(decoder, R"({"txType":"burn","pool":"pump"})").at(0)), "unknown_type");
  EXPECT_EQ(ReasonOf(Decode(decoder, R"({"txType":"create","pool":"moon"})").at(0)), "unknown_type");
  EXPECT_EQ(ReasonOf(Decode(decoder, R"({"txType":"create","pool":"pump"})").at(0)), "bad_json");
  EXPECT_EQ(ReasonOf(Decode(decoder, "{").at(0)), "bad_json");
  EXPECT_EQ(ReasonOf(Decode(decoder, "").at(0)), "bad_json");
}

TEST(FrameDecoderTest, FeedNamesAndDecoders) {
  for (const char* name : {"a", "solana", "own-feed_2", "abcdefghijklmnopqrstuvw"})
    EXPECT_TRUE(IsFeedName(name)) << name;
  for (const char* name : {"", "Solana", "2nd", "-a", "a b", "abcdefghijklmnopqrstuvwx", "a\xc3\xa4"}) {
    EXPECT_FALSE(IsFeedName(name)) << name;
  }
  EXPECT_NE(MakeFrameDecoder("pumpportal"), nullptr);
  EXPECT_NE(MakeFrameDecoder("solana"), nullptr);
  EXPECT_EQ(MakeFrameDecoder("evm"), nullptr);
  EXPECT_EQ(RefuseUnknownFeed("evm", "x").reason, "unknown_feed");
}

}  // namespace
}  // namespace tokenwatch::detector
