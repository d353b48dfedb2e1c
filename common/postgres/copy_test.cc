#include "common/postgres/copy.h"

#include <array>
#include <string>
#include <vector>

#include "common/postgres/test_cluster.h"

namespace tokenwatch::common {
namespace {

class CopyTest : public PostgresTest {
 protected:
  void SetUp() override {
    Sql("DROP TABLE IF EXISTS app.\"odd \"\"table\"; "
        "CREATE TABLE app.\"odd \"\"table\" (id bigint PRIMARY KEY, \"a text\" text, bytes bytea, flag bool, at "
        "bigint); "
        "ALTER TABLE app.\"odd \"\"table\" OWNER TO app");
  }
  static constexpr const char* kTable = "app.odd \"table";
  static inline const std::vector<std::string> kColumns = {"id", "a text", "bytes", "flag", "at"};
  static std::string Rows() { return Value("SELECT count(*) FROM app.\"odd \"\"table\""); }
};

std::string AllBytes(bool with_zero) {
  std::string bytes;
  for (int i = with_zero ? 0 : 1; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  return bytes;
}

TEST_F(CopyTest, HostileValuesSurviveTheRoundTrip) {
  const std::vector<std::string> texts = {"",
                                          "\\N",
                                          "\\.",
                                          "a\tb\nc\rd\\e\bf\fg\vh",
                                          "\\",
                                          "\\x41",
                                          "\n\\.\n",
                                          "'\"$1;--",
                                          "Größe 大小 🦀",
                                          "\x01\x1f\x7f",
                                          "NULL",
                                          std::string(300'000, '\t')};
  const auto conn = Open();
  CopyBuffer rows;
  for (size_t i = 0; i < texts.size(); ++i) {
    rows.Int(static_cast<int64_t>(i)).Text(texts[i]).Bytes(AllBytes(true) + texts[i]).Bool(i % 2 == 0).Null().EndRow();
  }
  const auto written = conn->Transact("write", Soon(), [&](Transaction& t) -> absl::StatusOr<int64_t> {
    auto copy = CopyIn::Begin(t, kTable, kColumns);
    if (!copy.ok()) return copy.status();
    if (absl::Status status = copy->Write(rows.data()); !status.ok()) return status;
    return copy->Finish();
  });
  ASSERT_TRUE(written.ok()) << written.status();
  EXPECT_EQ(*written, static_cast<int64_t>(texts.size()));
  // What the server itself thinks the values are, free of any escaping of ours.
  EXPECT_EQ(Value("SELECT encode(convert_to(\"a text\", 'UTF8'), 'hex') FROM app.\"odd \"\"table\" WHERE id = 3"),
            "6109620a630d645c6508660c670b68");

  const absl::Status read = conn->Transact("read", Soon(), [&](Transaction& t) -> absl::Status {
    auto copy = CopyOut::Begin(t, "SELECT id, \"a text\", bytes, flag, at FROM \"odd \"\"table\" ORDER BY id");
    if (!copy.ok()) return copy.status();
    absl::string_view row;
    size_t count = 0;
    for (;; ++count) {
      const auto more = copy->Next(&row);
      if (!more.ok()) return more.status();
      if (!*more) break;
      std::array<absl::string_view, 5> fields;
      EXPECT_TRUE(SplitCopyRow(row, absl::MakeSpan(fields)));
      int64_t id = -1;
      std::string text, bytes;
      EXPECT_TRUE(ParseCopyInt(fields[0], &id));
      EXPECT_EQ(id, static_cast<int64_t>(count));
      UnescapeCopyField(fields[1], &text);
      EXPECT_EQ(text, texts[count]);
      EXPECT_TRUE(ParseCopyBytes(fields[2], &bytes));
      EXPECT_EQ(bytes, AllBytes(true) + texts[count]);
      EXPECT_EQ(fields[3], count % 2 == 0 ? "t" : "f");
      EXPECT_TRUE(IsCopyNull(fields[4]));
    }
    EXPECT_EQ(count, texts.size());
    EXPECT_FALSE(*copy->Next(&row)) << "past the end";
    // The transaction goes on after a copy.
    EXPECT_EQ(t.ExecSql("SELECT 1").size(), 1U);
    return absl::OkStatus();
  });
  EXPECT_TRUE(read.ok()) << read;
}

TEST_F(CopyTest, AnErrorOfTheServerKeepsItsCodeAndRollsBack) {
  const auto conn = Open();
  const auto write = [&](absl::string_view rows) {
    return conn
        ->Transact("write", Soon(),
                   [&](Transaction& t) -> absl::StatusOr<int64_t> {
                     auto copy = CopyIn::Begin(t, kTable, kColumns);
                     if (!copy.ok()) return copy.status();
                     if (absl::Status status = copy->Write(rows); !status.ok()) return status;
                     return copy->Finish();
                   })
        .status();
  };
  EXPECT_EQ(write("1\t\\N\t\\N\t\\N\t\\N\n1\t\\N\t\\N\t\\N\t\\N\n").code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(write("1\ttoo few\n").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(write("\\N\t\\N\t\\N\t\\N\t\\N\n").code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(write(std::string("1\ta\0b\t\\N\t\\N\t\\N\n", 16)).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Rows(), "0");
  EXPECT_TRUE(write("1\t\\N\t\\N\t\\N\t\\N\n").ok());
  EXPECT_EQ(Rows(), "1");
}

TEST_F(CopyTest, WrongTableOrQueryFailsAtBegin) {
  const auto conn = Open();
  EXPECT_EQ(
      conn->Transact("write", Soon(), [&](Transaction& t) { return CopyIn::Begin(t, "app.none", kColumns).status(); })
          .code(),
      absl::StatusCode::kInternal);
  EXPECT_EQ(conn->Transact("read", Soon(), [&](Transaction& t) { return CopyOut::Begin(t, "SELEC").status(); }).code(),
            absl::StatusCode::kInternal);
  EXPECT_TRUE(conn->Ping(Soon()).ok());
}

TEST_F(CopyTest, ACopyGivenUpLeavesNothing) {
  const auto conn = Open();
  const absl::Status status = conn->Transact("write", Soon(), [&](Transaction& t) -> absl::Status {
    auto copy = CopyIn::Begin(t, kTable, kColumns);
    if (!copy.ok()) return copy.status();
    return copy->Write("1\t\\N\t\\N\t\\N\t\\N\n");
  });
  EXPECT_FALSE(status.ok()) << "committed without the rows";
  EXPECT_EQ(Rows(), "0");
  EXPECT_TRUE(conn->Ping(Soon()).ok());
}

TEST_F(CopyTest, AReaderThatStopsGivesUpTheConnection) {
  const auto conn = Open();
  const absl::Status status = conn->Transact("read", Soon(), [&](Transaction& t) -> absl::Status {
    auto copy = CopyOut::Begin(t, "SELECT repeat('x', 1000) FROM generate_series(1, 100000)");
    if (!copy.ok()) return copy.status();
    absl::string_view row;
    return copy->Next(&row).status();
  });
  EXPECT_FALSE(status.ok());
  EXPECT_FALSE(conn->Ping(Soon()).ok());
  EXPECT_TRUE(conn->broken());
}

TEST_F(CopyTest, AKilledBackendEndsBoth) {
  const auto conn = Open();
  EXPECT_EQ(conn->Transact("write", Soon(),
                           [&](Transaction& t) -> absl::Status {
                             auto copy = CopyIn::Begin(t, kTable, kColumns);
                             if (!copy.ok()) return copy.status();
                             KillBackend(conn->backend_pid());
                             for (int i = 0; i < 1000; ++i) {
                               const absl::Status sent = copy->Write(std::string(100'000, '1'));
                               if (!sent.ok()) return sent;
                             }
                             return copy->Finish().status();
                           })
                .code(),
            absl::StatusCode::kUnavailable);
  EXPECT_TRUE(conn->broken());
  const auto other = Open();
  EXPECT_EQ(other
                ->Transact("read", Soon(),
                           [&](Transaction& t) -> absl::Status {
                             auto copy = CopyOut::Begin(t, "SELECT repeat('x', 1000) FROM generate_series(1, 100000)");
                             if (!copy.ok()) return copy.status();
                             Sql("SELECT pg_terminate_backend(" + std::to_string(other->backend_pid()) + ")");
                             absl::string_view row;
                             for (;;) {
                               const auto more = copy->Next(&row);
                               if (!more.ok()) return more.status();
                               if (!*more) return absl::OkStatus();
                             }
                           })
                .code(),
            absl::StatusCode::kUnavailable);
  EXPECT_TRUE(other->broken());
}

TEST_F(CopyTest, TheDeadlineEndsACopy) {
  const auto conn = Open();
  EXPECT_EQ(conn->Transact("read", In(absl::Milliseconds(50)),
                           [&](Transaction& t) -> absl::Status {
                             auto copy = CopyOut::Begin(t, "SELECT pg_sleep(1) FROM generate_series(1, 100)");
                             if (!copy.ok()) return copy.status();
                             absl::string_view row;
                             return copy->Next(&row).status();
                           })
                .code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(conn->Ping(Soon()).ok());
}

TEST(QuoteTest, Identifiers) {
  EXPECT_EQ(QuoteIdentifier("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(QuoteTable("Some.table"), "\"Some\".\"table\"");
  EXPECT_EQ(QuoteTable("table"), "\"table\"");
}

}  // namespace
}  // namespace tokenwatch::common
