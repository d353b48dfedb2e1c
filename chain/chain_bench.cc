// Measures the decoders on one core.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <time.h>

#include "absl/strings/match.h"
#include "chain/base58.h"
#include "chain/base64.h"
#include "chain/solana/logs_notification.h"
#include "chain/solana/pda.h"
#include "chain/solana/pumpfun_curve.h"
#include "chain/solana/pumpportal.h"
#include "chain/testing/fixtures.h"
#include "tests/load/bench_report.h"

namespace tokenwatch::chain {
namespace {

volatile uint64_t g_sink = 0;

// The processor time of this thread, so that other work on the machine does not count.
double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Runs `work` (which does `per_call` units) in rounds of 0.1 s of processor time and reports the best of five.
template <typename Work>
void Measure(const char* name, size_t per_call, Work work, const char* goal = "") {
  double best = 0;
  for (int round = 0; round < 5; ++round) {
    size_t calls = 0;
    const double start = CpuSeconds();
    double elapsed = 0;
    do {
      for (size_t units = 0; units < 1000; units += per_call) {
        g_sink = g_sink + work();
        ++calls;
      }
      elapsed = CpuSeconds() - start;
    } while (elapsed < 0.1);
    best = std::max(best, static_cast<double>(calls * per_call) / elapsed);
  }
  load::Report({name, best, "/s", goal});
}

// Frames with room behind them, as a WebSocket client that reads into a padded buffer has them.
struct PaddedFrames {
  std::vector<std::string> buffers;
  std::vector<absl::string_view> frames;
};

PaddedFrames Pad(const std::vector<std::string>& frames) {
  PaddedFrames padded;
  padded.buffers.reserve(frames.size());
  for (const std::string& frame : frames) {
    padded.buffers.push_back(frame + std::string(LogsDecoder::kPaddingBytes, ' '));
    padded.frames.push_back(absl::string_view(padded.buffers.back()).substr(0, frame.size()));
  }
  return padded;
}

void MeasureFrames(const char* name, const std::vector<std::string>& frames, const char* goal = "") {
  const PaddedFrames padded = Pad(frames);
  LogsDecoder decoder;
  const auto decode = [&] {
    size_t events = 0;
    for (absl::string_view frame : padded.frames) events += decoder.DecodePadded(frame).events.size();
    return events;
  };
  Measure(name, frames.size(), decode, goal);
}

void MeasureKeys() {
  const Pubkey key = PubkeyFromConstant("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v");
  std::vector<Pubkey> keys(1000, key);
  for (size_t i = 0; i < keys.size(); ++i) keys[i].bytes[i % 32] = static_cast<uint8_t>(i);
  std::vector<std::string> texts;
  for (const Pubkey& each : keys) texts.emplace_back(each.ToAddress().text());
  std::array<uint8_t, 64> signature;
  std::fill(signature.begin(), signature.end(), uint8_t{0xa5});
  const std::string signature_text(TransactionId::FromSolanaBytes(signature).text());
  Measure("base58_encode_32", keys.size(), [&] {
    size_t sum = 0;
    char out[kMaxBase58Size32];
    for (const Pubkey& each : keys) sum += EncodeBase58(each.bytes, out) + static_cast<size_t>(out[9]);
    return sum;
  });
  Measure("base58_decode_32", texts.size(), [&] {
    size_t sum = 0;
    Pubkey out;
    for (const std::string& each : texts) sum += (DecodeBase58(each, out.bytes) ? 1u : 0u) + out.bytes[7];
    return sum;
  });
  Measure("base58_encode_64", 1, [&] {
    char out[kMaxBase58Size64];
    ++signature[5];
    return EncodeBase58(signature, out) + static_cast<size_t>(out[9]);
  });
  Measure("base58_decode_64", 1, [&] {
    std::array<uint8_t, 64> out;
    return (DecodeBase58(signature_text, out) ? size_t{1} : 0) + out[7];
  });
  Measure("pda_bonding_curve", keys.size(), [&] {
    size_t sum = 0;
    for (const Pubkey& each : keys) sum += BondingCurveAddress(each).bytes[0];
    return sum;
  });
}

void MeasureEvents() {
  const std::vector<std::string> lines = testing::RecordedLogMessages(
      testing::ReadFixture("solana_rpc/chainstack_raw_create_tx_from_blocksubscribe.json"));
  for (const std::string& line : lines) {
    if (!absl::StartsWith(line, "Program data: ")) continue;
    const std::string payload = line.substr(14);
    const std::vector<uint8_t> data = testing::Base64(payload);
    const PumpEvent event = DecodePumpEvent(data);
    const bool trade = std::holds_alternative<TradeEvent>(event);
    if (!trade && !std::holds_alternative<CreateEvent>(event)) continue;
    const auto decode = [&] {
      size_t sum = 0;
      for (int i = 0; i < 1000; ++i) sum += DecodePumpEvent(data).index();
      return sum;
    };
    Measure(trade ? "trade_event_binary" : "create_event_binary", 1000, decode, trade ? ">= 1000000" : "");
    if (!trade) continue;
    Measure("trade_event_from_base64", 1000, [&] {
      size_t sum = 0;
      uint8_t out[1024];
      for (int i = 0; i < 1000; ++i) {
        sum += DecodePumpEvent(absl::MakeConstSpan(out, DecodeBase64(payload, out).value_or(0))).index();
      }
      return sum;
    });
  }
}

void MeasureAll() {
  MeasureKeys();
  MeasureEvents();
  const std::vector<std::string> frames =
      testing::RecordedFrames(testing::ReadFixture("solana_rpc/logs_subscribe_pumpfun_a.jsonl"));
  std::vector<std::string> with_events, without_events;
  LogsDecoder decoder;
  for (const std::string& frame : frames) {
    (decoder.Decode(frame).events.empty() ? without_events : with_events).push_back(frame);
  }
  MeasureFrames("logs_frames_recorded", frames);
  MeasureFrames("logs_frames_with_events", with_events, ">= 200000");
  MeasureFrames("logs_frames_without_events", without_events);
  const std::vector<std::string> portal =
      testing::RecordedFrames(testing::ReadFixture("pumpportal/pumpportal_session_part1.jsonl"));
  PumpPortalDecoder portal_decoder;
  Measure("pumpportal_frames", portal.size(), [&] {
    size_t sum = 0;
    for (const std::string& frame : portal) sum += portal_decoder.Decode(frame).index();
    return sum;
  });
  Measure("curve_buy_exact_in", 1000, [] {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < 1000; ++i) sum += BuyExactLamportsIn(kFreshCurve, 1'000'000'000 + i, {95, 30})->tokens;
    return sum;
  });
}

}  // namespace
}  // namespace tokenwatch::chain

int main() {
  tokenwatch::chain::MeasureAll();
  return 0;
}
