#include "cli/run.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/catalogue.h"
#include "cli/exit_codes.h"
#include "cli/help.h"

namespace tokenwatch::cli {
namespace {

constexpr absl::Duration kDefaultTimeout = absl::Seconds(5);

absl::StatusOr<int> RunCommand(const Catalogue& catalogue, const Invocation& invocation, Environment& environment) {
  absl::StatusOr<Endpoints> endpoints = FindEndpoints(invocation.args, environment.variable);
  if (!endpoints.ok()) return endpoints.status();
  Clients clients(*std::move(endpoints), invocation.args.Duration("timeout", kDefaultTimeout), environment.stop);
  Context context(catalogue, invocation.args, environment, clients);
  return invocation.command->run(context);
}

absl::StatusOr<int> Dispatch(const std::vector<std::string>& arguments, Environment& environment) {
  const Catalogue& catalogue = TokenwatchCatalogue();
  const absl::StatusOr<Invocation> invocation = ParseArguments(catalogue, arguments);
  if (!invocation.ok())
    return absl::Status(invocation.status().code(),
                        absl::StrCat(invocation.status().message(), " (see tokenwatch --help)"));
  if (invocation->help) {
    const absl::Status printed = environment.out.Write(HelpText(catalogue, *invocation));
    return printed.ok() ? absl::StatusOr<int>(kExitOk) : printed;
  }
  if (invocation->version) {
    const absl::Status printed = environment.out.Write(absl::StrCat("tokenwatch ", TOKENWATCH_VERSION, "\n"));
    return printed.ok() ? absl::StatusOr<int>(kExitOk) : printed;
  }
  return RunCommand(catalogue, *invocation, environment);
}

}  // namespace

int Run(const std::vector<std::string>& arguments, Environment& environment) {
  const absl::StatusOr<int> code = Dispatch(arguments, environment);
  if (code.ok() && *code != kExitInterrupted) return *code;
  // `| head` has read enough: that is not an error, and nobody is there to be told.
  if (environment.out.IsClosed()) return kExitOk;
  if (environment.stop.stop_requested()) return kExitInterrupted;
  WriteNote(environment.err, code.status().message());
  return ExitCodeOf(code.status());
}

}  // namespace tokenwatch::cli
