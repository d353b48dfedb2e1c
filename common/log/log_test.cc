#include "common/log/log.h"

#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "absl/strings/str_split.h"
#include "boost/json.hpp"
#include "common/log/line_writer.h"
#include "gtest/gtest.h"

namespace tokenwatch::common {
namespace {

// Sends the log into a temporary file and reads it back.
class LogTest : public ::testing::Test {
 protected:
  LogTest() : fd_(::memfd_create("log", 0)) {
    SetLogLevel(Severity::kInfo);
    InitLog({.service = "test", .fd = fd_});
  }
  ~LogTest() override { InitLog({.service = "test"}); }

  // Every line, parsed; fails when one is not a JSON object.
  std::vector<boost::json::object> Lines() {
    EXPECT_TRUE(FlushLog(absl::Seconds(30)));
    std::string text(static_cast<size_t>(::lseek(fd_, 0, SEEK_END)), '\0');
    EXPECT_EQ(::pread(fd_, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    std::vector<boost::json::object> lines;
    for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
      lines.push_back(boost::json::parse(boost::json::string_view(line.data(), line.size())).as_object());
    }
    return lines;
  }

 private:
  const int fd_;
};

TEST_F(LogTest, ALineHasTheFixedKeysFirstAndThenTheFields) {
  const absl::Time before = absl::Now();
  Log(Severity::kInfo, "call ended", {{"rpc", "Get"}, {"latency_ms", 3.5}, {"ok", true}, {"count", 2}});
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  std::vector<std::string> keys;
  for (const auto& [key, value] : lines[0]) keys.emplace_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"timestamp", "severity", "message", "service", "rpc", "latency_ms", "ok",
                                            "count"}));
  EXPECT_EQ(lines[0].at("severity"), "INFO");
  EXPECT_EQ(lines[0].at("message"), "call ended");
  EXPECT_EQ(lines[0].at("service"), "test");
  EXPECT_EQ(lines[0].at("latency_ms"), 3.5);
  absl::Time time;
  std::string error;
  ASSERT_TRUE(absl::ParseTime(absl::RFC3339_full, lines[0].at("timestamp").as_string().c_str(), &time, &error))
      << error;
  EXPECT_GE(time + absl::Microseconds(1), before);
  EXPECT_LE(time, absl::Now());
}

TEST_F(LogTest, AFieldCannotReplaceAFixedKey) {
  Log(Severity::kError, "real", {{"message", "other"}});
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].at("message"), "real");
  EXPECT_EQ(lines[0].at("field_message"), "other");
}

TEST_F(LogTest, TheLevelFiltersAndChangesWhileRunning) {
  int evaluated = 0;
  const auto expensive = [&evaluated] { return ++evaluated; };
  TW_LOG(Severity::kDebug, "hidden", {{"n", expensive()}});
  SetLogLevel(Severity::kDebug);
  TW_LOG(Severity::kDebug, "shown", {{"n", expensive()}});
  SetLogLevel(Severity::kError);
  Log(Severity::kWarning, "hidden");
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].at("message"), "shown");
  EXPECT_EQ(evaluated, 1);
}

TEST_F(LogTest, ARateLimitedSiteLogsOnceAndOthersAreUntouched) {
  for (int i = 0; i < 100; ++i) TW_LOG_EVERY(absl::Hours(1), Severity::kInfo, "one site", {{"i", i}, {"j", i}});
  for (int i = 0; i < 2; ++i) TW_LOG_EVERY(absl::Hours(1), Severity::kInfo, "another site");
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].at("message"), "one site");
  EXPECT_EQ(lines[0].at("i"), 0);
  EXPECT_EQ(lines[1].at("message"), "another site");
}

TEST_F(LogTest, WhatWasSuppressedIsToldByTheNextLine) {
  LogLimited(41, Severity::kInfo, "again", {{"peer", "a"}});
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].at("suppressed"), 41);
  EXPECT_EQ(lines[0].at("peer"), "a");
}

TEST_F(LogTest, LinesOfManyThreadsStayWhole) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 200; ++i) Log(Severity::kInfo, "line", {{"thread", t}, {"i", i}});
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(Lines().size(), 800u);
}

TEST(LogLimiter, AllowsOneCallPerIntervalAndCountsTheRest) {
  LogLimiter limiter;
  uint64_t suppressed = 99;
  EXPECT_TRUE(limiter.Allow(absl::Seconds(10), absl::Seconds(1), suppressed));
  EXPECT_EQ(suppressed, 0u);
  EXPECT_FALSE(limiter.Allow(absl::Seconds(10.5), absl::Seconds(1), suppressed));
  EXPECT_FALSE(limiter.Allow(absl::Seconds(10.9), absl::Seconds(1), suppressed));
  EXPECT_TRUE(limiter.Allow(absl::Seconds(11), absl::Seconds(1), suppressed));
  EXPECT_EQ(suppressed, 2u);
}

TEST(LineWriter, NeverWaitsForTheReaderAndCountsWhatItDrops) {
  int pipe_fds[2];
  ASSERT_EQ(::pipe(pipe_fds), 0);
  ::fcntl(pipe_fds[1], F_SETPIPE_SZ, 4096);
  constexpr int kLines = 1000;
  const std::string line = "{\"text\":\"" + std::string(1000, 'x') + "\"}";
  std::string read;
  std::thread reader;
  uint64_t dropped = 0;
  {
    LineWriter writer("test", /*queue_lines=*/16, pipe_fds[1]);
    for (int i = 0; i < kLines; ++i) writer.Write(line);  // nobody reads: this would hang if it waited
    EXPECT_FALSE(writer.Flush(absl::ZeroDuration()));
    dropped = writer.dropped();
    EXPECT_GE(dropped, uint64_t{kLines - 16 - 6});
    reader = std::thread([&] {
      char buffer[4096];
      for (ssize_t n; (n = ::read(pipe_fds[0], buffer, sizeof(buffer))) > 0;)
        read.append(buffer, static_cast<size_t>(n));
    });
    EXPECT_TRUE(writer.Flush(absl::Seconds(30)));
  }
  ::close(pipe_fds[1]);
  reader.join();
  ::close(pipe_fds[0]);
  uint64_t written = 0;
  uint64_t told = 0;
  for (absl::string_view text : absl::StrSplit(read, '\n', absl::SkipEmpty())) {
    const auto object = boost::json::parse(boost::json::string_view(text.data(), text.size())).as_object();
    if (object.contains("lines")) {
      told += static_cast<uint64_t>(object.at("lines").to_number<int64_t>());
    } else {
      ++written;
    }
  }
  EXPECT_EQ(written + dropped, uint64_t{kLines});
  EXPECT_EQ(told, dropped);
}

TEST(LineWriter, AClosedDescriptorCountsAsDropped) {
  LineWriter writer("test", 16, /*fd=*/-1);
  writer.Write("{}");
  EXPECT_TRUE(writer.Flush(absl::Seconds(30)));
  EXPECT_EQ(writer.dropped(), 1u);
}

TEST(ParseSeverity, IsCaseInsensitiveAndNamesTheChoices) {
  EXPECT_EQ(*ParseSeverity("Warning"), Severity::kWarning);
  EXPECT_EQ(ParseSeverity("loud").status().message(),
            "log level \"loud\" is unknown: use debug, info, warning or error");
}

}  // namespace
}  // namespace tokenwatch::common
