// Frames of the `solana` feed: logsSubscribe notifications on the pump.fun program.
#pragma once

#include "chain/solana/logs_notification.h"
#include "detector/feeds/frame_decoder.h"

namespace tokenwatch::detector {

class SolanaFrameDecoder final : public FrameDecoder {
 public:
  void Decode(absl::string_view raw, absl::Time received_at, std::vector<FeedEvent>& events) override;

 private:
  // One event of a transaction. False, with the reason, when the frame must be kept.
  void Add(const chain::LogsMessage& message, const chain::PumpLogEvent& event, absl::string_view raw,
           std::vector<FeedEvent>& events);
  void AddLaunch(const chain::LogsMessage& message, const chain::CreateEvent& create, absl::string_view raw,
                 std::vector<FeedEvent>& events);
  void AddTrade(const chain::LogsMessage& message, const chain::PumpLogEvent& event, const chain::TradeEvent& trade,
                absl::string_view raw, std::vector<FeedEvent>& events);

  chain::LogsDecoder decoder_;
  // Of the frame being decoded.
  absl::Time received_at_;
};

}  // namespace tokenwatch::detector
