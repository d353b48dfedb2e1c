#include "detector/feeds/solana_decoder.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "chain/solana/programs.h"
#include "chain/testing/fixtures.h"
#include "detector/samples_for_test.h"

namespace tokenwatch::detector {
namespace {

constexpr char kOther[] = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";
constexpr char kLogsFile[] = "solana_rpc/logs_subscribe_pumpfun_a.jsonl";

std::string Notification(const std::vector<std::string>& lines, absl::string_view err = "null") {
  std::string logs;
  for (const std::string& line : lines) absl::StrAppend(&logs, logs.empty() ? "\"" : ",\"", line, "\"");
  return absl::StrCat(R"({"jsonrpc":"2.0","method":"logsNotification","params":{"subscription":7,"result":{)",
                      R"("context":{"slot":123},"value":{"signature":")", SampleTransaction(1).text(), R"(","err":)",
                      err, R"(,"logs":[)", logs, "]}}}}");
}

std::string Invoke(absl::string_view id, int depth) { return absl::StrCat("Program ", id, " invoke [", depth, "]"); }
std::string Success(absl::string_view id) { return absl::StrCat("Program ", id, " success"); }

// The bytes of a recorded TradeEvent.
std::vector<uint8_t> RecordedTrade() {
  for (const std::string& line : chain::testing::RecordedLogMessages(
           chain::testing::ReadFixture("solana_rpc/chainstack_raw_create_tx_from_blocksubscribe.json"))) {
    if (absl::StartsWith(line, "Program data: vdt")) return chain::testing::Base64(line.substr(14));
  }
  return {};
}

std::string DataLine(const std::vector<uint8_t>& bytes) {
  return absl::StrCat("Program data: ",
                      absl::Base64Escape(absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size())));
}

// After all events here, recorded and made.
const absl::Time kReceivedAt = SampleTime(365 * 24 * 3600);

std::vector<FeedEvent> Decode(SolanaFrameDecoder& decoder, absl::string_view raw) {
  std::vector<FeedEvent> events;
  decoder.Decode(raw, kReceivedAt, events);
  return events;
}

std::vector<FeedEvent> DecodePump(const std::vector<std::string>& lines) {
  SolanaFrameDecoder decoder;
  std::vector<std::string> logs = lines;
  logs.insert(logs.begin(), Invoke(chain::kPumpProgram, 1));
  logs.push_back(Success(chain::kPumpProgram));
  return Decode(decoder, Notification(logs));
}

std::string ReasonOf(const FeedEvent& event) {
  const auto* refused = std::get_if<FrameRefused>(&event);
  return refused == nullptr ? "not refused" : refused->reason;
}

TEST(SolanaDecoderTest, AnEventAheadOfItsArrivalIsRefused) {
  SolanaFrameDecoder decoder;
  std::vector<FeedEvent> events;
  for (const std::string& frame : chain::testing::RecordedFrames(chain::testing::ReadFixture(kLogsFile))) {
    decoder.Decode(frame, SampleTime(0), events);
  }
  ASSERT_EQ(events.size(), 61u + 12u);
  for (const FeedEvent& event : events) EXPECT_EQ(ReasonOf(event), "invariant:event_time");
}

TEST(SolanaDecoderTest, TheRecordedStreamAsAWhole) {
  SolanaFrameDecoder decoder;
  int trades = 0, launches = 0, others = 0;
  std::set<std::pair<std::string, uint32_t>> identities;
  const std::vector<std::string> frames = chain::testing::RecordedFrames(chain::testing::ReadFixture(kLogsFile));
  for (const std::string& frame : frames) {
    for (const FeedEvent& event : Decode(decoder, frame)) {
      if (const auto* trade = std::get_if<Trade>(&event)) {
        ++trades;
        EXPECT_EQ(trade->feed.text(), "solana");
        EXPECT_EQ(trade->venue.text(), "pump");
        EXPECT_FALSE(trade->loose_time);
        EXPECT_GT(trade->slot, 430'000'000u);
        EXPECT_TRUE(trade->reserves.has_value());
        EXPECT_TRUE(trade->fees.has_value());
        ASSERT_TRUE(trade->event_index.has_value());
        EXPECT_TRUE(identities.emplace(trade->transaction.text(), *trade->event_index).second);
      } else if (const auto* launch = std::get_if<LaunchSeen>(&event)) {
        ++launches;
        EXPECT_FALSE(launch->name.empty());
        EXPECT_NE(launch->slot, 0u);
        EXPECT_EQ(launch->decimals, 6);
        EXPECT_TRUE(launch->supply.has_value());
        EXPECT_TRUE(launch->is_mayhem.has_value());
        EXPECT_FALSE(launch->pool.empty());
        EXPECT_EQ(launch->quote.text(), "So11111111111111111111111111111111111111112");
      } else {
        ++others;
      }
    }
  }
  EXPECT_EQ(frames.size(), 98u);
  EXPECT_EQ(trades, 61);
  EXPECT_EQ(launches, 12);
  EXPECT_EQ(others, 0);
  EXPECT_EQ(decoder.counts().frames, 98u);
  EXPECT_EQ(decoder.counts().failed_transactions, 31u);
  EXPECT_EQ(decoder.counts().events_not_valid, 0u);
  EXPECT_EQ(decoder.counts().unknown_tails, 0u);
}

TEST(SolanaDecoderTest, TheEventIndexCountsDataLinesOfAllProgramsAndAnyDepthIsAttributed) {
  SolanaFrameDecoder decoder;
  const std::string trade = DataLine(RecordedTrade());
  const auto events =
      Decode(decoder, Notification({Invoke(kOther, 1), "Program data: AAAA", Invoke(chain::kPumpProgram, 2), trade,
                                    Success(chain::kPumpProgram), trade, Success(kOther),
                                    Invoke(chain::kPumpProgram, 1), trade, Success(chain::kPumpProgram)}));
  ASSERT_EQ(events.size(), 2u) << "the same bytes of another program are no event";
  EXPECT_EQ(std::get<Trade>(events[0]).event_index, 1u);
  EXPECT_EQ(std::get<Trade>(events[1]).event_index, 3u);
  EXPECT_EQ(std::get<Trade>(events[0]).slot, 123u);
  EXPECT_EQ(std::get<Trade>(events[0]).transaction, SampleTransaction(1));
}

TEST(SolanaDecoderTest, FailedTransactionsAndInvocationsDidNotHappen) {
  SolanaFrameDecoder decoder;
  const std::vector<std::string> good = {Invoke(chain::kPumpProgram, 1), DataLine(RecordedTrade()),
                                         Success(chain::kPumpProgram)};
  EXPECT_TRUE(Decode(decoder, Notification(good, R"({"InstructionError":[4,{"Custom":111}]})")).empty());
  EXPECT_EQ(decoder.counts().failed_transactions, 1u);
  EXPECT_TRUE(
      Decode(decoder, Notification({good[0], good[1], absl::StrCat("Program ", chain::kPumpProgram, " failed: x")}))
          .empty());
  EXPECT_EQ(decoder.counts().events_not_valid, 1u);
}

TEST(SolanaDecoderTest, TruncatedAndContradictoryLogsAreKept) {
  SolanaFrameDecoder decoder;
  const std::string raw = Notification({Invoke(kOther, 1), Success(kOther), Invoke(chain::kPumpProgram, 1),
                                        DataLine(RecordedTrade()), Success(chain::kPumpProgram), "Log truncated"});
  const auto events = Decode(decoder, raw);
  ASSERT_EQ(events.size(), 2u) << "what is certain counts all the same";
  EXPECT_EQ(ReasonOf(events[0]), "log_truncated");
  EXPECT_EQ(std::get<FrameRefused>(events[0]).raw, raw);
  EXPECT_TRUE(std::holds_alternative<Trade>(events[1]));
  EXPECT_EQ(ReasonOf(Decode(decoder, Notification({Invoke(kOther, 3)})).at(0)), "logs_malformed");
}

TEST(SolanaDecoderTest, ABrokenInvariantIsNamed) {
  std::vector<uint8_t> bytes = RecordedTrade();
  ASSERT_GT(bytes.size(), 200u);
  // TradeEvent: discriminator 8, mint 32, sol 8, token 8, is_buy 1, user 32, timestamp 8, virtual sol 8, virtual token.
  constexpr size_t kTimestamp = 8 + 32 + 8 + 8 + 1 + 32;
  std::vector<uint8_t> broken = bytes;
  broken[kTimestamp + 8 + 8] ^= 1;
  auto events = DecodePump({DataLine(broken)});
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(ReasonOf(events[0]), "invariant:token_reserves");

  std::vector<uint8_t> timeless = bytes;
  std::fill(timeless.begin() + kTimestamp, timeless.begin() + kTimestamp + 8, uint8_t{0});
  events = DecodePump({DataLine(timeless)});
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(ReasonOf(events[0]), "invariant:event_time");
}

TEST(SolanaDecoderTest, UnknownCutAndUnreadableEventsAreKeptAndOthersGoOn) {
  std::vector<uint8_t> unknown(24, 0xEE);
  std::vector<uint8_t> cut = RecordedTrade();
  const std::string good = DataLine(cut);
  cut.resize(60);
  const auto events = DecodePump({DataLine(unknown), DataLine(cut), "Program data: ?", good});
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(ReasonOf(events[0]), "unknown_event");
  EXPECT_TRUE(absl::StrContains(std::get<FrameRefused>(events[0]).detail, "eeeeeeeeeeeeeeee"));
  EXPECT_EQ(ReasonOf(events[1]), "bad_event:cut_in_group");
  EXPECT_EQ(ReasonOf(events[2]), "bad_event:bad_encoding");
  ASSERT_TRUE(std::holds_alternative<Trade>(events[3]));
  EXPECT_EQ(std::get<Trade>(events[3]).event_index, 3u);
}

TEST(SolanaDecoderTest, ALongerLayoutIsCountedAndTaken) {
  SolanaFrameDecoder decoder;
  // A cut layout cannot be told from a longer one before the newest group; so take the newest and add to it.
  const std::vector<std::string> frames = chain::testing::RecordedFrames(chain::testing::ReadFixture(kLogsFile));
  std::string newest;
  for (const std::string& frame : frames) {
    const size_t at = frame.find("Program data: vdt");
    if (at == std::string::npos || !newest.empty()) continue;
    newest = frame.substr(at + 14, frame.find('"', at) - at - 14);
  }
  std::vector<uint8_t> bytes = chain::testing::Base64(newest);
  bytes.insert(bytes.end(), 5, uint8_t{1});
  const auto events =
      Decode(decoder, Notification({Invoke(chain::kPumpProgram, 1), DataLine(bytes), Success(chain::kPumpProgram)}));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<Trade>(events[0])) << ReasonOf(events[0]);
  EXPECT_EQ(decoder.counts().unknown_tails, 1u);
}

