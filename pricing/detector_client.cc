#include "pricing/detector_client.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/rpc/client_call.h"
#include "common/rpc/status.h"
#include "common/sync/bounded_queue.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/sync_stream.h"
#include "pricing/rpc/trade_wire.h"

namespace tokenwatch::pricing {
namespace {

namespace pb = ::tokenwatch::detector::v1;

// Batches between the receiving thread and the handling one: enough that neither waits for the other without need.
constexpr size_t kBatchesAhead = 2;

std::string Text(absl::string_view text) { return std::string(text); }

}  // namespace

// The messages of one TailTrades call, without making messages of them. One thread reads.
class DetectorClient::TradeStream {
 public:
  TradeStream(const std::shared_ptr<grpc::Channel>& channel, grpc::ClientContext& context,
              const pb::TailTradesRequest& request)
      : method_(kMethod, grpc::internal::RpcMethod::SERVER_STREAMING, channel),
        reader_(
            grpc::internal::ClientReaderFactory<grpc::ByteBuffer>::Create(channel.get(), method_, &context, request)) {}

  // The next message in `batch`, whose memory is used again. False at the end of the stream.
  bool Read(TradeBatch* batch) {
    batch->trades.clear();
    batch->cursor = batch->unreadable = 0;
    grpc::ByteBuffer buffer;
    if (!reader_->Read(&buffer)) return false;
    std::vector<grpc::Slice> slices;
    damaged_ = !buffer.Dump(&slices).ok();
    bytes_.clear();
    for (const grpc::Slice& slice : slices) bytes_.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    damaged_ = damaged_ || !ReadTradesMessage(bytes_, batch);
    return !damaged_;
  }

  // After the last message, or a cancellation.
  absl::Status Finish() {
    const absl::Status ended = common::FromGrpc(reader_->Finish());
    return damaged_ ? absl::DataLossError("the detector sent a message that is none") : ended;
  }

 private:
  static constexpr char kMethod[] = "/tokenwatch.detector.v1.DetectorService/TailTrades";

  const grpc::internal::RpcMethod method_;
  const std::unique_ptr<grpc::ClientReader<grpc::ByteBuffer>> reader_;
  std::string bytes_;
  bool damaged_ = false;
};

DetectorClient::DetectorClient(std::shared_ptr<grpc::Channel> channel, common::Clock& clock)
    : channel_(std::move(channel)), stub_(pb::DetectorService::NewStub(channel_)), clock_(clock) {}

absl::Status DetectorClient::Tail(uint64_t cursor, const std::function<absl::Status(TradeBatch&&)>& handle,
                                  const std::stop_token& stop) {
  pb::TailTradesRequest request;
  request.set_after_cursor(cursor);
  // Without a deadline: the stream is quiet while nothing is traded, and keep-alive notices a dead peer.
  grpc::ClientContext context;
  const std::stop_callback cancel(stop, [&] { context.TryCancel(); });
  TradeStream stream(channel_, context, request);

  // Batches go round: from `empty` through the receiving thread to `full`, to the handler, and back.
  common::BoundedQueue<TradeBatch> empty(kBatchesAhead + 1);
  common::BoundedQueue<TradeBatch> full(kBatchesAhead);
  for (size_t i = 0; i < kBatchesAhead + 1; ++i) empty.TryPush(TradeBatch());
  std::jthread receiver([&] {
    while (std::optional<TradeBatch> batch = empty.Pop()) {
      if (!stream.Read(&*batch) || full.Push(*std::move(batch)) != common::QueueResult::kOk) break;
    }
    full.Close();
  });
  absl::Status handled;
  while (handled.ok()) {
    std::optional<TradeBatch> batch = full.Pop();
    if (!batch.has_value()) break;
    handled = handle(std::move(*batch));
    empty.TryPush(*std::move(batch));
  }
  if (!handled.ok()) context.TryCancel();
  empty.Close();
  full.Close();
  receiver.join();
  const absl::Status ended = stream.Finish();
  return handled.ok() ? ended : handled;
}

template <typename Call>
absl::Status DetectorClient::CallUntil(absl::Time deadline, const Call& call) {
  const absl::Duration left = deadline - clock_.Now();
  if (left <= absl::ZeroDuration()) return absl::DeadlineExceededError("the detector was not asked: it is too late");
  return common::CallUnary({}, {.timeout = left, .idempotent = true}, call);
}

absl::StatusOr<std::vector<Trade>> DetectorClient::GetTrades(absl::Span<const uint64_t> cursors, absl::Time deadline) {
  if (cursors.empty()) return std::vector<Trade>();
  pb::BatchGetTradesRequest request;
  request.mutable_cursors()->Add(cursors.begin(), cursors.end());
  pb::BatchGetTradesResponse response;
  const absl::Status status = CallUntil(
      deadline, [&](grpc::ClientContext& context) { return stub_->BatchGetTrades(&context, request, &response); });
  if (!status.ok()) return status;
  static_assert(static_cast<int>(pb::BatchGetTradesResponse::kTradesFieldNumber) ==
                    static_cast<int>(pb::TailTradesResponse::kTradesFieldNumber),
                "both messages are read by one reader");
  TradeBatch batch;
  batch.trades.reserve(static_cast<size_t>(response.trades_size()));
  if (!ReadTradesMessage(response.SerializeAsString(), &batch) || batch.unreadable > 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(batch.unreadable, " trades of the log cannot be read by this build: run a newer one"));
  }
  return std::move(batch.trades);
}

