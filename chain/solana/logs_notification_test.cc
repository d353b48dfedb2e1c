#include "chain/solana/logs_notification.h"

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "chain/solana/programs.h"
#include "chain/solana/pumpfun_invariants.h"
#include "chain/testing/fixtures.h"

namespace tokenwatch::chain {
namespace {

constexpr char kSignature[] =
    "55oY4Pe8WHGFxwZqyw5FE5j97pNGjEDAc2wxLXk9Ezafs4cWh1VHT3UbdfxDG9iMsB9KF9YunagvAb2HyJzVapxn";
constexpr char kOther[] = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";

std::string Notification(const std::vector<std::string>& lines, absl::string_view err = "null") {
  std::string logs;
  for (const std::string& line : lines) {
    const std::string escaped = absl::StrReplaceAll(line, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}});
    absl::StrAppend(&logs, logs.empty() ? "" : ",", "\"", escaped, "\"");
  }
  return absl::StrCat(R"({"jsonrpc":"2.0","method":"logsNotification","params":{"subscription":7,"result":{)",
                      R"("context":{"slot":123},"value":{"signature":")", kSignature, R"(","err":)", err,
                      R"(,"logs":[)", logs, "]}}}}");
}

std::string Invoke(absl::string_view id, int depth) { return absl::StrCat("Program ", id, " invoke [", depth, "]"); }
std::string Success(absl::string_view id) { return absl::StrCat("Program ", id, " success"); }

// The base64 of a `Program data:` line with a recorded event, found by the length of its bytes.
std::string RecordedTradeLine() {
  for (const std::string& line : testing::RecordedLogMessages(
           testing::ReadFixture("solana_rpc/chainstack_raw_create_tx_from_blocksubscribe.json"))) {
    if (line.rfind("Program data: vdt", 0) == 0) return line;
  }
  return "";
}

struct Counts {
  int creates = 0;
  int trades = 0;
  int trades_at_depth_2 = 0;
  int invalid = 0;
  int bad = 0;
  int unknown_tails = 0;
  int broken_invariants = 0;
  std::map<std::string, int> unknown;
};

void Count(const PumpLogEvent& event, Counts& counts) {
  counts.invalid += event.valid ? 0 : 1;
  if (const TradeEvent* trade = std::get_if<TradeEvent>(&event.event)) {
    ++counts.trades;
    counts.trades_at_depth_2 += event.depth == 2 ? 1 : 0;
    counts.unknown_tails += trade->unknown_tail_bytes != 0 ? 1 : 0;
    counts.broken_invariants += CheckInvariants(*trade) != 0 ? 1 : 0;
    EXPECT_TRUE(trade->buyback.has_value());
  } else if (const CreateEvent* create = std::get_if<CreateEvent>(&event.event)) {
    ++counts.creates;
    counts.unknown_tails += create->unknown_tail_bytes != 0 ? 1 : 0;
    EXPECT_TRUE(create->modes.has_value());
    EXPECT_FALSE(create->name.empty());
  } else if (const UnknownEvent* unknown = std::get_if<UnknownEvent>(&event.event)) {
    ++counts.unknown[absl::BytesToHexString(
        absl::string_view(reinterpret_cast<const char*>(unknown->discriminator.data()), 8))];
  } else {
    ++counts.bad;
  }
}

TEST(LogsNotificationTest, WholeRecordedStream) {
  const std::vector<std::string> frames =
      testing::RecordedFrames(testing::ReadFixture("solana_rpc/logs_subscribe_pumpfun_a.jsonl"));
  ASSERT_EQ(frames.size(), 98u);
  LogsDecoder decoder;
  Counts counts;
  int acks = 0, notifications = 0, with_error = 0, truncated = 0, malformed = 0;
  for (const std::string& frame : frames) {
    const LogsMessage& message = decoder.Decode(frame);
    acks += message.kind == LogsMessageKind::kSubscriptionAck ? 1 : 0;
    if (message.kind != LogsMessageKind::kNotification) continue;
    ++notifications;
    with_error += message.has_error ? 1 : 0;
    truncated += message.truncated ? 1 : 0;
    malformed += message.logs_malformed ? 1 : 0;
    EXPECT_GT(message.slot, 430'000'000u);
    EXPECT_FALSE(message.signature.empty());
    for (const PumpLogEvent& event : message.events) Count(event, counts);
  }
  EXPECT_EQ(acks, 1);
  EXPECT_EQ(notifications, 97);
  EXPECT_EQ(with_error, 31);
  EXPECT_EQ(truncated, 0);
  EXPECT_EQ(malformed, 0);
  EXPECT_EQ(counts.creates, 12);
  EXPECT_EQ(counts.trades, 61);
  EXPECT_EQ(counts.trades_at_depth_2, 24);
  EXPECT_EQ(counts.invalid, 0);
  EXPECT_EQ(counts.bad, 0);
  EXPECT_EQ(counts.unknown_tails, 0);
  EXPECT_EQ(counts.broken_invariants, 0);
}

