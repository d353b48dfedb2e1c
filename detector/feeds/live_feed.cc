#include "detector/feeds/live_feed.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "chain/solana/programs.h"
#include "common/log/log.h"
#include "common/sync/stop.h"

namespace tokenwatch::detector {
namespace {

// One connection only: PumpPortal bans who opens more for an hour. Reconnects back off to a minute.
constexpr common::Backoff::Options kReconnect{.initial = absl::Seconds(1), .cap = absl::Seconds(60)};

}  // namespace

LiveFeed::LiveFeed(Options options, FeedBoard& board, FeedSink sink, FrameRecorder* recorder, common::Clock& clock)
    : options_(std::move(options)),
      board_(board),
      sink_(std::move(sink)),
      recorder_(recorder),
      clock_(clock),
      decoder_(MakeFrameDecoder(options_.name)) {}

absl::Status LiveFeed::Run(const std::stop_token& stop) {
  board_.SetState(name(), FeedState::kConnecting);
  common::WebSocketClient* client = nullptr;
  common::WebSocketHandler handler;
  handler.on_open = [&] {
    board_.SetState(name(), FeedState::kLive, "subscribing");
    for (const std::string& subscription : options_.subscriptions) {
      if (const absl::Status sent = client->Send(subscription); !sent.ok()) {
        board_.SetState(name(), FeedState::kReconnecting, sent.message());
      }
    }
  };
  handler.on_text = [&](absl::string_view frame, absl::Time received_at) { OnFrame(frame, received_at, stop); };
  handler.on_close = [&](const absl::Status& reason) {
    board_.SetState(name(), FeedState::kReconnecting, reason.message());
  };
  handler.on_silence = [&](absl::Duration silence) {
    board_.SetState(name(), FeedState::kSilent, absl::StrCat("no frame for ", absl::FormatDuration(silence)));
  };
  handler.on_log = [&](absl::string_view line, uint64_t suppressed) {
    common::Log(common::Severity::kWarning, line, {{"feed", name()}, {"suppressed", suppressed}});
  };
  auto made = common::WebSocketClient::Create(options_.socket, std::move(handler), common::SystemRandom(), clock_);
  if (!made.ok()) return made.status();
  client = made->get();
  client->Start();
  while (common::SleepUnlessStopped(stop, absl::Hours(1))) {
  }
  client->Stop();
  return absl::OkStatus();
}

void LiveFeed::OnFrame(absl::string_view frame, absl::Time received_at, const std::stop_token& stop) {
  if (recorder_ != nullptr) recorder_->Record(name(), received_at, frame);
  FeedBatch batch;
  batch.feed = Word(name());
  batch.received_at = received_at;
  batch.arrived_at = absl::Now();
  decoder_->Decode(frame, received_at, batch.events);
  board_.SetDecoded(name(), decoder_->counts(), received_at);
  if (!batch.events.empty()) sink_(std::move(batch), stop);
}

LiveFeed::Options PumpPortalOptions(const std::string& url, const LiveFeedTimes& times) {
  LiveFeed::Options options;
  options.name = std::string(kPumpPortalFeed);
  options.socket.url = url;
  options.socket.silence_warn = times.silence_warn;
  options.socket.silence_reconnect = times.silence_reconnect;
  options.socket.backoff = kReconnect;
  options.subscriptions = {R"({"method":"subscribeNewToken"})", R"({"method":"subscribeMigration"})"};
  return options;
}

LiveFeed::Options SolanaOptions(const std::string& url, const LiveFeedTimes& times) {
  LiveFeed::Options options;
  options.name = std::string(kSolanaFeed);
  options.socket.url = url;
  options.socket.silence_warn = times.silence_warn;
  options.socket.silence_reconnect = times.silence_reconnect;
  options.socket.backoff = kReconnect;
  options.subscriptions = {absl::StrCat(R"({"jsonrpc":"2.0","id":1,"method":"logsSubscribe","params":[{"mentions":[")",
                                        chain::kPumpProgram, R"("]},{"commitment":"processed"}]})")};
  return options;
}

}  // namespace tokenwatch::detector