absl::StatusOr<std::vector<Trade>> DetectorClient::ReadTrades(const chain::TokenRef& token, uint64_t first,
                                                              uint64_t last, int limit, absl::Time deadline) {
  std::vector<Trade> trades;
  if (limit <= 0 || first > last) return trades;
  pb::TailTradesRequest request;
  request.set_after_cursor(first == 0 ? 0 : first - 1);
  request.set_until_cursor(last);
  request.mutable_filter()->add_chains(Text(chain::ChainName(token.chain)));
  request.mutable_filter()->add_tokens(Text(token.address.text()));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(deadline));
  TradeStream stream(channel_, context, request);
  TradeBatch batch;
  const auto room = [&] { return static_cast<size_t>(limit) - trades.size(); };
  while (room() > 0 && stream.Read(&batch)) {
    if (batch.unreadable > 0) break;
    const size_t taken = std::min(room(), batch.trades.size());
    trades.insert(trades.end(), batch.trades.begin(), batch.trades.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  if (room() == 0) context.TryCancel();
  if (batch.unreadable > 0) {
    context.TryCancel();
    return absl::FailedPreconditionError("trades of the log cannot be read by this build: run a newer one");
  }
  const absl::Status ended = stream.Finish();
  if (!ended.ok() && room() > 0) return ended;
  return trades;
}

template <typename Visit>
absl::Status DetectorClient::LookUp(absl::Span<const chain::TokenRef> tokens, absl::Time deadline, const Visit& visit) {
  if (tokens.empty()) return absl::OkStatus();
  pb::BatchGetTokensRequest request;
  for (const chain::TokenRef& token : tokens) {
    auto* ref = request.add_tokens();
    ref->set_chain(Text(chain::ChainName(token.chain)));
    ref->set_address(Text(token.address.text()));
  }
  pb::BatchGetTokensResponse response;
  const absl::Status status = CallUntil(
      deadline, [&](grpc::ClientContext& context) { return stub_->BatchGetTokens(&context, request, &response); });
  if (!status.ok()) return status;
  for (const pb::Token& token : response.tokens()) {
    const chain::Chain chain = chain::ParseChain(token.token().chain());
    const auto address = chain::ParseAddress(chain, token.token().address());
    if (address.has_value()) visit(chain::TokenRef{chain, *address}, token);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TokenDecimals>> DetectorClient::GetDecimals(absl::Span<const chain::TokenRef> tokens,
                                                                       absl::Time deadline) {
  std::vector<TokenDecimals> known;
  const absl::Status status = LookUp(tokens, deadline, [&](const chain::TokenRef& ref, const pb::Token& token) {
    if (token.has_decimals()) known.push_back({ref, static_cast<int>(token.decimals())});
  });
  if (!status.ok()) return status;
  return known;
}

absl::StatusOr<std::vector<chain::TokenRef>> DetectorClient::SeenSince(absl::Span<const chain::TokenRef> tokens,
                                                                       absl::Time since, absl::Time deadline) {
  std::vector<chain::TokenRef> seen;
  const absl::Status status = LookUp(tokens, deadline, [&](const chain::TokenRef& ref, const pb::Token& token) {
    if (!token.has_first_seen_at()) return;
    const auto& first = token.first_seen_at();
    if (absl::FromUnixSeconds(first.seconds()) + absl::Nanoseconds(first.nanos()) >= since) seen.push_back(ref);
  });
  if (!status.ok()) return status;
  return seen;
}

absl::StatusOr<uint64_t> DetectorClient::Head(absl::Time deadline) {
  pb::GetStatusResponse response;
  const absl::Status status = CallUntil(deadline, [&](grpc::ClientContext& context) {
    return stub_->GetStatus(&context, pb::GetStatusRequest(), &response);
  });
  if (!status.ok()) return status;
  return response.trade_cursor();
}

absl::Status DetectorClient::Acknowledge(const std::string& consumer, uint64_t cursor, absl::Time deadline) {
  pb::RegisterConsumerRequest request;
  request.set_name(consumer);
  request.set_cursor(cursor);
  pb::RegisterConsumerResponse response;
  return CallUntil(deadline,
                   [&](grpc::ClientContext& context) { return stub_->RegisterConsumer(&context, request, &response); });
}

}  // namespace tokenwatch::pricing
