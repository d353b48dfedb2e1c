// tokenwatch: the command-line client.
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <sys/ioctl.h>
#include <unistd.h>

#include "absl/strings/str_format.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/run.h"

namespace tokenwatch::cli {
namespace {

std::optional<std::string> GetVariable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

Terminal FindTerminal() {
  Terminal terminal;
  terminal.is_terminal = ::isatty(STDOUT_FILENO) == 1;
  if (!terminal.is_terminal) return terminal;
  // https://no-color.org: any value but the empty one.
  terminal.colour = GetVariable("NO_COLOR").value_or("").empty() && GetVariable("TERM").value_or("dumb") != "dumb";
  winsize size = {};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return terminal;
  terminal.width = size.ws_col;
  terminal.height = size.ws_row;
  return terminal;
}

void SleepUnlessStopped(const std::stop_token& stop, absl::Duration duration) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock<std::mutex> lock(mutex);
  stopped.wait_for(lock, stop, absl::ToChronoMilliseconds(duration), [] { return false; });
}

std::string NewRequestId() {
  std::random_device random;
  return absl::StrFormat("%08x%08x%08x%08x", random(), random(), random(), random());
}

int Main(const std::vector<std::string>& arguments) {
  // A reader that goes away shows as an error of write(), which ends the command quietly.
  std::signal(SIGPIPE, SIG_IGN);
  InterruptWatch interrupt(STDOUT_FILENO);
  FileSink out(STDOUT_FILENO);
  FileSink err(STDERR_FILENO);
  const std::stop_token stop = interrupt.token();
  Environment environment{out,
                          err,
                          FindTerminal(),
                          GetVariable,
                          common::SystemClock::Instance(),
                          stop,
                          [&stop](absl::Duration duration) { SleepUnlessStopped(stop, duration); },
                          NewRequestId};
  return Run(arguments, environment);
}

}  // namespace
}  // namespace tokenwatch::cli

int main(int argc, char** argv) {
  return tokenwatch::cli::Main(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
}
