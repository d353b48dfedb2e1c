// The store on a real server, for its tests.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/testing/pg_cluster.h"
#include "pricing/pg_store/pg_store.h"
#include "pricing/pg_store/samples_for_test.h"

namespace tokenwatch::pricing {

inline absl::Time Soon() { return absl::Now() + absl::Seconds(20); }

// One cluster for all tests of this file; each test has a database of its own.
class PgStoreTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto cluster = common::PgCluster::Start({.fsync = false, .settings = {"max_connections = 120"}});
    ASSERT_TRUE(cluster.ok()) << cluster.status();
    cluster_ = cluster->release();
  }
  static void TearDownTestSuite() {
    delete cluster_;
    cluster_ = nullptr;
  }

  void SetUp() override {
    static int number = 0;
    database_ = absl::StrCat("platform", ++number);
    ASSERT_TRUE(cluster_->CreateDatabase(database_).ok());
    ASSERT_TRUE(cluster_->CreateRole("pricing", database_).ok());
    store_ = Open(cluster_->Dsn(database_, "pricing"));
    ASSERT_NE(store_, nullptr);
  }

  static std::unique_ptr<PgStore> Open(const std::string& dsn, size_t parted_series = 2000) {
    auto store = PgStore::Open({.dsn = dsn, .write_timeout = absl::Seconds(10), .parted_series = parted_series}, Soon(),
                               common::PostgresObserver::None(), common::SystemClock::Instance());
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }
  static std::unique_ptr<WriteSession> Lead(Store& store) {
    auto session = store.OpenWriteSession(Soon());
    EXPECT_TRUE(session.ok()) << session.status();
    return session.ok() ? *std::move(session) : nullptr;
  }
  std::string Value(const std::string& sql) {
    const auto value = cluster_->QueryValue(database_, sql);
    EXPECT_TRUE(value.ok()) << value.status();
    return value.value_or("");
  }
  // Everything that a flush writes, as one text.
  std::string Contents() {
    return Value(
        "SELECT (SELECT coalesce(string_agg(p::text, '|' ORDER BY address), '') FROM pricing.token_prices p) || '#' || "
        "(SELECT coalesce(string_agg(c::text, '|' ORDER BY address, start), '') FROM pricing.candles c) || '#' || "
        "(SELECT coalesce(string_agg(t::text, '|' ORDER BY flush, part), '') FROM pricing.parked_trades t) || '#' || "
        "(SELECT k::text FROM pricing.checkpoints k)");
  }
  static Flush MakeFlush(uint64_t number, std::vector<Series> series) {
    Flush flush;
    flush.checkpoint = {number, number * 100, number * 100 - 50, SampleTime(number)};
    flush.series = std::move(series);
    return flush;
  }

  static inline common::PgCluster* cluster_ = nullptr;
  std::string database_;
  std::unique_ptr<PgStore> store_;
};

}  // namespace tokenwatch::pricing
