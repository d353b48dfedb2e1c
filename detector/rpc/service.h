// tokenwatch.detector.v1.DetectorService: validates, converts, submits, finishes.
#pragma once

#include <functional>

#include "common/rpc/pull_stream.h"
#include "common/sync/executor.h"
#include "common/time/clock.h"
#include "detector/log/log_tail.h"
#include "detector/log/log_writer.h"
#include "detector/metrics.h"
#include "detector/store.h"
#include "tokenwatch/detector/v1/detector.grpc.pb.h"

namespace tokenwatch::detector {

class DetectorServiceImpl final
    : public v1::DetectorService::WithRawCallbackMethod_TailTrades<v1::DetectorService::CallbackService> {
 public:
  struct Parts {
    Store& store;
    LogWriter& writer;
    LogTail<Trade>& trades;
    LogTail<TokenEvent>& events;
    FeedBoard& board;
    const Metrics& metrics;
    common::Executor& calls;
    common::Executor& streams;
    common::StreamSet& open_streams;
    common::Clock& clock;
  };

  // All parts outlive the server that serves this.
  explicit DetectorServiceImpl(const Parts& parts) : parts_(parts) {}

  grpc::ServerWriteReactor<v1::WatchTokensResponse>* WatchTokens(grpc::CallbackServerContext* context,
                                                                 const v1::WatchTokensRequest* request) override;
  grpc::ServerUnaryReactor* GetToken(grpc::CallbackServerContext* context, const v1::GetTokenRequest* request,
                                     v1::GetTokenResponse* response) override;
  grpc::ServerUnaryReactor* BatchGetTokens(grpc::CallbackServerContext* context,
                                           const v1::BatchGetTokensRequest* request,
                                           v1::BatchGetTokensResponse* response) override;
  grpc::ServerUnaryReactor* ListTokens(grpc::CallbackServerContext* context, const v1::ListTokensRequest* request,
                                       v1::ListTokensResponse* response) override;
  grpc::ServerUnaryReactor* SearchTokens(grpc::CallbackServerContext* context, const v1::SearchTokensRequest* request,
                                         v1::SearchTokensResponse* response) override;
  grpc::ServerUnaryReactor* ReportTokens(grpc::CallbackServerContext* context, const v1::ReportTokensRequest* request,
                                         v1::ReportTokensResponse* response) override;
  grpc::ServerUnaryReactor* ReportTrades(grpc::CallbackServerContext* context, const v1::ReportTradesRequest* request,
                                         v1::ReportTradesResponse* response) override;
  grpc::ServerUnaryReactor* ClaimPendingTokens(grpc::CallbackServerContext* context,
                                               const v1::ClaimPendingTokensRequest* request,
                                               v1::ClaimPendingTokensResponse* response) override;
  grpc::ServerUnaryReactor* CompleteResolutions(grpc::CallbackServerContext* context,
                                                const v1::CompleteResolutionsRequest* request,
                                                v1::CompleteResolutionsResponse* response) override;
  // Answers in wire form; see trade_wire.h.
  grpc::ServerWriteReactor<grpc::ByteBuffer>* TailTrades(grpc::CallbackServerContext* context,
                                                         const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* BatchGetTrades(grpc::CallbackServerContext* context,
                                           const v1::BatchGetTradesRequest* request,
                                           v1::BatchGetTradesResponse* response) override;
  grpc::ServerUnaryReactor* RegisterConsumer(grpc::CallbackServerContext* context,
                                             const v1::RegisterConsumerRequest* request,
                                             v1::RegisterConsumerResponse* response) override;
  grpc::ServerUnaryReactor* ListConsumers(grpc::CallbackServerContext* context, const v1::ListConsumersRequest* request,
                                          v1::ListConsumersResponse* response) override;
  grpc::ServerUnaryReactor* DeleteConsumer(grpc::CallbackServerContext* context,
                                           const v1::DeleteConsumerRequest* request,
                                           v1::DeleteConsumerResponse* response) override;
  grpc::ServerUnaryReactor* ListQuarantined(grpc::CallbackServerContext* context,
                                            const v1::ListQuarantinedRequest* request,
                                            v1::ListQuarantinedResponse* response) override;
  grpc::ServerUnaryReactor* RedecodeQuarantined(grpc::CallbackServerContext* context,
                                                const v1::RedecodeQuarantinedRequest* request,
                                                v1::RedecodeQuarantinedResponse* response) override;
  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context, const v1::GetStatusRequest* request,
                                      v1::GetStatusResponse* response) override;
  grpc::ServerUnaryReactor* Diagnose(grpc::CallbackServerContext* context, const v1::DiagnoseRequest* request,
                                     v1::DiagnoseResponse* response) override;

 private:
  // Has the writer take the intake; `fill` makes the answer of its outcome.
  grpc::ServerUnaryReactor* Write(grpc::CallbackServerContext* context, Intake intake,
                                  std::function<void(const IntakeOutcome&)> fill);

  const Parts parts_;
};

}  // namespace tokenwatch::detector