TEST(SolanaDecoderTest, OtherMessages) {
  SolanaFrameDecoder decoder;
  EXPECT_TRUE(Decode(decoder, R"({"jsonrpc":"2.0","id":1,"result":13117691})").empty());
  const auto error = Decode(decoder, R"({"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"slow down"}})");
  ASSERT_EQ(error.size(), 1u);
  EXPECT_EQ(ReasonOf(error[0]), "rpc_error");
  EXPECT_EQ(std::get<FrameRefused>(error[0]).detail, "-32005 slow down");
  EXPECT_EQ(ReasonOf(Decode(decoder, R"({"method":"slotNotification"})").at(0)), "unknown_type");
  EXPECT_EQ(ReasonOf(Decode(decoder, R"({"jsonrpc":)").at(0)), "bad_json");
  EXPECT_EQ(ReasonOf(Decode(decoder, std::string((1 << 20) + 1, ' ')).at(0)), "too_large");
}

TEST(SolanaDecoderTest, TheMayhemFlagComesFromTheEvent) {
  // The flag of an event of the newest layout: the byte behind the instruction's name.
  for (const std::string& frame : chain::testing::RecordedFrames(chain::testing::ReadFixture(kLogsFile))) {
    const size_t at = frame.find("Program data: vdt");
    if (at == std::string::npos) continue;
    std::vector<uint8_t> bytes = chain::testing::Base64(frame.substr(at + 14, frame.find('"', at) - at - 14));
    // See TradeEvent: 129 bytes of version 1, 96 of fees, 33 of volume up to the name's length.
    constexpr size_t kNameLength = 8 + 32 + 8 + 8 + 1 + 32 + 8 + 4 * 8 + (32 + 8 + 8 + 32 + 8 + 8) + (1 + 4 * 8);
    ASSERT_GT(bytes.size(), kNameLength + 4);
    const size_t flag = kNameLength + 4 + bytes[kNameLength];
    ASSERT_LE(bytes[flag], 1);
    for (const uint8_t mayhem : {0, 1}) {
      bytes[flag] = mayhem;
      const auto events = DecodePump({DataLine(bytes)});
      ASSERT_EQ(events.size(), 1u);
      ASSERT_TRUE(std::holds_alternative<Trade>(events[0])) << ReasonOf(events[0]);
      EXPECT_EQ(std::get<Trade>(events[0]).is_mayhem, mayhem == 1);
    }
    break;
  }
}

}  // namespace
}  // namespace tokenwatch::detector
