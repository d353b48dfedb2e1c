#include "detector/detector.h"

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/app/service_runner.h"
#include "common/log/log.h"
#include "common/postgres/postgres_metrics.h"
#include "common/rpc/pull_stream.h"
#include "detector/feeds/feed_runner.h"
#include "detector/feeds/frame_recorder.h"
#include "detector/feeds/live_feed.h"
#include "detector/feeds/recording_feed.h"
#include "detector/housekeeping.h"
#include "detector/log/log_tail.h"
#include "detector/log/log_writer.h"
#include "detector/metrics.h"
#include "detector/pg_store/statements.h"
#include "detector/pg_store/store.h"
#include "detector/rpc/service.h"

namespace tokenwatch::detector {
namespace {

constexpr char kService[] = "detector";
constexpr absl::Duration kOpenTimeout = absl::Seconds(10);
constexpr absl::Duration kWriterDrain = absl::Seconds(10);

// Starts and stops the feeds with the lead, besides counting.
class LeadObserver final : public WriterObserver {
 public:
  explicit LeadObserver(Metrics& metrics) : metrics_(metrics) {}
  void Drive(FeedRunner& feeds) { feeds_ = &feeds; }

  void OnLeading(bool leads) override {
    metrics_.OnLeading(leads);
    // Only who leads reads the feeds: PumpPortal allows one connection.
    if (feeds_ == nullptr) return;
    leads ? feeds_->Start() : feeds_->Stop();
  }
  void OnCommit(const Commit& commit, absl::Duration took) override { metrics_.OnCommit(commit, took); }
  void OnPublished(bool has_launches, bool has_trades, absl::Duration latency) override {
    metrics_.OnPublished(has_launches, has_trades, latency);
  }
  void OnFailure(const absl::Status& status) override { metrics_.OnFailure(status); }
  void OnUnwritable(const absl::Status& status) override { metrics_.OnUnwritable(status); }

 private:
  Metrics& metrics_;
  FeedRunner* feeds_ = nullptr;
};

std::vector<std::unique_ptr<Feed>> MakeFeeds(const Config& config, Store& store, FeedBoard& board, const FeedSink& sink,
                                             FrameRecorder* recorder, common::Clock& clock) {
  const LiveFeedTimes times{config.silence_warn, config.silence_reconnect};
  std::vector<std::unique_ptr<Feed>> feeds;
  for (const std::string& name : config.feeds) {
    if (name == "recording") {
      const RecordingFeed::Options options{config.recording, config.recording_default_feed};
      feeds.push_back(std::make_unique<RecordingFeed>(options, store, board, sink));
    } else {
      LiveFeed::Options options = name == kPumpPortalFeed ? PumpPortalOptions(config.pumpportal_url, times)
                                                          : SolanaOptions(config.solana_ws_url, times);
      feeds.push_back(std::make_unique<LiveFeed>(std::move(options), board, sink, recorder, clock));
    }
  }
  return feeds;
}

LogWriter::Options WriterOptions(const Config& config) {
  LogWriter::Options options;
  options.queue_capacity = static_cast<size_t>(config.intake_queue);
  options.call_capacity = static_cast<size_t>(config.intake_calls);
  options.max_commit_events = static_cast<size_t>(config.commit_events);
  options.window_trades = static_cast<size_t>(config.window_trades);
  options.known_tokens = static_cast<size_t>(config.known_tokens);
  return options;
}

common::StreamSet::Options StreamOptions(const Config& config) {
  return {static_cast<size_t>(config.max_streams), config.stream_stall};
}

// A recording that cannot be opened is a mistake of the one who starts the program, and is said at once.
void CheckRecording(const Config& config) {
  if (config.recording.empty()) return;
  common::OrDie(kService, common::RecordingReader::Open(config.recording).status());
}

void LogFeedEnd(const Feed& feed, const absl::Status& status) {
  if (status.ok()) {
    common::Log(common::Severity::kInfo, "feed has ended", {{"feed", feed.name()}});
  } else {
    common::Log(common::Severity::kError, "feed has failed", {{"feed", feed.name()}, {"error", status.message()}});
  }
}

}  // namespace

int RunDetector(const Config& config, const common::RunnerOptions& options, common::Clock& clock) {
  CheckRecording(config);
  const auto runner = common::OrDie(kService, common::ServiceRunner::Start(options));
  Metrics metrics(runner->metrics());
  common::PostgresMetrics database_metrics(runner->metrics(), {LogStatements(), StoreStatements()});

  std::unique_ptr<PgStore> store;
  const absl::Status opened = runner->WaitUntil("database", [&] {
    auto made = PgStore::Open(
        {.dsn = config.dsn, .max_connections = config.db_connections, .expected_database = config.expected_database},
        clock.Now() + kOpenTimeout, database_metrics, clock);
    if (!made.ok()) return made.status();
    store = *std::move(made);
    return absl::OkStatus();
  });
  if (!opened.ok()) return runner->GiveUp(opened);

  std::unique_ptr<FrameRecorder> recorder;
  if (!config.record.empty()) recorder = common::OrDie(kService, FrameRecorder::Open(config.record));

  FeedBoard board;
  LogTail<Trade> trades(static_cast<size_t>(config.tail_trades));
  LogTail<TokenEvent> events(static_cast<size_t>(config.tail_token_events));
  LeadObserver observer(metrics);
  LogWriter writer(WriterOptions(config), *store, trades, events, board, observer, clock);

  std::atomic<int> exit_code{0};
  const FeedSink sink = [&writer](FeedBatch batch, const std::stop_token& stop) {
    return writer.Submit(Intake{std::move(batch), {}}, stop);
  };
  FeedRunner feeds(MakeFeeds(config, *store, board, sink, recorder.get(), clock), board,
                   [&](const Feed& feed, const absl::Status& status, const std::stop_token& stop) {
                     LogFeedEnd(feed, status);
                     if (!config.exit_after_recording || feed.name() != "recording") return;
                     const absl::Status flushed = writer.Flush(stop);
                     // It runs again where, or as soon as, the log is written.
                     if (stop.stop_requested()) return;
                     exit_code = common::ExitCodeFor(status.ok() ? flushed : status);
                     runner->RequestStop();
                   });
  observer.Drive(feeds);

  common::Executor& calls = runner->AddExecutor({"calls", config.call_threads, static_cast<size_t>(config.call_queue)});
  common::Executor& pulls =
      runner->AddExecutor({"streams", config.stream_threads, static_cast<size_t>(config.max_streams)});
  common::StreamSet streams(StreamOptions(config));
  const SampledMetrics sampled(runner->metrics(), {"recording", "pumpportal", "solana"}, board, writer, trades, events,
                               streams);
  DetectorServiceImpl service({*store, writer, trades, events, board, metrics, calls, pulls, streams, clock});
  const Housekeeping housekeeping(config, *store, writer, streams, metrics, runner->readiness(), clock);

  runner->OnDrain("feeds", [&] { feeds.Stop(); });
  runner->OnDrain("log", [&] { writer.Stop(kWriterDrain); });
  runner->OnDrain("streams", [&] { streams.EndAll(absl::UnavailableError("the service is stopping")); });
  writer.Start();
  common::OrDie(kService, runner->Serve({&service}, {std::string(v1::DetectorService::service_full_name())}));
  const int drained = runner->Run();
  return exit_code != 0 ? exit_code.load() : drained;
}

}  // namespace tokenwatch::detector
