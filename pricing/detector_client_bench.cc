// How fast a log arrives here, from a server in this process that sends messages made beforehand: read as the client
// reads them, and beside it as generated messages. Arguments: trades (default 3,000,000), trades of a message (3,000).
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "pricing/detector_client.h"
#include "pricing/rpc/detector_samples_for_test.h"
#include "pricing/rpc/trade_wire.h"

namespace tokenwatch::pricing {
namespace {

namespace pb = ::tokenwatch::detector::v1;

// Sends the same bytes again and again, which costs it next to nothing.
class Replayer final
    : public pb::DetectorService::WithRawCallbackMethod_TailTrades<pb::DetectorService::CallbackService> {
 public:
  Replayer(std::string message, int messages) : message_(std::move(message)), messages_(messages) {}

  grpc::ServerWriteReactor<grpc::ByteBuffer>* TailTrades(grpc::CallbackServerContext*,
                                                         const grpc::ByteBuffer*) override {
    class Writer final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
     public:
      Writer(const std::string& message, int messages)
          : slice_(message.data(), message.size(), grpc::Slice::STATIC_SLICE), buffer_(&slice_, 1), left_(messages) {
        Next();
      }
      void OnWriteDone(bool ok) override {
        if (!ok) left_ = 0;
        Next();
      }
      void OnDone() override { delete this; }

     private:
      void Next() {
        if (left_-- > 0) {
          StartWrite(&buffer_);
        } else {
          Finish(grpc::Status::OK);
        }
      }
      const grpc::Slice slice_;
      const grpc::ByteBuffer buffer_;
      int left_;
    };
    return new Writer(message_, messages_);
  }

 private:
  const std::string message_;
  const int messages_;
};

void Print(const char* what, uint64_t trades, absl::Time start) {
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  std::printf("%-44s %9.0f trades/s\n", what, static_cast<double>(trades) / seconds);
}

int Run(int trades, int per_message) {
  pb::TailTradesResponse message;
  for (int i = 0; i < per_message; ++i) *message.add_trades() = SampleWireTrade(static_cast<uint64_t>(i) + 1);
  message.set_cursor(static_cast<uint64_t>(per_message));
  const std::string bytes = message.SerializeAsString();
  const int messages = trades / per_message;
  std::printf("%d messages of %zu bytes with %d trades\n", messages, bytes.size(), per_message);

  absl::Time start = absl::Now();
  TradeBatch batch;
  uint64_t count = 0;
  for (int i = 0; i < messages; ++i) {
    batch.trades.clear();
    if (!ReadTradesMessage(bytes, &batch) || batch.unreadable > 0) return 1;
    count += batch.trades.size();
  }
  Print("decode, straight from the wire", count, start);
  start = absl::Now();
  pb::TailTradesResponse parsed;
  for (int i = 0; i < messages; ++i) {
    if (!parsed.ParseFromString(bytes)) return 1;
  }
  Print("decode, generated messages (no conversion)", count, start);

  Replayer replayer(bytes, messages);
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&replayer);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(16 << 20);
  const auto channel =
      grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials(), arguments);
  DetectorClient client(channel);
  start = absl::Now();
  count = 0;
  const absl::Status ended = client.Tail(0,
                                         [&](TradeBatch&& received) {
                                           count += received.trades.size();
                                           return absl::OkStatus();
                                         },
                                         {});
  if (!ended.ok()) std::fprintf(stderr, "%s\n", ended.ToString().c_str());
  Print("tail over loopback, client and server", count, start);

  const auto stub = pb::DetectorService::NewStub(channel);
  grpc::ClientContext context;
  start = absl::Now();
  count = 0;
  const auto reader = stub->TailTrades(&context, pb::TailTradesRequest());
  while (reader->Read(&parsed)) count += static_cast<uint64_t>(parsed.trades_size());
  const bool finished = reader->Finish().ok();
  Print("the same into generated messages", count, start);
  server->Shutdown();
  return ended.ok() && finished ? 0 : 1;
}

}  // namespace
}  // namespace tokenwatch::pricing

int main(int argc, char** argv) {
  const int trades = argc > 1 ? std::atoi(argv[1]) : 3'000'000;
  const int per_message = argc > 2 ? std::atoi(argv[2]) : 3000;
  return tokenwatch::pricing::Run(trades, per_message);
}
