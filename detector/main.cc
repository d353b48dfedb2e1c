// tokenwatch-detector: reads the command line and runs the service. See detector/README.md.
#include "common/app/runner_flags.h"
#include "common/app/service_runner.h"
#include "common/time/clock.h"
#include "detector/detector.h"
#include "detector/flags.h"

int main(int argc, char** argv) {
  namespace common = tokenwatch::common;
  namespace detector = tokenwatch::detector;
  using common::OrDie;
  constexpr char kService[] = "detector";
  common::StartProgram(kService, "tokenwatch-detector: keeps the durable log of token launches and trades.", argc,
                       argv);
  const detector::Config config = OrDie(kService, detector::ConfigFromFlags());
  OrDie(kService, config.Validate());
  const common::RunnerOptions options =
      OrDie(kService, common::RunnerOptionsFromFlags(kService, "0.0.0.0:7401", "0.0.0.0:7411"));
  OrDie(kService, options.Validate());
  return detector::RunDetector(config, options, common::SystemClock::Instance());
}