TEST(LogsNotificationTest, BothWaysOfHandingInAgree) {
  LogsDecoder copying, padded;
  for (std::string& frame :
       testing::RecordedFrames(testing::ReadFixture("solana_rpc/logs_subscribe_pumpfun_a.jsonl"))) {
    const LogsMessage& a = copying.Decode(frame);
    std::string buffer = frame + std::string(LogsDecoder::kPaddingBytes, '"');
    const LogsMessage& b = padded.DecodePadded(absl::string_view(buffer).substr(0, frame.size()));
    EXPECT_EQ(a.kind, b.kind);
    EXPECT_EQ(a.slot, b.slot);
    EXPECT_EQ(a.events.size(), b.events.size());
    EXPECT_EQ(a.data_line_count, b.data_line_count);
  }
}

TEST(LogsNotificationTest, OrdinalsCountDataLinesOfAllPrograms) {
  LogsDecoder decoder;
  const std::string trade = RecordedTradeLine();
  ASSERT_NE(trade, "");
  const LogsMessage& message =
      decoder.Decode(Notification({Invoke(kOther, 1), "Program data: AAAA", Invoke(kPumpProgram, 2), trade,
                                   Success(kPumpProgram), "Program data: AAAA", Success(kOther)}));
  ASSERT_EQ(message.kind, LogsMessageKind::kNotification);
  EXPECT_EQ(message.subscription, 7u);
  EXPECT_EQ(message.slot, 123u);
  EXPECT_EQ(message.signature.text(), kSignature);
  EXPECT_EQ(message.data_line_count, 3u);
  ASSERT_EQ(message.events.size(), 1u);
  EXPECT_EQ(message.events[0].ordinal, 1u);
  EXPECT_EQ(message.events[0].depth, 2);
  EXPECT_TRUE(message.events[0].valid);
  EXPECT_TRUE(std::holds_alternative<TradeEvent>(message.events[0].event));
}

TEST(LogsNotificationTest, SameBytesOfAnotherProgramAreNoEvent) {
  LogsDecoder decoder;
  const LogsMessage& message = decoder.Decode(Notification({Invoke(kOther, 1), RecordedTradeLine(), Success(kOther)}));
  EXPECT_EQ(message.data_line_count, 1u);
  EXPECT_TRUE(message.events.empty());
}

TEST(LogsNotificationTest, FailedTransactionsAndInvocationsHaveNoValidEvents) {
  LogsDecoder decoder;
  const std::vector<std::string> good = {Invoke(kPumpProgram, 1), RecordedTradeLine(), Success(kPumpProgram)};
  const LogsMessage& failed = decoder.Decode(Notification(good, R"({"InstructionError":[4,{"Custom":111}]})"));
  EXPECT_TRUE(failed.has_error);
  ASSERT_EQ(failed.events.size(), 1u);
  EXPECT_FALSE(failed.events[0].valid);
  EXPECT_EQ(failed.events[0].outcome, InvocationOutcome::kSucceeded);

  const LogsMessage& inner = decoder.Decode(Notification(
      {Invoke(kPumpProgram, 1), RecordedTradeLine(), absl::StrCat("Program ", kPumpProgram, " failed: x")}));
  EXPECT_FALSE(inner.has_error);
  EXPECT_FALSE(inner.events.at(0).valid);
  EXPECT_EQ(inner.events.at(0).outcome, InvocationOutcome::kFailed);

  const LogsMessage& cut =
      decoder.Decode(Notification({Invoke(kPumpProgram, 1), RecordedTradeLine(), "Log truncated"}));
  EXPECT_TRUE(cut.truncated);
  EXPECT_FALSE(cut.events.at(0).valid);
  EXPECT_EQ(cut.events.at(0).outcome, InvocationOutcome::kUnresolved);
}

TEST(LogsNotificationTest, EscapedLinesAreUnescapedBeforeTheyAreJudged) {
  LogsDecoder decoder;
  std::string frame =
      Notification({Invoke(kOther, 1), absl::StrCat("Program log: \"\n", Invoke(kPumpProgram, 2)), Success(kOther),
                    Invoke(kPumpProgram, 1), RecordedTradeLine(), Success(kPumpProgram)});
  // Any character may be written as an escape.
  absl::StrReplaceAll({{"Program data", "\\u0050rogram data"}, {"/", "\\/"}}, &frame);
  const LogsMessage& message = decoder.Decode(frame);
  ASSERT_EQ(message.kind, LogsMessageKind::kNotification);
  EXPECT_FALSE(message.logs_malformed);
  ASSERT_EQ(message.events.size(), 1u);
  EXPECT_TRUE(message.events[0].valid);
  EXPECT_TRUE(std::holds_alternative<TradeEvent>(message.events[0].event));
}

