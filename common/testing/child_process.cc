#include "common/testing/child_process.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/testing/wait_for.h"

extern char** environ;

namespace tokenwatch::common {
namespace {

constexpr int kExecFailed = 127;

// All that the child needs, prepared before the fork: after it only calls that are safe in a copy of a threaded
// process.
struct Prepared {
  std::vector<char*> arguments;
  std::vector<char*> environment;
  const char* stdout_file;
  const char* stderr_file;
  const char* directory;
  const passwd* user;
  pid_t parent;
};

bool Redirect(const char* file, int to) {
  const int opened = open(file, O_WRONLY | O_CREAT | O_APPEND, 0644);
  return opened >= 0 && dup2(opened, to) >= 0;
}

[[noreturn]] void BecomeProgram(const Prepared& prepared) {
  const int nothing = open("/dev/null", O_RDONLY);
  bool good = nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 && Redirect(prepared.stdout_file, STDOUT_FILENO) &&
              Redirect(prepared.stderr_file, STDERR_FILENO);
  // Nothing of the test's own files and sockets is inherited.
  good = good && close_range(STDERR_FILENO + 1, ~0U, 0) == 0;
  if (prepared.user != nullptr) {
    good =
        good && setgroups(0, nullptr) == 0 && setgid(prepared.user->pw_gid) == 0 && setuid(prepared.user->pw_uid) == 0;
  }
  good = good && (*prepared.directory == '\0' || chdir(prepared.directory) == 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  // After the change of user, which clears it.
  good = good && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == prepared.parent;
  if (good) execvpe(prepared.arguments[0], prepared.arguments.data(), prepared.environment.data());
  _exit(kExecFailed);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(const Options& options) {
  if (options.command.empty()) return absl::InvalidArgumentError("start a program: no command was given");
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string line = *entry;
    if (!options.environment.contains(line.substr(0, line.find('=')))) environment.push_back(line);
  }
  for (const auto& [name, value] : options.environment) environment.push_back(absl::StrCat(name, "=", value));

  Prepared prepared;
  for (const std::string& argument : options.command) prepared.arguments.push_back(const_cast<char*>(argument.c_str()));
  prepared.arguments.push_back(nullptr);
  for (const std::string& entry : environment) prepared.environment.push_back(const_cast<char*>(entry.c_str()));
  prepared.environment.push_back(nullptr);
  prepared.stdout_file = options.stdout_file.empty() ? "/dev/null" : options.stdout_file.c_str();
  prepared.stderr_file = options.stderr_file.empty() ? "/dev/null" : options.stderr_file.c_str();
  prepared.directory = options.directory.c_str();
  prepared.user = options.user.empty() ? nullptr : getpwnam(options.user.c_str());
  prepared.parent = getpid();
  if (!options.user.empty() && prepared.user == nullptr) {
    return absl::NotFoundError(absl::StrCat("start ", options.command[0], ": there is no user ", options.user));
  }

  const pid_t pid = fork();
  if (pid < 0) return absl::InternalError(absl::StrCat("start ", options.command[0], ": ", std::strerror(errno)));
  if (pid == 0) BecomeProgram(prepared);
  return std::unique_ptr<ChildProcess>(new ChildProcess(pid, options));
}

ChildProcess::~ChildProcess() { Kill(); }

bool ChildProcess::Signal(int signal) { return running() && kill(pid_, signal) == 0; }

void ChildProcess::Kill() {
  if (Signal(SIGKILL)) Wait(absl::InfiniteDuration());
}

std::optional<int> ChildProcess::Wait(absl::Duration limit) {
  WaitFor(
      [this] {
        if (exit_code_.has_value()) return true;
        int status = 0;
        const pid_t ended = waitpid(pid_, &status, WNOHANG);
        if (ended == 0 || (ended < 0 && errno == EINTR)) return false;
        exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return true;
      },
      limit);
  return exit_code_;
}

std::string ChildProcess::Stdout() const { return ReadFile(options_.stdout_file); }
std::string ChildProcess::Stderr() const { return ReadFile(options_.stderr_file); }

absl::StatusOr<int> RunProcess(const ChildProcess::Options& options, absl::Duration limit) {
  auto child = ChildProcess::Start(options);
  if (!child.ok()) return child.status();
  const std::optional<int> code = (*child)->Wait(limit);
  if (!code.has_value()) {
    return absl::DeadlineExceededError(
        absl::StrCat(options.command[0], " still ran after ", absl::FormatDuration(limit)));
  }
  return *code;
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace tokenwatch::common
