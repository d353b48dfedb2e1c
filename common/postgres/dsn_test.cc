#include "common/postgres/dsn.h"

#include <gtest/gtest.h>

namespace tokenwatch::common {
namespace {

TEST(DsnTest, BothFormsReadTheSame) {
  const auto pairs = ParseDsn("host=db port=5433 dbname='my db' user=me password='a\\'b\\\\c'");
  const auto uri = ParseDsn("postgresql://me:a%27b%5Cc@db:5433/my%20db");
  ASSERT_TRUE(pairs.ok()) << pairs.status();
  ASSERT_TRUE(uri.ok()) << uri.status();
  EXPECT_EQ(*pairs, *uri);
  EXPECT_EQ(*ParseDsn(FormatDsn(*pairs)), *pairs);
}

TEST(DsnTest, PasswordsAreNotShown) {
  EXPECT_EQ(RedactDsn("postgresql://me:hush@db/work"), "dbname='work' host='db' password='***' user='me'");
  EXPECT_EQ(RedactDsn("host=db"), "host='db'");
  EXPECT_EQ(RedactDsn("passwort=hush"), "(unreadable connection string)");
  const auto bad = ParseDsn("hush");
  EXPECT_EQ(bad.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(bad.status().message().find("hush"), absl::string_view::npos);
}

}  // namespace
}  // namespace tokenwatch::common
