#include "detector/feeds/frame_decoder.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "detector/feeds/pumpportal_decoder.h"
#include "detector/feeds/solana_decoder.h"

namespace tokenwatch::detector {

std::unique_ptr<FrameDecoder> MakeFrameDecoder(absl::string_view feed) {
  if (feed == kPumpPortalFeed) return std::make_unique<PumpPortalFrameDecoder>();
  if (feed == kSolanaFeed) return std::make_unique<SolanaFrameDecoder>();
  return nullptr;
}

FrameRefused RefuseUnknownFeed(absl::string_view feed, absl::string_view raw) {
  return FrameRefused{"unknown_feed", absl::StrCat("no decoder for feed \"", feed, "\""), std::string(raw)};
}

}  // namespace tokenwatch::detector
