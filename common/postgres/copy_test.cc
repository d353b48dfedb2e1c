#include "common/postgres/copy.h"

#include <array>
#include <optional>
#include <random>
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

std::string RowOf(std::optional<int64_t> id, std::optional<absl::string_view> text = std::nullopt) {
  CopyBuffer rows;
  rows.BeginRow(5);
  id.has_value() ? rows.Int8(*id) : rows.Null();
  text.has_value() ? rows.Text(*text) : rows.Null();
  rows.Null().Null().Null();
  return std::string(rows.data());
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
    rows.BeginRow(5);
    rows.Int8(static_cast<int64_t>(i)).Text(texts[i]).Bytes(AllBytes(true) + texts[i]).Bool(i % 2 == 0).Null();
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
      bool flag = false;
      EXPECT_TRUE(ParseCopyInt(fields[0], &id));
      EXPECT_EQ(id, static_cast<int64_t>(count));
      EXPECT_EQ(fields[1], texts[count]);
      EXPECT_EQ(fields[2], AllBytes(true) + texts[count]);
      EXPECT_TRUE(ParseCopyBool(fields[3], &flag));
      EXPECT_EQ(flag, count % 2 == 0);
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
  EXPECT_EQ(write(RowOf(1) + RowOf(1)).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(write(RowOf(1).substr(0, 20)).code(), absl::StatusCode::kInvalidArgument) << "cut";
  EXPECT_EQ(write(RowOf(std::nullopt)).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(write(RowOf(1, absl::string_view("a\0b", 3))).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Rows(), "0");
  EXPECT_TRUE(write(RowOf(1)).ok());
  EXPECT_EQ(Rows(), "1");
}

// Whatever the type, the server reads what is written here as the text says, and what it writes itself comes back.
TEST_F(CopyTest, TheServerMeansTheSameByEveryType) {
  std::vector<std::string> numerics = {"0",
                                       "1",
                                       "9999",
                                       "10000",
                                       "10001",
                                       "100000000",
                                       "18446744073709551615",
                                       "115792089237316195423570985008687907853269984665640564039457584007913129639935",
                                       "-1",
                                       "-10000",
                                       "-99999999999999999999"};
  std::mt19937_64 random(4);
  for (int i = 0; i < 300; ++i) {
    std::string decimal = std::to_string(random() >> (random() % 64));
    for (size_t more = random() % 4; more > 0; --more) decimal += std::to_string(random() >> (random() % 64));
    if (decimal.size() > 1 && decimal.front() == '0') decimal.insert(0, "7");
    numerics.push_back(random() % 8 == 0 ? std::string("-1").append(decimal) : decimal);
  }
  Sql("DROP TABLE IF EXISTS app.typed; CREATE TABLE app.typed (id bigint, two smallint, four integer, at timestamptz, "
      "amount numeric(100, 0), eighth double precision); ALTER TABLE app.typed OWNER TO app");
  const absl::Time begin = absl::FromUnixMicros(1'783'040'400'123'456);
  CopyBuffer rows;
  for (size_t i = 0; i < numerics.size(); ++i) {
    rows.BeginRow(6);
    rows.Int8(static_cast<int64_t>(i)).Int2(static_cast<int16_t>(-i)).Int4(static_cast<int32_t>(i * 65'537));
    rows.Time(begin - absl::Hours(20'000 * static_cast<int64_t>(i))).Numeric(numerics[i]);
    rows.Double(static_cast<double>(i) / 8 - 1);
  }
  const auto conn = Open();
  ASSERT_TRUE(
      conn->Transact("write", Soon(),
                     [&](Transaction& t) -> absl::StatusOr<int64_t> {
                       auto copy = CopyIn::Begin(t, "app.typed", {"id", "two", "four", "at", "amount", "eighth"});
                       if (!copy.ok()) return copy.status();
                       if (absl::Status status = copy->Write(rows.data()); !status.ok()) return status;
                       return copy->Finish();
                     })
          .ok());
  EXPECT_EQ(Value("SELECT count(*) FROM app.typed WHERE eighth = id / 8.0 - 1"), std::to_string(numerics.size()));
  // The server's own texts, beside its binary form.
  const absl::Status read = conn->Transact("read", Soon(), [&](Transaction& t) -> absl::Status {
    auto copy = CopyOut::Begin(t,
                               "SELECT id, two, four, at, amount, two::text, four::text, amount::text, "
                               "((extract(epoch FROM at) * 1000000)::bigint)::text, amount::text::numeric FROM typed "
                               "ORDER BY id");
    if (!copy.ok()) return copy.status();
    absl::string_view row;
    for (size_t i = 0;; ++i) {
      const auto more = copy->Next(&row);
      if (!more.ok()) return more.status();
      if (!*more) {
        EXPECT_EQ(i, numerics.size());
        return absl::OkStatus();
      }
      std::array<absl::string_view, 10> fields;
      EXPECT_TRUE(SplitCopyRow(row, absl::MakeSpan(fields)));
      int64_t two = 0;
      int64_t four = 0;
      absl::Time at;
      std::string amount;
      std::string parsed;
      EXPECT_TRUE(ParseCopyInt(fields[1], &two));
      EXPECT_TRUE(ParseCopyInt(fields[2], &four));
      EXPECT_TRUE(ParseCopyTime(fields[3], &at));
      EXPECT_TRUE(AppendCopyNumeric(fields[4], &amount));
      EXPECT_TRUE(AppendCopyNumeric(fields[9], &parsed));
      EXPECT_EQ(std::to_string(two), fields[5]);
      EXPECT_EQ(std::to_string(four), fields[6]);
      EXPECT_EQ(four, static_cast<int64_t>(i) * 65'537);
      EXPECT_EQ(numerics[i], fields[7]);
      EXPECT_EQ(amount, numerics[i]);
      EXPECT_EQ(parsed, numerics[i]);
      EXPECT_EQ(fields[4], fields[9]) << "the same bytes as the server makes from the text";
      EXPECT_EQ(std::to_string(absl::ToUnixMicros(at)), fields[8]);
      EXPECT_EQ(at, begin - absl::Hours(20'000 * static_cast<int64_t>(i)));
    }
  });
  EXPECT_TRUE(read.ok()) << read;
}

TEST_F(CopyTest, NothingIsReadFromNoRows) {
  const auto conn = Open();
  const absl::Status read = conn->Transact("read", Soon(), [&](Transaction& t) -> absl::Status {
    auto copy = CopyOut::Begin(t, "SELECT 1 WHERE false");
    if (!copy.ok()) return copy.status();
    absl::string_view row;
    const auto more = copy->Next(&row);
    if (!more.ok()) return more.status();
    EXPECT_FALSE(*more);
    return absl::OkStatus();
  });
  EXPECT_TRUE(read.ok()) << read;
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
    return copy->Write(RowOf(1));
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
