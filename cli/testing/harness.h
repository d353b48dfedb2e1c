// Runs command lines against fake services and keeps what they print.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cli/run.h"
#include "cli/testing/fake_services.h"
#include "common/time/fake_clock.h"

namespace tokenwatch::cli {

class StringSink final : public Sink {
 public:
  absl::Status Write(absl::string_view written) override {
    if (closed) return absl::CancelledError("closed");
    text.append(written.data(), written.size());
    if (on_write) on_write();
    return absl::OkStatus();
  }
  bool IsClosed() override { return closed; }

  std::string text;
  bool closed = false;
  // Called after each write.
  std::function<void()> on_write;
};

class CommandTest : public ::testing::Test {
 protected:
  // Runs the command line and gives its exit code; out_, err_ and sleeps_ hold what it did.
  int Run(const std::vector<std::string>& arguments) {
    out_.text.clear();
    err_.text.clear();
    sleeps_.clear();
    server_.detector.Synchronize();
    server_.resolver.Synchronize();
    server_.pricing.Synchronize();
    Environment environment{out_,
                            err_,
                            terminal_,
                            [this](const std::string& name) -> std::optional<std::string> {
                              if (name == "TOKENWATCH_DETECTOR") return detector_address_;
                              if (name == "TOKENWATCH_RESOLVER") return resolver_address_;
                              if (name == "TOKENWATCH_PRICING") return pricing_address_;
                              return std::nullopt;
                            },
                            clock_,
                            stop_.get_token(),
                            [this](absl::Duration duration) { sleeps_.push_back(duration); },
                            [] { return std::string("request-1"); }};
    const int code = cli::Run(arguments, environment);
    server_.detector.Synchronize();
    server_.resolver.Synchronize();
    server_.pricing.Synchronize();
    return code;
  }

  FakeServer server_;
  std::string detector_address_ = server_.address();
  std::string resolver_address_ = server_.address();
  // Without one, nothing says where pricing is.
  std::optional<std::string> pricing_address_ = server_.address();
  StringSink out_;
  StringSink err_;
  Terminal terminal_;
  // 2026-07-09 12:34:56.789 UTC.
  common::FakeClock clock_{absl::FromUnixMillis(1'783'600'496'789)};
  std::stop_source stop_;
  std::vector<absl::Duration> sleeps_;
};

}  // namespace tokenwatch::cli
