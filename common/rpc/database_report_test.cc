#include "common/rpc/database_report.h"

#include <gtest/gtest.h>

namespace tokenwatch::common {
namespace {

TEST(DatabaseReport, EveryFieldReachesTheWire) {
  DatabaseReport report;
  report.database = "library";
  report.role = "app";
  report.tables = {{.name = "lib.books", .present = true, .problem = "", .rows = 7, .rows_estimated = true},
                   {.name = "lib.loans", .present = false, .problem = "is missing"}};
  v1::DatabaseReport proto;
  ToProto(report, &proto);
  EXPECT_EQ(proto.database(), "library");
  EXPECT_EQ(proto.role(), "app");
  ASSERT_EQ(proto.tables_size(), 2);
  EXPECT_EQ(proto.tables(0).name(), "lib.books");
  EXPECT_TRUE(proto.tables(0).present());
  EXPECT_EQ(proto.tables(0).rows(), 7);
  EXPECT_TRUE(proto.tables(0).rows_estimated());
  EXPECT_FALSE(proto.tables(1).present());
  EXPECT_EQ(proto.tables(1).problem(), "is missing");
  EXPECT_FALSE(proto.tables(1).rows_estimated());
}

}  // namespace
}  // namespace tokenwatch::common
