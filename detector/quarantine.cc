#include "detector/quarantine.h"

#include <algorithm>
#include <future>
#include <map>
#include <memory>
#include <utility>
#include <variant>

#include "absl/time/clock.h"
#include "detector/feeds/frame_decoder.h"

namespace tokenwatch::detector {
namespace {

bool IsRefused(const std::vector<FeedEvent>& events) {
  return std::any_of(events.begin(), events.end(),
                     [](const FeedEvent& event) { return std::holds_alternative<FrameRefused>(event); });
}

absl::StatusOr<IntakeOutcome> WriteAndWait(LogWriter& writer, Intake intake, absl::Time deadline) {
  auto promise = std::make_shared<std::promise<absl::StatusOr<IntakeOutcome>>>();
  std::future<absl::StatusOr<IntakeOutcome>> outcome = promise->get_future();
  const absl::Status submitted = writer.TrySubmit(
      std::move(intake), [promise](absl::StatusOr<IntakeOutcome> result) { promise->set_value(std::move(result)); });
  if (!submitted.ok()) return submitted;
  const absl::Duration left = std::min(deadline - absl::Now(), absl::Hours(1));
  if (outcome.wait_for(absl::ToChronoMilliseconds(left)) != std::future_status::ready) {
    return absl::DeadlineExceededError("the log did not take the frames in time; they may still be taken");
  }
  return outcome.get();
}

}  // namespace

absl::StatusOr<Redecoded> Redecode(Store& store, LogWriter& writer, absl::Span<const uint64_t> ids,
                                   const std::string& reason, int limit, absl::Time deadline) {
  const auto frames = store.LoadQuarantine(ids, reason, limit, deadline);
  if (!frames.ok()) return frames.status();
  Redecoded result;
  std::map<std::string, Intake> by_feed;
  std::map<std::string, std::unique_ptr<FrameDecoder>> decoders;
  for (const QuarantinedFrame& frame : *frames) {
    ++result.examined;
    const std::string feed(frame.feed.text());
    std::unique_ptr<FrameDecoder>& decoder = decoders[feed];
    if (decoder == nullptr) decoder = MakeFrameDecoder(feed);
    if (decoder == nullptr || frame.raw_cut) continue;
    std::vector<FeedEvent> events;
    decoder->Decode(frame.raw, frame.received_at, events);
    if (IsRefused(events)) continue;
    ++result.decoded;
    Intake& intake = by_feed[feed];
    intake.batch.feed = frame.feed;
    intake.batch.received_at = frame.received_at;
    intake.batch.arrived_at = absl::Now();
    intake.batch.released_quarantine.push_back(frame.id);
    for (FeedEvent& event : events) intake.batch.events.push_back(std::move(event));
  }
  for (auto& [feed, intake] : by_feed) {
    const auto outcome = WriteAndWait(writer, std::move(intake), deadline);
    if (!outcome.ok()) return outcome.status();
    result.events += outcome->accepted;
  }
  return result;
}

}  // namespace tokenwatch::detector
