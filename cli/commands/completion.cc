#include "cli/completion.h"

#include <string>

#include "cli/commands/commands.h"
#include "cli/exit_codes.h"

namespace tokenwatch::cli {

absl::StatusOr<int> PrintCompletion(Context& context) {
  const std::string& shell = context.args().positionals().front();
  const std::string script = shell == "bash"  ? BashCompletion(context.catalogue())
                             : shell == "zsh" ? ZshCompletion(context.catalogue())
                                              : FishCompletion(context.catalogue());
  if (absl::Status printed = context.Print(script); !printed.ok()) return printed;
  return kExitOk;
}

}  // namespace tokenwatch::cli