TEST(LogsNotificationTest, BadBase64IsKeptAsABadEvent) {
  LogsDecoder decoder;
  const LogsMessage& message =
      decoder.Decode(Notification({Invoke(kPumpProgram, 1), "Program data: ?", "Program data: AAAA AAAA",
                                   "Program data: AAAA", Success(kPumpProgram)}));
  ASSERT_EQ(message.events.size(), 3u);
  EXPECT_EQ(std::get<BadEvent>(message.events[0].event).error, EventError::kBadEncoding);
  EXPECT_EQ(std::get<BadEvent>(message.events[1].event).error, EventError::kBadEncoding);
  EXPECT_EQ(std::get<BadEvent>(message.events[2].event).error, EventError::kNoDiscriminator);
  EXPECT_EQ(message.events[2].data.size(), 3u);
}

TEST(LogsNotificationTest, OtherMessagesAreRecognised) {
  LogsDecoder decoder;
  const LogsMessage& ack = decoder.Decode(R"( {"jsonrpc":"2.0", "id":3, "result":13117691} )");
  EXPECT_EQ(ack.kind, LogsMessageKind::kSubscriptionAck);
  EXPECT_EQ(ack.request_id, 3u);
  EXPECT_EQ(ack.subscription, 13117691u);
  const LogsMessage& error =
      decoder.Decode(R"({"jsonrpc":"2.0","error":{"code":-32602,"message":"Invalid \"params\""},"id":1})");
  EXPECT_EQ(error.kind, LogsMessageKind::kRpcError);
  EXPECT_EQ(error.error_code, -32602);
  EXPECT_EQ(error.error_message, "Invalid \"params\"");
  for (absl::string_view other :
       {"{}", "[]", "1", "\"x\"", R"({"id":1,"result":true})", R"({"result":5})",
        R"({"jsonrpc":"2.0","method":"slotNotification","params":{"result":{"slot":1},"subscription":2}})"}) {
    const LogsMessage& message = decoder.Decode(other);
    EXPECT_EQ(message.kind, LogsMessageKind::kUnknown) << other;
    EXPECT_FALSE(message.problem.empty());
  }
}

TEST(LogsNotificationTest, DamagedMessagesAreMalformed) {
  LogsDecoder decoder;
  const std::string good = Notification({Invoke(kPumpProgram, 1), RecordedTradeLine(), Success(kPumpProgram)});
  ASSERT_EQ(decoder.Decode(good).kind, LogsMessageKind::kNotification);
  for (size_t size = 0; size < good.size(); ++size) {
    const LogsMessage& message = decoder.Decode(good.substr(0, size));
    EXPECT_EQ(message.kind, LogsMessageKind::kMalformed) << size;
    EXPECT_TRUE(message.events.empty());
  }
  EXPECT_EQ(decoder.Decode(good + good).kind, LogsMessageKind::kMalformed);
  EXPECT_EQ(decoder.Decode(good + "x").kind, LogsMessageKind::kMalformed);
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"\"slot\":123", "\"slot\":\"x\""},
                                                        {"\"signature\":\"55", "\"signature\":\"0"},
                                                        {"\"logs\":[", "\"lags\":["},
                                                        {"\"value\":{", "\"volue\":{"},
                                                        {"\"context\":{\"slot\":123}", "\"context\":null"},
                                                        {"\"params\":{", "\"porams\":{"}}) {
    const LogsMessage& message = decoder.Decode(absl::StrReplaceAll(good, {{from, to}}));
    EXPECT_EQ(message.kind, LogsMessageKind::kMalformed) << from;
    EXPECT_TRUE(message.events.empty());
  }
  EXPECT_EQ(decoder.Decode(absl::string_view()).kind, LogsMessageKind::kMalformed);
  EXPECT_EQ(decoder.Decode("\xff\xfe").kind, LogsMessageKind::kMalformed);
  EXPECT_EQ(decoder.Decode(good).kind, LogsMessageKind::kNotification) << "one bad message harms no later one";
}

TEST(LogsNotificationTest, LargeMessagesAreRefusedUnread) {
  LogsDecoder decoder(100);
  EXPECT_EQ(decoder.Decode("{\"id\":1,\"result\":2}").kind, LogsMessageKind::kSubscriptionAck);
  EXPECT_EQ(decoder.Decode(std::string(101, ' ')).kind, LogsMessageKind::kTooLarge);
}

}  // namespace
}  // namespace tokenwatch::chain
