// One PostgreSQL cluster for all tests of a test program, with a database and a role without privileges elsewhere.
#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "common/postgres/connection.h"
#include "common/testing/pg_cluster.h"

namespace tokenwatch::common {

inline absl::Time In(absl::Duration duration) { return absl::Now() + duration; }
inline absl::Time Soon() { return In(absl::Seconds(20)); }

class PostgresTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto started = PgCluster::Start({.fsync = false});
    ASSERT_TRUE(started.ok()) << started.status();
    cluster = *std::move(started);
    ASSERT_TRUE(cluster->CreateDatabase("work").ok());
    ASSERT_TRUE(cluster->CreateRole("app", "work").ok());
  }
  static void TearDownTestSuite() { cluster.reset(); }

  // SQL as superuser; must succeed.
  static void Sql(const std::string& sql) {
    const auto done = cluster->Query("work", sql);
    ASSERT_TRUE(done.ok()) << done.status();
  }
  static std::string Value(const std::string& sql) {
    const auto value = cluster->QueryValue("work", sql);
    return value.ok() ? *value : value.status().ToString();
  }
  static ConnectionOptions Options() {
    ConnectionOptions options;
    options.dsn = cluster->Dsn("work", "app");
    options.application_name = "postgres_test";
    return options;
  }
  static std::unique_ptr<Connection> Open(const ConnectionOptions& options = Options()) {
    auto opened = Connection::Open(options, Soon());
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened.ok() ? *std::move(opened) : nullptr;
  }
  static void KillBackend(int pid) { Sql("SELECT pg_terminate_backend(" + std::to_string(pid) + ", 5000)"); }

  static inline std::unique_ptr<PgCluster> cluster;
};

}  // namespace tokenwatch::common
