// From the raw text of one frame to what it says happened. The same code serves live feeds, recordings and the second
// try on quarantined frames.
#pragma once

#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "detector/feed_event.h"
#include "detector/log/feed_board.h"

namespace tokenwatch::detector {

// One thread at a time.
class FrameDecoder {
 public:
  virtual ~FrameDecoder() = default;

  // Appends what `raw` says. `received_at` is the time of events for which the frame has none. A frame that cannot be
  // used appends a FrameRefused; nothing is dropped silently.
  virtual void Decode(absl::string_view raw, absl::Time received_at, std::vector<FeedEvent>& events) = 0;

  const DecodeCounts& counts() const { return counts_; }

 protected:
  DecodeCounts counts_;
};

inline constexpr absl::string_view kPumpPortalFeed = "pumpportal";
inline constexpr absl::string_view kSolanaFeed = "solana";

// Whether a text can name a feed: 1 to 23 of a-z, 0-9, '-' and '_', beginning with a letter.
bool IsFeedName(absl::string_view text);

// The decoder of a feed's frames; null for a feed that has none here.
std::unique_ptr<FrameDecoder> MakeFrameDecoder(absl::string_view feed);

// A frame of a feed that nobody decodes.
FrameRefused RefuseUnknownFeed(absl::string_view feed, absl::string_view raw);

}  // namespace tokenwatch::detector
