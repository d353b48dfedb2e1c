#include "common/postgres/pipeline.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "common/postgres/copy_binary.h"
#include "common/postgres/record_array.h"
#include "common/postgres/test_cluster.h"
#include "common/testing/tcp_gate.h"

namespace tokenwatch::common {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PipelineTest : public PostgresTest {
 protected:
  void SetUp() override {
    Sql("DROP TABLE IF EXISTS app.shelf; DROP TYPE IF EXISTS app.book; CREATE TYPE app.book AS (n int, title text, "
        "pages bigint, price numeric(78,0), bought timestamptz); ALTER TYPE app.book OWNER TO app; "
        "CREATE TABLE app.shelf (n int PRIMARY KEY, title text, pages bigint, price numeric(78,0), bought "
        "timestamptz); ALTER TABLE app.shelf OWNER TO app");
    Connect(cluster->Dsn("work", "app"));
  }
  void Connect(const std::string& dsn) {
    ConnectionOptions options = Options();
    options.dsn = dsn;
    options.silence_limit = absl::Milliseconds(50);
    conn_ = Open(options);
    ASSERT_NE(conn_, nullptr);
    ASSERT_TRUE(conn_
                    ->QuerySql("prepare",
                               "PREPARE put (book[]) AS INSERT INTO shelf SELECT * FROM unnest($1); "
                               "PREPARE add_pages (book[]) AS UPDATE shelf s SET pages = s.pages + b.pages FROM "
                               "unnest($1) b WHERE b.n = s.n",
                               Soon())
                    .ok());
  }
  static RecordArray Books() {
    const auto oid = [](const std::string& type) {
      return static_cast<uint32_t>(std::stoul(Value("SELECT '" + type + "'::regtype::oid")));
    };
    return {oid("app.book"), {oid("int"), oid("text"), oid("bigint"), oid("numeric"), oid("timestamptz")}};
  }
  static void AddBook(RecordArray& books, int32_t n, absl::string_view title, int64_t pages) {
    CopyBuffer key;
    CopyBuffer rest;
    key.Int4(n);
    rest.Text(title).Int8(pages).Numeric("120000000000000000000").Null();
    books.Add({key.data(), "", rest.data()});
  }
  static std::string Shelf() {
    return Value(
        "SELECT coalesce(string_agg(concat_ws(' ', n, title, pages, price, bought IS NULL), ', ' ORDER BY n), "
        "'empty') FROM app.shelf");
  }

