#include "detector/feeds/recording_feed.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/sync/stop.h"

namespace tokenwatch::detector {
namespace {

// Frames handed on together: enough that a hand-over costs nothing, few enough that a batch stays small.
constexpr uint64_t kBatchFrames = 256;
constexpr absl::Duration kStoreTimeout = absl::Seconds(5);
constexpr absl::Duration kStoreRetry = absl::Milliseconds(200);
const Word kReader("recording");

}  // namespace

RecordingFeed::RecordingFeed(const Options& options, Store& store, FeedBoard& board, FeedSink sink)
    : options_(options), store_(store), board_(board), sink_(std::move(sink)) {}

absl::Status RecordingFeed::Run(const std::stop_token& stop) {
  board_.SetState(name_, FeedState::kConnecting);
  auto reader = common::RecordingReader::Open(options_.path);
  if (!reader.ok()) return reader.status();
  absl::StatusOr<uint64_t> done = store_.LoadPosition(kReader, (*reader)->identity(), absl::Now() + kStoreTimeout);
  while (!done.ok()) {
    board_.SetState(name_, FeedState::kConnecting, done.status().message());
    if (!common::SleepUnlessStopped(stop, kStoreRetry)) return absl::CancelledError("stopped");
    done = store_.LoadPosition(kReader, (*reader)->identity(), absl::Now() + kStoreTimeout);
  }
  batch_ = FeedBatch();
  batch_frames_ = 0;
  frames_done_ = *done;
  while ((*reader)->lines() < *done) {
    if (const auto line = (*reader)->NextLine(); !line.ok()) return line.status();
    if (stop.stop_requested()) return absl::CancelledError("stopped");
  }
  board_.SetState(name_, FeedState::kLive);
  const absl::Status status = Replay(**reader, stop);
  if (status.ok()) {
    board_.SetState(name_, FeedState::kFinished, absl::StrCat((*reader)->lines(), " frames"));
    for (const auto& [feed, decoder] : decoders_) board_.SetState(feed, FeedState::kFinished, "replayed");
  }
  return status;
}

absl::Status RecordingFeed::Replay(common::RecordingReader& reader, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto line = reader.NextLine();
    if (!line.ok()) {
      // What came before the end, or before the damage, counts.
      if (absl::Status flushed = Flush(reader, stop); !flushed.ok()) return flushed;
      return absl::IsOutOfRange(line.status()) ? absl::OkStatus() : line.status();
    }
    const auto frame = parser_.Parse(*line);
    const absl::string_view feed = FeedOf(frame);
    // A batch is of one feed; the line just read belongs to the next.
    if (batch_frames_ > 0 && (batch_.feed.text() != feed || batch_frames_ >= kBatchFrames)) {
      if (absl::Status flushed = Flush(reader, stop); !flushed.ok()) return flushed;
    }
    if (batch_frames_ == 0) {
      batch_.feed = Word(feed);
      batch_.arrived_at = absl::Now();
    }
    ++batch_frames_;
    if (!frame.ok()) {
      batch_.events.push_back(
          FrameRefused{"bad_recording_line", std::string(frame.status().message()), std::string(*line)});
    } else {
      Decode(*frame, feed);
    }
  }
  return absl::CancelledError("stopped");
}

absl::string_view RecordingFeed::FeedOf(const absl::StatusOr<common::RecordedFrame>& frame) const {
  if (!frame.ok()) return name_;
  const absl::string_view feed = frame->feed.empty() ? absl::string_view(options_.default_feed) : frame->feed;
  return IsFeedName(feed) ? feed : absl::string_view(name_);
}

void RecordingFeed::Decode(const common::RecordedFrame& frame, absl::string_view feed) {
  batch_.received_at = frame.received_at;
  const size_t before = batch_.events.size();
  auto decoder = decoders_.find(feed);
  if (decoder == decoders_.end()) {
    if (std::unique_ptr<FrameDecoder> made = MakeFrameDecoder(feed)) {
      decoder = decoders_.emplace(std::string(feed), std::move(made)).first;
    }
  }
  if (decoder != decoders_.end()) {
    decoder->second->Decode(frame.raw, frame.received_at, batch_.events);
  } else {
    batch_.events.push_back(RefuseUnknownFeed(feed, frame.raw));
  }
  for (size_t i = before; i < batch_.events.size(); ++i) {
    if (auto* refused = std::get_if<FrameRefused>(&batch_.events[i])) refused->received_at = frame.received_at;
  }
}

absl::Status RecordingFeed::Flush(common::RecordingReader& reader, const std::stop_token& stop) {
  if (batch_frames_ == 0) return absl::OkStatus();
  frames_done_ += batch_frames_;
  batch_.position = FeedPosition{kReader, reader.identity(), frames_done_};
  if (const auto decoder = decoders_.find(batch_.feed.text()); decoder != decoders_.end()) {
    board_.SetDecoded(batch_.feed.text(), decoder->second->counts(), batch_.received_at);
  }
  batch_frames_ = 0;
  FeedBatch batch = std::exchange(batch_, FeedBatch());
  return sink_(std::move(batch), stop) ? absl::OkStatus() : absl::CancelledError("stopped");
}

}  // namespace tokenwatch::detector
