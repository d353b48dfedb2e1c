// A feed over one WebSocket: PumpPortal, and logsSubscribe of a Solana node.
//
// There is exactly one connection; its silence is noticed (a warning at silence_warn, another connection at
// silence_reconnect), and after each reconnect the subscriptions are sent again. Frames are decoded and handed to the
// log on the connection's own thread, so a full log slows the sender down through TCP and loses nothing here.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/http/websocket.h"
#include "common/time/clock.h"
#include "detector/feeds/feed.h"
#include "detector/feeds/frame_decoder.h"
#include "detector/feeds/frame_recorder.h"
#include "detector/log/feed_board.h"

namespace tokenwatch::detector {

class LiveFeed final : public Feed {
 public:
  struct Options {
    // Also names the decoder.
    std::string name;
    common::WebSocketOptions socket;
    // Sent after each connect.
    std::vector<std::string> subscriptions;
  };

  // `recorder` may be null.
  LiveFeed(Options options, FeedBoard& board, FeedSink sink, FrameRecorder* recorder, common::Clock& clock);

  const std::string& name() const override { return options_.name; }
  absl::Status Run(const std::stop_token& stop) override;

 private:
  void OnFrame(absl::string_view frame, absl::Time received_at, const std::stop_token& stop);

  const Options options_;
  FeedBoard& board_;
  const FeedSink sink_;
  FrameRecorder* const recorder_;
  common::Clock& clock_;
  const std::unique_ptr<FrameDecoder> decoder_;
};

// The two live feeds as they are configured publicly. `silence_warn` and `silence_reconnect` are the quiet after which
// a warning is logged and another connection made: the longest quiet seen in ordinary traffic is 43 s.
struct LiveFeedTimes {
  absl::Duration silence_warn = absl::Seconds(120);
  absl::Duration silence_reconnect = absl::Seconds(180);
};
LiveFeed::Options PumpPortalOptions(const std::string& url, const LiveFeedTimes& times);
LiveFeed::Options SolanaOptions(const std::string& url, const LiveFeedTimes& times);

}  // namespace tokenwatch::detector