  std::unique_ptr<Connection> conn_;
};

TEST_F(PipelineTest, RunsStatementsInTheirOrderInTheTransaction) {
  RecordArray books = Books();
  const absl::Status status = conn_->Transact("shelve", Soon(), [&](Transaction& transaction) -> absl::Status {
    auto pipeline = Pipeline::Begin(transaction, "shelve");
    if (!pipeline.ok()) return pipeline.status();
    AddBook(books, 1, "one", 10);
    AddBook(books, 2, "", 20);
    EXPECT_EQ(books.size(), 2u);
    EXPECT_TRUE(pipeline->Send("put", books.data()).ok());
    books.Clear();
    // Its memory may be used again at once.
    AddBook(books, 2, "", 5);
    AddBook(books, 3, "none", 5);
    EXPECT_TRUE(pipeline->Send("add_pages", books.data()).ok());
    books.Clear();
    EXPECT_TRUE(pipeline->Send("put", books.data()).ok());
    auto changed = pipeline->Finish();
    EXPECT_TRUE(changed.ok()) << changed.status();
    EXPECT_THAT(*changed, ElementsAre(2, 1, 0));
    EXPECT_FALSE(pipeline->Send("put", books.data()).ok());
    EXPECT_FALSE(pipeline->Finish().ok());
    // The transaction goes on.
    transaction.ExecSql("UPDATE shelf SET title = 'two' WHERE n = 2");
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(Shelf(), "1 one 10 120000000000000000000 t, 2 two 25 120000000000000000000 t");
}

TEST_F(PipelineTest, ManyLargePiecesGoThrough) {
  RecordArray books = Books();
  const std::string title(1000, 'x');
  const auto changed =
      conn_->Transact("shelve", Soon(), [&](Transaction& transaction) -> absl::StatusOr<std::vector<int64_t>> {
        auto pipeline = Pipeline::Begin(transaction, "shelve");
        if (!pipeline.ok()) return pipeline.status();
        for (int piece = 0; piece < 50; ++piece) {
          books.Clear();
          for (int i = 0; i < 500; ++i) AddBook(books, piece * 500 + i, title, 1);
          if (absl::Status status = pipeline->Send("put", books.data()); !status.ok()) return status;
        }
        return pipeline->Finish();
      });
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_EQ(*changed, std::vector<int64_t>(50, 500));
  EXPECT_EQ(Value("SELECT count(*) || ' ' || sum(length(title)) FROM app.shelf"), "25000 25000000");
}

TEST_F(PipelineTest, AnErrorUndoesTheTransactionAndLeavesTheConnection) {
  RecordArray books = Books();
  AddBook(books, 1, "one", 10);
  const absl::Status status = conn_->Transact("shelve", Soon(), [&](Transaction& transaction) -> absl::Status {
    auto pipeline = Pipeline::Begin(transaction, "shelve");
    if (!pipeline.ok()) return pipeline.status();
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(pipeline->Send("put", books.data()).ok());
    return pipeline->Finish().status();
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("shelve: duplicate key"));
  EXPECT_FALSE(conn_->broken());
  EXPECT_EQ(Shelf(), "empty");
  // What is no array of the type, and an unknown statement.
  for (const char* statement : {"put", "unknown"}) {
    const absl::Status wrong = conn_->Transact("shelve", Soon(), [&](Transaction& transaction) -> absl::Status {
      auto pipeline = Pipeline::Begin(transaction, "shelve");
      if (!pipeline.ok()) return pipeline.status();
      EXPECT_TRUE(pipeline->Send(statement, "no array").ok());
      return pipeline->Finish().status();
    });
    EXPECT_FALSE(wrong.ok());
    EXPECT_FALSE(conn_->broken()) << wrong;
  }
  EXPECT_TRUE(conn_->Ping(Soon()).ok());
}

TEST_F(PipelineTest, OneThatIsGivenUpLeavesTheConnection) {
  RecordArray books = Books();
  AddBook(books, 1, "one", 10);
  const absl::Status status = conn_->Transact("shelve", Soon(), [&](Transaction& transaction) -> absl::Status {
    auto pipeline = Pipeline::Begin(transaction, "shelve");
    if (!pipeline.ok()) return pipeline.status();
    EXPECT_TRUE(pipeline->Send("put", books.data()).ok());
    return absl::CancelledError("no");
  });
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_TRUE(conn_->Ping(Soon()).ok());
  EXPECT_EQ(Shelf(), "empty");
}

TEST_F(PipelineTest, ALostConnectionIsUnavailableWhereverItBreaks) {
  auto gate = TcpGate::Start(cluster->port());
  ASSERT_TRUE(gate.ok()) << gate.status();
  RecordArray books = Books();
  for (int i = 0; i < 100; ++i) AddBook(books, i, "title", 10);
  for (const int64_t cut : {1, 60, 5000, 20'000}) {
    SCOPED_TRACE(cut);
    Connect(cluster->DsnThrough((*gate)->port(), "work", "app"));
    const absl::Status status = conn_->Transact("shelve", Soon(), [&](Transaction& transaction) -> absl::Status {
      auto pipeline = Pipeline::Begin(transaction, "shelve");
      if (!pipeline.ok()) return pipeline.status();
      (*gate)->CutAfter(cut);
      for (int i = 0; i < 20; ++i) {
        if (absl::Status sent = pipeline->Send("add_pages", books.data()); !sent.ok()) return sent;
      }
      return pipeline->Finish().status();
    });
    EXPECT_TRUE(absl::IsUnavailable(status)) << status;
    EXPECT_TRUE(conn_->broken());
  }
}

TEST_F(PipelineTest, ASilentServerIsGivenUpAtTheDeadline) {
  RecordArray books = Books();
  AddBook(books, 1, "one", 10);
  ASSERT_TRUE(conn_->QuerySql("prepare", "PREPARE sleep (book[]) AS SELECT pg_sleep(20)", Soon()).ok());
  const absl::Status status =
      conn_->Transact("shelve", In(absl::Milliseconds(200)), [&](Transaction& transaction) -> absl::Status {
        auto pipeline = Pipeline::Begin(transaction, "shelve");
        if (!pipeline.ok()) return pipeline.status();
        if (absl::Status sent = pipeline->Send("sleep", books.data()); !sent.ok()) return sent;
        return pipeline->Finish().status();
      });
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
}

}  // namespace
}  // namespace tokenwatch::common
