#include "pricing/process.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "common/postgres/postgres_metrics.h"
#include "common/rpc/channel.h"
#include "pricing/decimals.h"
#include "pricing/detector_client.h"
#include "pricing/loops/loops.h"
#include "pricing/metrics.h"
#include "pricing/pg_store/pg_store.h"
#include "pricing/pg_store/statements.h"
#include "pricing/reference_file.h"
#include "pricing/rpc/service.h"
#include "pricing/upstreams.h"

namespace tokenwatch::pricing {
namespace {

constexpr char kService[] = "pricing";
constexpr absl::Duration kOpenTimeout = absl::Seconds(30);
constexpr absl::Duration kRestoreTimeout = absl::Minutes(2);
// Less than the drain's, so that one transaction that hangs does not take all of it.
constexpr absl::Duration kWriteTimeout = absl::Seconds(8);
// Of each asset: a month of one a minute.
constexpr size_t kReferences = 50'000;
constexpr size_t kQueuedCalls = 256;
constexpr size_t kReferencesAtOnce = 1000;

// A file that cannot be read is a mistake of the one who starts the program, and is said at once.
std::vector<Reference> RecordedReferences(const Config& config) {
  if (config.reference_file.empty()) return {};
  return common::OrDie(kService, ReadReferenceFile(config.reference_file));
}

// Repeating it changes nothing.
absl::Status StoreReferences(Store& store, absl::Span<const Reference> references, common::Clock& clock) {
  for (; !references.empty(); references.remove_prefix(std::min(references.size(), kReferencesAtOnce))) {
    const absl::Status stored =
        store.AddReferences(references.subspan(0, kReferencesAtOnce), clock.Now() + kOpenTimeout);
    if (!stored.ok()) return stored;
  }
  return absl::OkStatus();
}

}  // namespace

int RunPricing(const Config& config, const common::RunnerOptions& options, common::Clock& clock) {
  const std::vector<Reference> recorded = RecordedReferences(config);
  const auto runner = common::OrDie(kService, common::ServiceRunner::Start(options));
  common::MetricRegistry& registry = runner->metrics();
  common::PostgresMetrics database_metrics(registry, {StoreStatements(), WriteStatements()});
  WorkMetrics work_metrics(registry);
  ServingMetrics serving_metrics(registry);
  common::Readiness::Condition detector_condition = runner->readiness().Add("detector", "not asked yet");
  common::Readiness::Condition database_condition = runner->readiness().Add("database", "not asked yet");
  common::Readiness::Condition log_condition = runner->readiness().Add("log", "not followed yet");

  ReferenceBook references(std::max(kReferences, recorded.size()));
  for (const Reference& reference : recorded) {
    if (references.Add(reference)) work_metrics.references_recorded.Increment();
  }
  // Before anything is waited for: a key that cannot be read is such a mistake too.
  const auto upstreams = common::OrDie(kService, Upstreams::Make(config, references, registry, clock));

  std::unique_ptr<PgStore> store;
  const absl::Status opened = runner->WaitUntil("database", [&] {
    auto made = PgStore::Open({.dsn = config.dsn,
                               .expected_database = config.expected_database,
                               .expected_role = config.expected_role,
                               .max_connections = config.db_connections,
                               .write_timeout = kWriteTimeout,
                               .parted_series = static_cast<size_t>(config.parted_series)},
                              clock.Now() + kOpenTimeout, database_metrics, clock);
    if (!made.ok()) return made.status();
    store = *std::move(made);
    return absl::OkStatus();
  });
  if (!opened.ok()) return runner->GiveUp(opened);

  const auto max_streams = static_cast<size_t>(config.max_streams);
  common::Executor& calls = runner->AddExecutor({"calls", 6, kQueuedCalls + max_streams});
  common::Executor& pulls = runner->AddExecutor({"streams", 2, max_streams});
  common::Executor& lookups = runner->AddExecutor({"lookups", 1, 64});

  DetectorClient detector(common::MakeChannel({.target = config.detector}), clock);
  HotSet hot;
  DecimalsBook decimals(
      {},
      [&](absl::Span<const chain::TokenRef> tokens, absl::Time deadline) {
        return detector.GetDecimals(tokens, deadline);
      },
      lookups, clock);
  const PriceView view(config.View(), hot, references, decimals);
  PriceHub prices({}, hot, view, clock);
  RequestHub requests({}, *store, clock);
  common::StreamSet price_streams({max_streams, config.stream_stall});
  common::StreamSet request_streams({max_streams, config.stream_stall});

  Loops loops({config, *store, detector, upstreams->oracle(), references, clock, work_metrics, detector_condition,
               database_condition, log_condition},
              {hot, view, prices, requests, [&] {
                 price_streams.CutOffStalled(absl::Now());
                 request_streams.CutOffStalled(absl::Now());
               }});
  const absl::Status restored = runner->WaitUntil("restore", [&] {
    const absl::Status stored = StoreReferences(*store, recorded, clock);
    return stored.ok() ? loops.Restore(clock.Now() + kRestoreTimeout) : stored;
  });
  if (!restored.ok()) return runner->GiveUp(restored);
  const StateMetrics state_metrics(registry, loops);
  const common::ScopedSampler sampler = serving_metrics.Sample(registry, prices, price_streams, request_streams);
  PricingServiceImpl service({hot, view, references, *store, detector, upstreams->oracle(), prices, requests, loops,
                              [&](const SeriesKey& key) { return loops.Parked(key); },
                              [&](const chain::TokenRef& token, bool watched) { loops.SetWatched(token, watched); },
                              serving_metrics, calls, pulls, price_streams, request_streams, clock});
  requests.OnStored([&] { loops.WakeRequests(); });

  runner->OnDrain("streams", [&] {
    const absl::Status stopping = absl::UnavailableError("the service is stopping");
    price_streams.EndAll(stopping);
    request_streams.EndAll(stopping);
  });
  runner->OnDrain("loops", [&] { loops.Stop(options.drain_deadline * 0.6); });
  runner->OnDrain("oracle", [&] { upstreams->EndCalls(); });
  loops.Start();
  if (absl::Status status = runner->Serve({&service}, {std::string(v1::PricingService::service_full_name())});
      !status.ok()) {
    return runner->GiveUp(status);
  }
  const int code = runner->Run();
  // What the oracle still owes is answered to the service, which is there until here.
  upstreams->Stop();
  return code;
}

}  // namespace tokenwatch::pricing
