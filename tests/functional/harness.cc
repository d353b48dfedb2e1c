#include "tests/functional/harness.h"

#include <cstdlib>
#include <utility>

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <signal.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/app/http_client_for_test.h"
#include "common/testing/wait_for.h"

namespace tokenwatch::functional {
namespace {

std::string FromEnvironment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "." : value;
}

void Append(std::vector<std::string>& to, std::vector<std::string> more) {
  for (std::string& flag : more) to.push_back(std::move(flag));
}

}  // namespace

std::string ProgramPath(absl::string_view name) {
  return absl::StrCat(FromEnvironment("TOKENWATCH_BINARY_DIR"), "/bin/", name);
}

std::string SourcePath(absl::string_view path) {
  return absl::StrCat(FromEnvironment("TOKENWATCH_SOURCE_DIR"), "/", path);
}

Service::Service(std::unique_ptr<common::ChildProcess> process, std::filesystem::path port_file)
    : process_(std::move(process)), port_file_(std::move(port_file)) {}

bool Service::FindPorts() {
  boost::json::error_code error;
  const boost::json::value ports = boost::json::parse(common::ReadFile(port_file_), error);
  if (error || !ports.is_object()) return false;
  const boost::json::object& object = ports.get_object();
  if (const auto* http = object.if_contains("http")) http_port_ = static_cast<int>(http->to_number<int64_t>());
  if (const auto* grpc = object.if_contains("grpc")) grpc_port_ = static_cast<int>(grpc->to_number<int64_t>());
  return http_port_ != 0 && grpc_port_ != 0;
}

bool Service::IsReady() const { return absl::StrContains(Http("/readyz"), " 200 "); }

std::string Service::Http(absl::string_view path) const {
  return http_port_ == 0 ? "" : common::HttpGet(http_port_, std::string(path));
}

std::string Service::address() const { return absl::StrCat("127.0.0.1:", grpc_port_); }

std::optional<int> Service::Terminate(absl::Duration limit) {
  process_->Signal(SIGTERM);
  return process_->Wait(limit);
}

Platform::Platform(std::vector<std::string> postgres_settings) {
  auto cluster = common::PgCluster::Start({.fsync = false, .settings = std::move(postgres_settings)});
  if (!cluster.ok()) {
    ADD_FAILURE() << cluster.status();
    return;
  }
  cluster_ = *std::move(cluster);
  AddDatabase("platform");
  const absl::Status users = cluster_->CreateDatabase("users");
  EXPECT_TRUE(users.ok()) << users;
}

void Platform::AddDatabase(absl::string_view name) {
  const absl::Status made = cluster_->CreateDatabase(name);
  EXPECT_TRUE(made.ok()) << made;
  for (const char* role : {"detector", "resolver", "pricing"}) {
    const absl::Status status = cluster_->CreateRole(role, name);
    EXPECT_TRUE(status.ok()) << status;
  }
}

std::unique_ptr<Service> Platform::Launch(absl::string_view program, std::vector<std::string> flags) {
  const std::string name = absl::StrCat(program, "-", ++launches_);
  const std::filesystem::path port_file = dir_.path() / absl::StrCat(name, ".ports");
  common::ChildProcess::Options options;
  options.command = {ProgramPath(program), "--listen=127.0.0.1:0", "--http_listen=127.0.0.1:0",
                     absl::StrCat("--port_file=", port_file.string())};
  Append(options.command, std::move(flags));
  options.stdout_file = dir_.path() / absl::StrCat(name, ".out");
  options.stderr_file = dir_.path() / absl::StrCat(name, ".err");
  auto process = common::ChildProcess::Start(options);
  if (!process.ok()) {
    ADD_FAILURE() << process.status();
    return nullptr;
  }
  return std::make_unique<Service>(*std::move(process), port_file);
}

bool Platform::AwaitReady(Service& service, absl::Duration limit) {
  bool ended = false;
  const bool ready = common::WaitFor(
      [&] {
        ended = !service.process().running();
        return ended || (service.FindPorts() && service.IsReady());
      },
      limit);
  if (ready && !ended) return true;
  ADD_FAILURE() << "the service did not become ready: " << service.Http("/readyz") << "\n" << service.Log();
  return false;
}

std::unique_ptr<Service> Platform::StartDetectorAt(const std::string& dsn, std::vector<std::string> flags) {
  // No test waits for load balancers to notice a drain.
  std::vector<std::string> all = {"--dsn=" + dsn, "--drain_grace=0s"};
  Append(all, std::move(flags));
  std::unique_ptr<Service> service = Launch("tokenwatch-detector", std::move(all));
  if (service == nullptr || !AwaitReady(*service)) return nullptr;
  return service;
}

std::unique_ptr<Service> Platform::StartDetector(std::vector<std::string> flags, absl::string_view database) {
  return StartDetectorAt(cluster_->Dsn(database, "detector"), std::move(flags));
}

Ending Platform::RunDetector(std::vector<std::string> flags, absl::Duration limit) {
  const std::unique_ptr<Service> service = Launch("tokenwatch-detector", std::move(flags));
  if (service == nullptr) return {};
  Ending ending;
  ending.code = service->process().Wait(limit);
  ending.errors = service->Log();
  return ending;
}

void Platform::Replay(const std::string& recording, absl::string_view database, std::vector<std::string> flags) {
  std::vector<std::string> all = ReplayFlags(
      recording, {"--exit_after_recording", "--drain_grace=0s", "--dsn=" + cluster_->Dsn(database, "detector")});
  Append(all, std::move(flags));
  const Ending ending = RunDetector(std::move(all), absl::Minutes(5));
  EXPECT_EQ(ending.code, 0) << ending.errors;
}

std::string Platform::Value(absl::string_view sql, absl::string_view database) {
  const auto value = cluster_->QueryValue(database, sql);
  if (value.ok()) return *value;
  ADD_FAILURE() << value.status();
  return "?";
}

int64_t Platform::Count(absl::string_view sql, absl::string_view database) {
  int64_t count = -1;
  EXPECT_TRUE(absl::SimpleAtoi(Value(sql, database), &count)) << sql;
  return count;
}

bool Platform::AwaitFrames(uint64_t frames, absl::string_view database, absl::Duration limit) {
  return common::WaitFor(
      [&] {
        // Before the migrations have run there is no such table.
        const auto done =
            cluster_->QueryValue(database, "SELECT COALESCE(sum(frames), 0) FROM detector.feed_positions");
        uint64_t read = 0;
        return done.ok() && absl::SimpleAtoi(*done, &read) && read >= frames;
      },
      limit);
}

std::vector<std::string> ReplayFlags(const std::string& recording, std::vector<std::string> more) {
  std::vector<std::string> flags = {"--feeds=recording", "--recording=" + recording};
  Append(flags, std::move(more));
  return flags;
}

}  // namespace tokenwatch::functional
