#include "common/testing/pg_cluster.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "absl/time/clock.h"

namespace tokenwatch::common {
namespace {

TEST(PgClusterTest, LivesThroughStopKillAndRestart) {
  auto started = PgCluster::Start({.fsync = true, .settings = {"work_mem = '7MB'"}});
  ASSERT_TRUE(started.ok()) << started.status();
  PgCluster& cluster = **started;
  EXPECT_EQ(*cluster.QueryValue("postgres", "SHOW fsync"), "on");
  EXPECT_EQ(*cluster.QueryValue("postgres", "SHOW work_mem"), "7MB");

  ASSERT_TRUE(cluster.CreateDatabase("first").ok());
  ASSERT_TRUE(cluster.CreateDatabase("second").ok());
  ASSERT_TRUE(cluster.CreateRole("worker", "first").ok());
  ASSERT_TRUE(cluster.CreateRole("worker", "second").ok());
  ASSERT_TRUE(
      cluster.Query("first", "SET ROLE worker; CREATE TABLE worker.kept AS SELECT 1 AS a, NULL::text AS b").ok());

  ASSERT_TRUE(cluster.Stop().ok());
  EXPECT_FALSE(cluster.Query("first", "SELECT 1").ok());
  ASSERT_TRUE(cluster.StartAgain().ok());
  cluster.KillHard();
  ASSERT_TRUE(cluster.StartAgain().ok());
  const auto rows = cluster.Query("first", "SELECT a, b, 'x' FROM worker.kept");
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ(*rows, (std::vector<std::vector<std::string>>{{"1", "\\N", "x"}}));
  EXPECT_FALSE(cluster.QueryValue("first", "SELECT 1, 2").ok());

  const pid_t pid = cluster.pid();
  started->reset();
  EXPECT_EQ(kill(pid, 0), -1) << "the server outlived its cluster";
}

TEST(PgClusterTest, ClustersFromOneTemplateAreIndependent) {
  auto first = PgCluster::Start({.fsync = false});
  auto second = PgCluster::Start({.fsync = false});
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_NE((*first)->port(), (*second)->port());
  ASSERT_TRUE((*first)->CreateDatabase("only_here").ok());
  EXPECT_EQ(*(*first)->QueryValue("only_here", "SHOW fsync"), "off");
  EXPECT_FALSE((*second)->Query("only_here", "SELECT 1").ok());
}

}  // namespace
}  // namespace tokenwatch::common
