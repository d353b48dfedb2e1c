// Replays a recording as fast as the log takes it, from where the last run left off.
#pragma once

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "common/recording/recording_file.h"
#include "detector/feeds/feed.h"
#include "detector/feeds/frame_decoder.h"
#include "detector/log/feed_board.h"
#include "detector/store.h"

namespace tokenwatch::detector {

class RecordingFeed final : public Feed {
 public:
  struct Options {
    std::string path;
    // For lines that name no feed.
    std::string default_feed = std::string(kSolanaFeed);
  };

  RecordingFeed(const Options& options, Store& store, FeedBoard& board, FeedSink sink);

  const std::string& name() const override { return name_; }
  absl::Status Run(const std::stop_token& stop) override;

 private:
  absl::Status Replay(common::RecordingReader& reader, const std::stop_token& stop);
  absl::string_view FeedOf(const absl::StatusOr<common::RecordedFrame>& frame) const;
  void Decode(const common::RecordedFrame& frame, absl::string_view feed);
  // Hands on what was decoded. CANCELLED when nobody takes it.
  absl::Status Flush(common::RecordingReader& reader, const std::stop_token& stop);

  const std::string name_ = "recording";
  const Options options_;
  Store& store_;
  FeedBoard& board_;
  const FeedSink sink_;

  common::RecordedFrameParser parser_;
  absl::flat_hash_map<std::string, std::unique_ptr<FrameDecoder>> decoders_;
  // Frames of the recording that were handed on.
  uint64_t frames_done_ = 0;
  FeedBatch batch_;
  uint64_t batch_frames_ = 0;
};

}  // namespace tokenwatch::detector
