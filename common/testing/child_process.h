// A program run by a test. Ended by its process id when the object ends, and by the kernel when the test dies.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tokenwatch::common {

// Not thread-safe.
class ChildProcess {
 public:
  struct Options {
    // The program, by path or to be found on PATH, and its arguments.
    std::vector<std::string> command;
    // Added to the environment of the test.
    std::map<std::string, std::string> environment;
    // Where the program's output goes; empty for /dev/null. Appended to when it exists.
    std::filesystem::path stdout_file;
    std::filesystem::path stderr_file;
    std::filesystem::path directory;
    // The user to run as, when the test is run by root; empty for the test's own.
    std::string user;
  };

  // The program is running when this returns. It must be called from a thread that lives as long as the child should:
  // the kernel ends the child together with that thread.
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(const Options& options);
  // SIGKILL if it still runs, and waits for the end.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  // False when it has ended already.
  bool Signal(int signal);
  // SIGKILL and the wait for it.
  void Kill();
  // Waits until it ends; the exit code, or 128 + the signal that ended it. Nothing when it runs on past `limit`.
  std::optional<int> Wait(absl::Duration limit);
  bool running() { return !Wait(absl::ZeroDuration()).has_value(); }

  // What it has written so far, from the files named in the options.
  std::string Stdout() const;
  std::string Stderr() const;

 private:
  ChildProcess(pid_t pid, const Options& options) : pid_(pid), options_(options) {}

  const pid_t pid_;
  const Options options_;
  std::optional<int> exit_code_;
};

// Starts the program and waits for its end. The exit code; DEADLINE_EXCEEDED, with the program killed, past `limit`.
absl::StatusOr<int> RunProcess(const ChildProcess::Options& options, absl::Duration limit);

// The whole file, empty when there is none.
std::string ReadFile(const std::filesystem::path& path);

}  // namespace tokenwatch::common
