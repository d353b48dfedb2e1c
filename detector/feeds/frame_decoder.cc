#include "detector/feeds/frame_decoder.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "detector/feeds/pumpportal_decoder.h"
#include "detector/feeds/solana_decoder.h"

namespace tokenwatch::detector {

bool IsFeedName(absl::string_view text) {
  if (text.empty() || text.size() > Word::kMaxSize || !absl::ascii_islower(text.front())) return false;
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' || c == '_';
  });
}

std::unique_ptr<FrameDecoder> MakeFrameDecoder(absl::string_view feed) {
  if (feed == kPumpPortalFeed) return std::make_unique<PumpPortalFrameDecoder>();
  if (feed == kSolanaFeed) return std::make_unique<SolanaFrameDecoder>();
  return nullptr;
}

FrameRefused RefuseUnknownFeed(absl::string_view feed, absl::string_view raw) {
  return FrameRefused{"unknown_feed", absl::StrCat("no decoder for feed \"", feed, "\""), std::string(raw)};
}

}  // namespace tokenwatch::detector
