#include "pricing/detector_client.h"

#include <atomic>
#include <functional>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/testing/wait_for.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "pricing/rpc/detector_samples_for_test.h"

namespace tokenwatch::pricing {
namespace {

namespace pb = ::tokenwatch::detector::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A detector that does what a test says.
class FakeDetector final : public pb::DetectorService::Service {
 public:
  FakeDetector() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~FakeDetector() override { server_->Shutdown(std::chrono::system_clock::now()); }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

  using TradeWriter = grpc::ServerWriter<pb::TailTradesResponse>;
  std::function<grpc::Status(const pb::TailTradesRequest&, TradeWriter&, grpc::ServerContext&)> tail;
  std::function<grpc::Status(const pb::BatchGetTradesRequest&, pb::BatchGetTradesResponse*)> batch_get;
  std::function<grpc::Status(const pb::RegisterConsumerRequest&)> consumer;

  grpc::Status TailTrades(grpc::ServerContext* context, const pb::TailTradesRequest* request,
                          TradeWriter* writer) override {
    return tail(*request, *writer, *context);
  }
  grpc::Status BatchGetTrades(grpc::ServerContext*, const pb::BatchGetTradesRequest* request,
                              pb::BatchGetTradesResponse* response) override {
    return batch_get(*request, response);
  }
  grpc::Status BatchGetTokens(grpc::ServerContext*, const pb::BatchGetTokensRequest* request,
                              pb::BatchGetTokensResponse* response) override {
    for (int i = 0; i < request->tokens_size(); ++i) {
      pb::Token* token = response->add_tokens();
      *token->mutable_token() = request->tokens(i);
      if (i % 2 != 0) continue;
      token->set_decimals(static_cast<uint32_t>(i));
      token->mutable_first_seen_at()->set_seconds(500 * i);
    }
    return grpc::Status::OK;
  }
  grpc::Status GetStatus(grpc::ServerContext*, const pb::GetStatusRequest*, pb::GetStatusResponse* response) override {
    response->set_trade_cursor(4711);
    return grpc::Status::OK;
  }
  grpc::Status RegisterConsumer(grpc::ServerContext*, const pb::RegisterConsumerRequest* request,
                                pb::RegisterConsumerResponse*) override {
    return consumer(*request);
  }

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

pb::TailTradesResponse Message(uint64_t first, uint64_t last) {
  pb::TailTradesResponse message;
  for (uint64_t cursor = first; cursor <= last; ++cursor) *message.add_trades() = SampleWireTrade(cursor);
  message.set_cursor(last);
  return message;
}

absl::Time Soon() { return absl::Now() + absl::Seconds(10); }

class DetectorClientTest : public ::testing::Test {
 protected:
  FakeDetector fake_;
  DetectorClient client_{grpc::CreateChannel(fake_.address(), grpc::InsecureChannelCredentials())};
  std::stop_source stop_;
};

TEST_F(DetectorClientTest, ATailHandsOverEveryBatchInOrder) {
  fake_.tail = [](const pb::TailTradesRequest& request, auto& writer, auto&) {
    EXPECT_EQ(request.after_cursor(), 7u);
    EXPECT_FALSE(request.until_head());
    for (uint64_t first = 8; first < 3008; first += 100) writer.Write(Message(first, first + 99));
    return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "cut off");
  };
  std::vector<uint64_t> cursors;
  uint64_t position = 0;
  const absl::Status ended = client_.Tail(
      7,
      [&](TradeBatch&& batch) {
        for (const Trade& trade : batch.trades) cursors.push_back(trade.cursor);
        position = batch.cursor;
        return absl::OkStatus();
      },
      stop_.get_token());
  EXPECT_EQ(ended, absl::ResourceExhaustedError("cut off"));
  ASSERT_EQ(cursors.size(), 3000u);
  for (size_t i = 0; i < cursors.size(); ++i) ASSERT_EQ(cursors[i], i + 8);
  EXPECT_EQ(position, 3007u);
}

TEST_F(DetectorClientTest, TheHandlerMayKeepABatch) {
  std::atomic<uint64_t> received{0};
  fake_.tail = [&](const pb::TailTradesRequest&, auto& writer, auto&) {
    for (uint64_t cursor = 1; cursor <= 3; ++cursor) writer.Write(Message(cursor, cursor));
    return grpc::Status::OK;
  };
  const absl::Status ended = client_.Tail(
      0,
      [&](TradeBatch&& batch) {
        // The client must not count on having it back.
        const TradeBatch kept = std::move(batch);
        received += kept.trades.size();
        return absl::OkStatus();
      },
      stop_.get_token());
  EXPECT_TRUE(ended.ok()) << ended;
  EXPECT_EQ(received, 3u);
}

TEST_F(DetectorClientTest, AnErrorOfTheHandlerEndsTheTail) {
  std::atomic<bool> cancelled{false};
  fake_.tail = [&](const pb::TailTradesRequest&, auto& writer, auto& context) {
    for (uint64_t cursor = 1; writer.Write(Message(cursor, cursor)); ++cursor) {
    }
    cancelled = common::WaitFor([&] { return context.IsCancelled(); });
    return grpc::Status::OK;
  };
  int batches = 0;
  const absl::Status ended = client_.Tail(
      0, [&](TradeBatch&&) { return ++batches < 5 ? absl::OkStatus() : absl::AbortedError("enough"); },
      stop_.get_token());
  EXPECT_EQ(ended, absl::AbortedError("enough"));
  EXPECT_EQ(batches, 5);
  EXPECT_TRUE(common::WaitFor([&] { return cancelled.load(); }));
}

TEST_F(DetectorClientTest, AStopEndsAQuietTail) {
  fake_.tail = [&](const pb::TailTradesRequest&, auto& writer, auto& context) {
    writer.Write(Message(1, 1));
    common::WaitFor([&] { return context.IsCancelled(); });
    return grpc::Status::OK;
  };
  std::thread stopper;
  const absl::Status ended = client_.Tail(
      0,
      [&](TradeBatch&&) {
        stopper = std::thread([&] { stop_.request_stop(); });
        return absl::OkStatus();
      },
      stop_.get_token());
  stopper.join();
  EXPECT_EQ(ended.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(client_
                .Tail(
                    0, [](TradeBatch&&) { return absl::OkStatus(); }, stop_.get_token())
                .code(),
            absl::StatusCode::kCancelled)
      << "one that is stopped before it begins";
}

TEST_F(DetectorClientTest, ErrorsAreThoseOfTheCall) {
  fake_.tail = [&](const pb::TailTradesRequest&, auto&, auto&) {
    return grpc::Status(grpc::StatusCode::OUT_OF_RANGE, "after_cursor: 9 is ahead of the log");
  };
  const auto nothing = [](TradeBatch&&) { return absl::OkStatus(); };
  EXPECT_EQ(client_.Tail(9, nothing, stop_.get_token()), absl::OutOfRangeError("after_cursor: 9 is ahead of the log"));
  DetectorClient nobody(grpc::CreateChannel("127.0.0.1:1", grpc::InsecureChannelCredentials()));
  EXPECT_EQ(nobody.Tail(9, nothing, stop_.get_token()).code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(nobody.Head(absl::Now() + absl::Milliseconds(200)).ok());
  EXPECT_EQ(client_.Head(absl::Now() - absl::Seconds(1)).status().code(), absl::StatusCode::kDeadlineExceeded);
}

std::vector<uint64_t> CursorsOf(const absl::StatusOr<std::vector<Trade>>& trades) {
  EXPECT_TRUE(trades.ok()) << trades.status();
  std::vector<uint64_t> cursors;
  if (!trades.ok()) return cursors;
  for (const Trade& trade : *trades) cursors.push_back(trade.cursor);
  return cursors;
}

TEST_F(DetectorClientTest, TradesAtCursors) {
  fake_.batch_get = [](const pb::BatchGetTradesRequest& request, pb::BatchGetTradesResponse* response) {
    for (const uint64_t cursor : request.cursors()) {
      if (cursor != 20) *response->add_trades() = SampleWireTrade(cursor);
    }
    return grpc::Status::OK;
  };
  const auto trades = client_.GetTrades({10, 20, 30}, Soon());
  EXPECT_THAT(CursorsOf(trades), ElementsAre(10, 30));
  EXPECT_EQ((*trades)[0].token.address.text(), SampleWireTrade(10).token());
  EXPECT_THAT(CursorsOf(client_.GetTrades({}, Soon())), IsEmpty());
  fake_.batch_get = [](const auto&, pb::BatchGetTradesResponse* response) {
    response->add_trades()->set_cursor(10);
    return grpc::Status::OK;
  };
  EXPECT_EQ(client_.GetTrades({10}, Soon()).status().code(), absl::StatusCode::kFailedPrecondition)
      << "one that cannot be read is not left out silently";
}

TEST_F(DetectorClientTest, TradesOfATokenUpToACursorAndALimit) {
  const chain::TokenRef token{chain::Chain::kSolana, *chain::Address::ParseSolana(SampleKeyText(1))};
  fake_.tail = [&](const pb::TailTradesRequest& request, auto& writer, auto&) {
    EXPECT_EQ(request.after_cursor(), 4u);
    EXPECT_EQ(request.until_cursor(), 90u);
    EXPECT_THAT(request.filter().chains(), ElementsAre("solana"));
    EXPECT_THAT(request.filter().tokens(), ElementsAre(SampleKeyText(1)));
    for (uint64_t first = 5; first <= 90; first += 2) {
      if (!writer.Write(Message(first, first + 1))) break;
    }
    return grpc::Status::OK;
  };
  EXPECT_THAT(CursorsOf(client_.ReadTrades(token, 5, 90, 3, Soon())), ElementsAre(5, 6, 7));
  EXPECT_THAT(CursorsOf(client_.ReadTrades(token, 5, 90, 4, Soon())), ElementsAre(5, 6, 7, 8));
  EXPECT_EQ(CursorsOf(client_.ReadTrades(token, 5, 90, 1000, Soon())).size(), 86u);
  EXPECT_THAT(CursorsOf(client_.ReadTrades(token, 9, 8, 10, Soon())), IsEmpty());
  fake_.tail = [&](const pb::TailTradesRequest&, auto& writer, auto&) {
    writer.Write(Message(5, 6));
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone");
  };
  EXPECT_EQ(client_.ReadTrades(token, 5, 90, 10, Soon()).status(), absl::UnavailableError("gone"))
      << "half of an answer is none";
}

TEST_F(DetectorClientTest, SmallQuestions) {
  EXPECT_EQ(*client_.Head(Soon()), 4711u);
  std::vector<chain::TokenRef> tokens;
  for (uint64_t i = 0; i < 3; ++i) {
    tokens.push_back({chain::Chain::kSolana, *chain::Address::ParseSolana(SampleKeyText(i))});
  }
  const auto decimals = client_.GetDecimals(tokens, Soon());
  ASSERT_TRUE(decimals.ok()) << decimals.status();
  ASSERT_EQ(decimals->size(), 2u);
  EXPECT_EQ((*decimals)[1].token, tokens[2]);
  EXPECT_EQ((*decimals)[1].decimals, 2);
  // One was seen earlier, and of another nothing is known.
  const auto seen = client_.SeenSince(tokens, absl::FromUnixSeconds(1'000), Soon());
  ASSERT_TRUE(seen.ok()) << seen.status();
  EXPECT_THAT(*seen, ElementsAre(tokens[2]));
  fake_.consumer = [](const pb::RegisterConsumerRequest& request) {
    EXPECT_EQ(request.name(), "pricing");
    EXPECT_EQ(request.cursor(), 12u);
    return grpc::Status::OK;
  };
  EXPECT_TRUE(client_.Acknowledge("pricing", 12, Soon()).ok());
}

}  // namespace
}  // namespace tokenwatch::pricing
