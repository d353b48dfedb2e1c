// tokenwatch-resolver: gives names to tokens. See resolver/README.md.
#include <memory>

#include "common/app/runner_flags.h"
#include "common/app/service_runner.h"
#include "common/http/client.h"
#include "common/postgres/postgres_metrics.h"
#include "common/rpc/channel.h"
#include "resolver/detector_client.h"
#include "resolver/flags.h"
#include "resolver/loops/loops.h"
#include "resolver/pg_store/pg_store.h"
#include "resolver/pg_store/statements.h"
#include "resolver/service.h"
#include "resolver/sources/make_sources.h"

namespace {

using tokenwatch::common::Clock;
using tokenwatch::common::OrDie;
using tokenwatch::common::ServiceRunner;
using tokenwatch::common::SystemClock;
namespace common = tokenwatch::common;
namespace resolver = tokenwatch::resolver;

constexpr char kService[] = "resolver";

}  // namespace

int main(int argc, char** argv) {
  common::StartProgram(kService, "tokenwatch-resolver: gives names to tokens.", argc, argv);
  const resolver::Config config = OrDie(kService, resolver::ConfigFromFlags());
  OrDie(kService, config.Validate());
  const common::RunnerOptions options =
      OrDie(kService, common::RunnerOptionsFromFlags(kService, "0.0.0.0:7402", "0.0.0.0:7412"));
  OrDie(kService, options.Validate());
  auto runner = OrDie(kService, ServiceRunner::Start(options));
  Clock& clock = SystemClock::Instance();

  common::PostgresMetrics database_metrics(runner->metrics(), {resolver::Statements()});
  resolver::WorkMetrics work_metrics(runner->metrics());
  resolver::CascadeMetrics cascade_metrics(runner->metrics(), config.sources);
  common::Readiness::Condition detector_condition = runner->readiness().Add("detector", "not asked yet");
  common::Readiness::Condition database_condition = runner->readiness().Add("database", "not asked yet");
  common::Executor& executor = runner->AddExecutor({.name = "rpc", .threads = 4, .queue_capacity = 256});

  std::unique_ptr<resolver::PgStore> store;
  const absl::Status opened = runner->WaitUntil("database", [&] {
    auto attempt = resolver::PgStore::Open({.dsn = config.dsn,
                                            .expected_database = config.expected_database,
                                            .expected_role = config.expected_role,
                                            .max_connections = config.db_connections},
                                           clock.Now() + absl::Seconds(30), database_metrics, clock);
    if (!attempt.ok()) return attempt.status();
    store = *std::move(attempt);
    return absl::OkStatus();
  });
  if (!opened.ok()) return runner->GiveUp(opened);

  // The network ends before the sources and the cascade that its callbacks use.
  std::unique_ptr<common::HttpClient> http = resolver::MakeHttpClient(config, clock);
  const auto sources = resolver::MakeSources(config, *http, clock);
  resolver::Cascade cascade(config.Cascade(), resolver::Pointers(sources), resolver::KnownTokens::BuiltIn(), clock,
                            common::SystemRandom(), cascade_metrics);
  const common::ScopedSampler sampler =
      cascade_metrics.Sample(runner->metrics(), cascade, clock, static_cast<size_t>(config.capacity));
  resolver::DetectorClient detector(common::MakeChannel({.target = config.detector}));
  resolver::Loops loops({config, *store, detector, cascade, resolver::KnownTokens::BuiltIn(), clock, work_metrics,
                         detector_condition, database_condition});
  resolver::ResolverServiceImpl service(*store, cascade, loops.claims(), executor, config, work_metrics, clock);

  if (absl::Status status = loops.Start(clock.Now() + absl::Seconds(10)); !status.ok()) return runner->GiveUp(status);
  database_condition.SetReady();
  runner->OnDrain("loops", [&] {
    loops.Stop();
    http->Shutdown();
  });
  if (absl::Status status = runner->Serve({&service}, {resolver::v1::ResolverService::service_full_name()});
      !status.ok()) {
    return runner->GiveUp(status);
  }
  return runner->Run();
}
