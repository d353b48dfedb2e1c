// A detector, a resolver and a pricing in this process, on ports of the kernel's choice, that answer what a test puts
// into them.
//
// Set the public members before the first call and read the recorded requests when the calls have ended, with a call of
// Synchronize in between both times: gRPC's own order is invisible to ThreadSanitizer.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "tokenwatch/detector/v1/detector.grpc.pb.h"
#include "tokenwatch/pricing/v1/pricing.grpc.pb.h"
#include "tokenwatch/resolver/v1/resolver.grpc.pb.h"

namespace tokenwatch::cli {

// How one opening of a stream goes: it sends the events after the cursor, at most so many, and ends with the status.
// `repeats` are events at or before the cursor that it sends once more.
struct StreamScript {
  size_t events = 0;
  grpc::Status end;
  bool repeats = false;
};

class FakeDetector final : public detector::v1::DetectorService::Service {
 public:
  std::vector<detector::v1::Token> tokens;
  std::vector<detector::v1::TokenEvent> events;
  std::vector<detector::v1::Trade> trades;
  std::vector<detector::v1::QuarantinedFrame> frames;
  std::vector<detector::v1::Consumer> consumers;
  detector::v1::GetStatusResponse status;
  detector::v1::DiagnoseResponse diagnosis;
  // What every unary call answers when it is not OK.
  grpc::Status failure;
  // One per opening; after the last, a stream sends all and ends (until_head) or stays open.
  std::vector<StreamScript> scripts;

  std::vector<detector::v1::TailTradesRequest> tail_requests;
  std::vector<detector::v1::WatchTokensRequest> watch_requests;
  std::vector<detector::v1::ListTokensRequest> list_requests;
  detector::v1::RedecodeQuarantinedRequest redecode_request;

  // Ends the streams that stay open.
  void Release();
  void Synchronize() { const std::lock_guard<std::mutex> lock(mutex_); }

 private:
  template <typename Request, typename Event, typename Response>
  grpc::Status Stream(const Request& request, const std::vector<Event>& log,
                      google::protobuf::RepeatedPtrField<Event>* (Response::*field)(),
                      grpc::ServerWriter<Response>& writer);

  grpc::Status ListTokens(grpc::ServerContext*, const detector::v1::ListTokensRequest* request,
                          detector::v1::ListTokensResponse* response) override;
  grpc::Status BatchGetTokens(grpc::ServerContext*, const detector::v1::BatchGetTokensRequest* request,
                              detector::v1::BatchGetTokensResponse* response) override;
  grpc::Status SearchTokens(grpc::ServerContext*, const detector::v1::SearchTokensRequest* request,
                            detector::v1::SearchTokensResponse* response) override;
  grpc::Status WatchTokens(grpc::ServerContext*, const detector::v1::WatchTokensRequest* request,
                           grpc::ServerWriter<detector::v1::WatchTokensResponse>* writer) override;
  grpc::Status TailTrades(grpc::ServerContext*, const detector::v1::TailTradesRequest* request,
                          grpc::ServerWriter<detector::v1::TailTradesResponse>* writer) override;
  grpc::Status ListQuarantined(grpc::ServerContext*, const detector::v1::ListQuarantinedRequest* request,
                               detector::v1::ListQuarantinedResponse* response) override;
  grpc::Status RedecodeQuarantined(grpc::ServerContext*, const detector::v1::RedecodeQuarantinedRequest* request,
                                   detector::v1::RedecodeQuarantinedResponse* response) override;
  grpc::Status ListConsumers(grpc::ServerContext*, const detector::v1::ListConsumersRequest* request,
                             detector::v1::ListConsumersResponse* response) override;
  grpc::Status RegisterConsumer(grpc::ServerContext*, const detector::v1::RegisterConsumerRequest* request,
                                detector::v1::RegisterConsumerResponse* response) override;
  grpc::Status DeleteConsumer(grpc::ServerContext*, const detector::v1::DeleteConsumerRequest* request,
                              detector::v1::DeleteConsumerResponse* response) override;
  grpc::Status GetStatus(grpc::ServerContext*, const detector::v1::GetStatusRequest* request,
                         detector::v1::GetStatusResponse* response) override;
  grpc::Status Diagnose(grpc::ServerContext*, const detector::v1::DiagnoseRequest* request,
                        detector::v1::DiagnoseResponse* response) override;

  std::mutex mutex_;
  std::condition_variable released_changed_;
  bool released_ = false;
  size_t openings_ = 0;
};

class FakeResolver final : public resolver::v1::ResolverService::Service {
 public:
  std::map<std::string, resolver::v1::GetResolutionResponse> resolutions;
  std::vector<resolver::v1::TokenResolution> unresolved;
  resolver::v1::GetStatusResponse status;
  resolver::v1::DiagnoseResponse diagnosis;
  resolver::v1::RetryResolutionRequest retry_request;

