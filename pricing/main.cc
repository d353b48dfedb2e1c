// tokenwatch-pricing: reads the command line and runs the service. See pricing/README.md.
#include "common/app/runner_flags.h"
#include "common/app/service_runner.h"
#include "common/time/clock.h"
#include "pricing/flags.h"
#include "pricing/process.h"

int main(int argc, char** argv) {
  namespace common = tokenwatch::common;
  namespace pricing = tokenwatch::pricing;
  using common::OrDie;
  constexpr char kService[] = "pricing";
  common::StartProgram(kService, "tokenwatch-pricing: folds the log of trades into prices and candles.", argc, argv);
  const pricing::Config config = OrDie(kService, pricing::ConfigFromFlags());
  OrDie(kService, config.Validate());
  const common::RunnerOptions options =
      OrDie(kService, common::RunnerOptionsFromFlags(kService, "0.0.0.0:7404", "0.0.0.0:7414"));
  OrDie(kService, options.Validate());
  return pricing::RunPricing(config, options, common::SystemClock::Instance());
}
