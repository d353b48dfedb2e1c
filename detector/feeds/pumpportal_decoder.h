// Frames of the `pumpportal` feed. They carry no time, slot or event index.
#pragma once

#include "chain/solana/pumpportal.h"
#include "detector/feeds/frame_decoder.h"

namespace tokenwatch::detector {

class PumpPortalFrameDecoder final : public FrameDecoder {
 public:
  void Decode(absl::string_view raw, absl::Time received_at, std::vector<FeedEvent>& events) override;

 private:
  void AddLaunch(chain::PumpPortalCreate create, absl::Time received_at, absl::string_view raw,
                 std::vector<FeedEvent>& events);

  chain::PumpPortalDecoder decoder_;
};

}  // namespace tokenwatch::detector
