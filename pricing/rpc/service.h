// tokenwatch.pricing.v1.PricingService: validates, converts, hands over, finishes.
//
// What memory alone answers is answered on gRPC's own thread; everything else goes to an executor.
#pragma once

#include <functional>
#include <memory>

#include "common/rpc/call_info.h"
#include "common/rpc/pull_stream.h"
#include "common/rpc/responder.h"
#include "common/sync/executor.h"
#include "common/time/clock.h"
#include "pricing/detector.h"
#include "pricing/fold/hot_set.h"
#include "pricing/oracle/oracle.h"
#include "pricing/price_view.h"
#include "pricing/reads/candle_reader.h"
#include "pricing/reads/history.h"
#include "pricing/reads/hot_list.h"
#include "pricing/reads/markets.h"
#include "pricing/reads/minutes.h"
#include "pricing/reads/price_finder.h"
#include "pricing/reads/series_reader.h"
#include "pricing/reference.h"
#include "pricing/rpc/price_hub.h"
#include "pricing/rpc/request_hub.h"
#include "pricing/rpc/serving_metrics.h"
#include "pricing/service_state.h"
#include "pricing/store.h"
#include "tokenwatch/pricing/v1/pricing.grpc.pb.h"

namespace tokenwatch::pricing {

class PricingServiceImpl final
    : public v1::PricingService::WithRawCallbackMethod_BatchGetPrices<
          v1::PricingService::WithRawCallbackMethod_StreamPrices<v1::PricingService::CallbackService>> {
 public:
  struct Parts {
    const HotSet& hot;
    const PriceView& view;
    const ReferenceBook& references;
    Store& store;
    Detector& detector;
    Oracle& oracle;
    PriceHub& hub;
    RequestHub& requests;
    const StateSource& state;
    ParkedLookup parked;
    // A token is watched from now on, or no longer.
    std::function<void(const chain::TokenRef&, bool)> set_watched;
    ServingMetrics& metrics;
    // Unary calls that block, and streams of requests.
    common::Executor& calls;
    // Streams of prices.
    common::Executor& streams;
    common::StreamSet& price_streams;
    common::StreamSet& request_streams;
    common::Clock& clock;
  };

  // All parts outlive the server that serves this, and the calls it has made of the oracle.
  explicit PricingServiceImpl(const Parts& parts);

  grpc::ServerUnaryReactor* GetPrice(grpc::CallbackServerContext* context, const v1::GetPriceRequest* request,
                                     v1::GetPriceResponse* response) override;
  // In wire form; see price_wire.h.
  grpc::ServerUnaryReactor* BatchGetPrices(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* StreamPrices(grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* ListCandles(grpc::CallbackServerContext* context, const v1::ListCandlesRequest* request,
                                        v1::ListCandlesResponse* response) override;
  grpc::ServerUnaryReactor* GetMarkets(grpc::CallbackServerContext* context, const v1::GetMarketsRequest* request,
                                       v1::GetMarketsResponse* response) override;
  grpc::ServerUnaryReactor* RefreshMarkets(grpc::CallbackServerContext* context,
                                           const v1::RefreshMarketsRequest* request,
                                           v1::RefreshMarketsResponse* response) override;
  grpc::ServerUnaryReactor* WatchToken(grpc::CallbackServerContext* context, const v1::WatchTokenRequest* request,
                                       v1::WatchTokenResponse* response) override;
  grpc::ServerUnaryReactor* UnwatchToken(grpc::CallbackServerContext* context, const v1::UnwatchTokenRequest* request,
                                         v1::UnwatchTokenResponse* response) override;
  grpc::ServerUnaryReactor* ListHotTokens(grpc::CallbackServerContext* context, const v1::ListHotTokensRequest* request,
                                          v1::ListHotTokensResponse* response) override;
  grpc::ServerWriteReactor<v1::RequestPriceResponse>* RequestPrice(grpc::CallbackServerContext* context,
                                                                   const v1::RequestPriceRequest* request) override;
  grpc::ServerUnaryReactor* ListPriceRequests(grpc::CallbackServerContext* context,
                                              const v1::ListPriceRequestsRequest* request,
                                              v1::ListPriceRequestsResponse* response) override;
  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context, const v1::GetStatusRequest* request,
                                      v1::GetStatusResponse* response) override;
  grpc::ServerUnaryReactor* Diagnose(grpc::CallbackServerContext* context, const v1::DiagnoseRequest* request,
                                     v1::DiagnoseResponse* response) override;

 private:
  // Runs on the executor for blocking calls; the work gets the call's deadline.
  grpc::ServerUnaryReactor* Run(grpc::CallbackServerContext* context,
                                std::function<absl::Status(absl::Time deadline)> work) const;

  const Parts parts_;
  const MinuteReader minutes_;
  const SeriesReader series_;
  const CandleReader candles_;
  const History history_;
  HotList hot_list_;
  OracleMemory memory_;
  const PriceFinder finder_;
};

}  // namespace tokenwatch::pricing
