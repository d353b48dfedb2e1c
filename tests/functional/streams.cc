#include "tests/functional/streams.h"

#include <utility>

#include "absl/time/clock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"

namespace tokenwatch::functional {
namespace {

constexpr int kMaxMessageBytes = 64 * 1024 * 1024;

void Take(pb::TailTradesResponse& response, ReadTrades& read) {
  for (pb::Trade& trade : *response.mutable_trades()) read.trades.push_back(std::move(trade));
}

void Take(pb::WatchTokensResponse& response, ReadEvents& read) {
  for (pb::TokenEvent& event : *response.mutable_events()) read.events.push_back(std::move(event));
}

template <typename Response, typename Result, typename Open>
Result ReadStream(Open open, const std::function<bool(const Result&)>& enough, absl::Duration limit) {
  Result result;
  grpc::ClientContext context;
  Within(limit, &context);
  auto reader = open(&context);
  for (Response response; reader->Read(&response);) {
    Take(response, result);
    result.cursor = response.cursor();
    if (enough != nullptr && enough(result)) context.TryCancel();
  }
  result.status = reader->Finish();
  return result;
}

}  // namespace

DetectorStub StubFor(const Service& service) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  // gRPC shares connections between channels of equal arguments: one that a test stalls must be its own.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return pb::DetectorService::NewStub(
      grpc::CreateCustomChannel(service.address(), grpc::InsecureChannelCredentials(), arguments));
}

void Within(absl::Duration limit, grpc::ClientContext* context) {
  context->set_deadline(absl::ToChronoTime(absl::Now() + limit));
}

ReadTrades Read(pb::DetectorService::Stub& stub, const pb::TailTradesRequest& request,
                const std::function<bool(const ReadTrades&)>& enough, absl::Duration limit) {
  return ReadStream<pb::TailTradesResponse, ReadTrades>(
      [&](grpc::ClientContext* context) { return stub.TailTrades(context, request); }, enough, limit);
}

ReadEvents Read(pb::DetectorService::Stub& stub, const pb::WatchTokensRequest& request,
                const std::function<bool(const ReadEvents&)>& enough, absl::Duration limit) {
  return ReadStream<pb::WatchTokensResponse, ReadEvents>(
      [&](grpc::ClientContext* context) { return stub.WatchTokens(context, request); }, enough, limit);
}

ReadTrades AllTrades(pb::DetectorService::Stub& stub) {
  pb::TailTradesRequest request;
  request.set_until_head(true);
  ReadTrades read = Read(stub, request);
  EXPECT_TRUE(read.status.ok()) << read.status.error_message();
  return read;
}

ReadEvents AllEvents(pb::DetectorService::Stub& stub) {
  pb::WatchTokensRequest request;
  request.set_until_head(true);
  ReadEvents read = Read(stub, request);
  EXPECT_TRUE(read.status.ok()) << read.status.error_message();
  return read;
}

}  // namespace tokenwatch::functional