  void Synchronize() { const std::lock_guard<std::mutex> lock(mutex_); }

 private:
  grpc::Status GetResolution(grpc::ServerContext*, const resolver::v1::GetResolutionRequest* request,
                             resolver::v1::GetResolutionResponse* response) override;
  grpc::Status ListUnresolved(grpc::ServerContext*, const resolver::v1::ListUnresolvedRequest* request,
                              resolver::v1::ListUnresolvedResponse* response) override;
  grpc::Status RetryResolution(grpc::ServerContext*, const resolver::v1::RetryResolutionRequest* request,
                               resolver::v1::RetryResolutionResponse* response) override;
  grpc::Status GetStatus(grpc::ServerContext*, const resolver::v1::GetStatusRequest* request,
                         resolver::v1::GetStatusResponse* response) override;
  grpc::Status Diagnose(grpc::ServerContext*, const resolver::v1::DiagnoseRequest* request,
                        resolver::v1::DiagnoseResponse* response) override;

  std::mutex mutex_;
};

class FakePricing final : public pricing::v1::PricingService::Service {
 public:
  // By address.
  std::map<std::string, pricing::v1::Price> prices;
  std::vector<pricing::v1::Candle> candles;
  std::string quote_address;
  std::vector<pricing::v1::HotToken> hot;
  std::vector<pricing::v1::Market> markets;
  std::vector<pricing::v1::TradingHistory> histories;
  std::vector<pricing::v1::PriceRequest> requests;
  // One per opening of a stream of prices or of a request: what it sends, and how it ends.
  std::vector<std::pair<std::vector<pricing::v1::StreamPricesResponse>, grpc::Status>> price_streams;
  std::vector<std::pair<std::vector<pricing::v1::PriceRequest>, grpc::Status>> request_streams;
  pricing::v1::GetStatusResponse status;
  pricing::v1::DiagnoseResponse diagnosis;

  pricing::v1::GetPriceRequest price_request;
  std::vector<pricing::v1::ListCandlesRequest> candle_requests;
  std::vector<pricing::v1::StreamPricesRequest> stream_requests;
  std::vector<pricing::v1::RequestPriceRequest> added_requests;
  int refreshes = 0;

  void Synchronize() { const std::lock_guard<std::mutex> lock(mutex_); }

 private:
  grpc::Status GetPrice(grpc::ServerContext*, const pricing::v1::GetPriceRequest* request,
                        pricing::v1::GetPriceResponse* response) override;
  grpc::Status StreamPrices(grpc::ServerContext*, const pricing::v1::StreamPricesRequest* request,
                            grpc::ServerWriter<pricing::v1::StreamPricesResponse>* writer) override;
  grpc::Status ListCandles(grpc::ServerContext*, const pricing::v1::ListCandlesRequest* request,
                           pricing::v1::ListCandlesResponse* response) override;
  grpc::Status GetMarkets(grpc::ServerContext*, const pricing::v1::GetMarketsRequest* request,
                          pricing::v1::GetMarketsResponse* response) override;
  grpc::Status RefreshMarkets(grpc::ServerContext*, const pricing::v1::RefreshMarketsRequest* request,
                              pricing::v1::RefreshMarketsResponse* response) override;
  grpc::Status ListHotTokens(grpc::ServerContext*, const pricing::v1::ListHotTokensRequest* request,
                             pricing::v1::ListHotTokensResponse* response) override;
  grpc::Status RequestPrice(grpc::ServerContext*, const pricing::v1::RequestPriceRequest* request,
                            grpc::ServerWriter<pricing::v1::RequestPriceResponse>* writer) override;
  grpc::Status ListPriceRequests(grpc::ServerContext*, const pricing::v1::ListPriceRequestsRequest* request,
                                 pricing::v1::ListPriceRequestsResponse* response) override;
  grpc::Status GetStatus(grpc::ServerContext*, const pricing::v1::GetStatusRequest* request,
                         pricing::v1::GetStatusResponse* response) override;
  grpc::Status Diagnose(grpc::ServerContext*, const pricing::v1::DiagnoseRequest* request,
                        pricing::v1::DiagnoseResponse* response) override;

  std::mutex mutex_;
};

// All behind one server.
class FakeServer {
 public:
  FakeServer();
  ~FakeServer();
  // "127.0.0.1:port".
  const std::string& address() const { return address_; }

  FakeDetector detector;
  FakeResolver resolver;
  FakePricing pricing;

 private:
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace tokenwatch::cli
