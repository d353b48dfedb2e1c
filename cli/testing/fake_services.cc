#include "cli/testing/fake_services.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace tokenwatch::cli {
namespace {

constexpr size_t kBatch = 2;

// Page tokens are offsets.
template <typename Request, typename Row, typename Response>
void Page(const Request& request, const std::vector<Row>& rows, google::protobuf::RepeatedPtrField<Row>& out,
          Response& response) {
  size_t from = 0;
  if (!absl::SimpleAtoi(request.page_token(), &from)) from = 0;
  const size_t size = request.page_size() == 0 ? 100 : static_cast<size_t>(request.page_size());
  const size_t to = std::min(rows.size(), from + size);
  for (size_t i = from; i < to; ++i) *out.Add() = rows[i];
  if (to < rows.size()) response.set_next_page_token(absl::StrCat(to));
}

}  // namespace

void FakeDetector::Release() {
  const std::lock_guard<std::mutex> lock(mutex_);
  released_ = true;
  released_changed_.notify_all();
}

template <typename Request, typename Event, typename Response>
grpc::Status FakeDetector::Stream(const Request& request, const std::vector<Event>& log,
                                  google::protobuf::RepeatedPtrField<Event>* (Response::*field)(),
                                  grpc::ServerWriter<Response>& writer) {
  std::unique_lock<std::mutex> lock(mutex_);
  const bool scripted = openings_ < scripts.size();
  const StreamScript script = scripted ? scripts[openings_] : StreamScript{log.size(), grpc::Status::OK, false};
  ++openings_;
  size_t left = script.events;
  Response response;
  for (const Event& event : log) {
    const bool seen = event.cursor() <= request.after_cursor();
    if (seen && !script.repeats) continue;
    if (!seen && left == 0) break;
    left -= seen ? 0 : 1;
    *(response.*field)()->Add() = event;
    response.set_cursor(event.cursor());
    if (static_cast<size_t>((response.*field)()->size()) < kBatch) continue;
    writer.Write(response);
    response.Clear();
  }
  if ((response.*field)()->size() > 0) writer.Write(response);
  if (scripted || request.until_head()) return script.end;
  released_changed_.wait(lock, [this] { return released_; });
  return grpc::Status::OK;
}

grpc::Status FakeDetector::ListTokens(grpc::ServerContext*, const detector::v1::ListTokensRequest* request,
                                      detector::v1::ListTokensResponse* response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  list_requests.push_back(*request);
  Page(*request, tokens, *response->mutable_tokens(), *response);
  return failure;
}

grpc::Status FakeDetector::BatchGetTokens(grpc::ServerContext*, const detector::v1::BatchGetTokensRequest* request,
                                          detector::v1::BatchGetTokensResponse* response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const common::v1::TokenRef& wanted : request->tokens()) {
    for (const detector::v1::Token& token : tokens) {
      if (token.token().address() == wanted.address()) *response->add_tokens() = token;
    }
  }
  return failure;
}

grpc::Status FakeDetector::SearchTokens(grpc::ServerContext*, const detector::v1::SearchTokensRequest* request,
                                        detector::v1::SearchTokensResponse* response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const detector::v1::Token& token : tokens) {
    if (token.name().find(request->query()) != std::string::npos) *response->add_tokens() = token;
  }
  return failure;
}

grpc::Status FakeDetector::WatchTokens(grpc::ServerContext*, const detector::v1::WatchTokensRequest* request,
                                       grpc::ServerWriter<detector::v1::WatchTokensResponse>* writer) {
  Synchronize();
  watch_requests.push_back(*request);
  return Stream(*request, events, &detector::v1::WatchTokensResponse::mutable_events, *writer);
}

grpc::Status FakeDetector::TailTrades(grpc::ServerContext*, const detector::v1::TailTradesRequest* request,
                                      grpc::ServerWriter<detector::v1::TailTradesResponse>* writer) {
  Synchronize();
  tail_requests.push_back(*request);
  return Stream(*request, trades, &detector::v1::TailTradesResponse::mutable_trades, *writer);
}

grpc::Status FakeDetector::ListQuarantined(grpc::ServerContext*, const detector::v1::ListQuarantinedRequest* request,
                                           detector::v1::ListQuarantinedResponse* response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Page(*request, frames, *response->mutable_frames(), *response);
  return failure;
}

grpc::Status FakeDetector::RedecodeQuarantined(grpc::ServerContext*,
                                               const detector::v1::RedecodeQuarantinedRequest* request,
                                               detector::v1::RedecodeQuarantinedResponse* response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  redecode_request = *request;
  response->set_examined(3);
  response->set_decoded(2);
  response->set_events(5);
  return failure;
}

grpc::Status FakeDetector::ListConsumers(grpc::ServerContext*, const detector::v1::ListConsumersRequest* request,
                                         detector::v1::ListConsumersResponse* response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Page(*request, consumers, *response->mutable_consumers(), *response);
  return failure;
}

grpc::Status FakeDetector::RegisterConsumer(grpc::ServerContext*, const detector::v1::RegisterConsumerRequest* request,
                                            detector::v1::RegisterConsumerResponse* response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  response->mutable_consumer()->set_name(request->name());
  response->mutable_consumer()->set_cursor(request->cursor());
  return failure;
}

grpc::Status FakeDetector::DeleteConsumer(grpc::ServerContext*, const detector::v1::DeleteConsumerRequest* request,
                                          detector::v1::DeleteConsumerResponse*) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const detector::v1::Consumer& consumer : consumers) {
    if (consumer.name() == request->name()) return failure;
  }
  return {grpc::StatusCode::NOT_FOUND, absl::StrCat("name: no consumer is called ", request->name())};
}

grpc::Status FakeDetector::GetStatus(grpc::ServerContext*, const detector::v1::GetStatusRequest*,
                                     detector::v1::GetStatusResponse* response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  *response = status;
  return failure;
}

grpc::Status FakeDetector::Diagnose(grpc::ServerContext*, const detector::v1::DiagnoseRequest*,
                                    detector::v1::DiagnoseResponse* response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  *response = diagnosis;
  return failure;
}

grpc::Status FakeResolver::GetResolution(grpc::ServerContext*, const resolver::v1::GetResolutionRequest* request,
                                         resolver::v1::GetResolutionResponse* response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = resolutions.find(request->token().address());
  if (found == resolutions.end()) return {grpc::StatusCode::NOT_FOUND, "token: never asked for"};
  *response = found->second;
  return grpc::Status::OK;
}

grpc::Status FakeResolver::ListUnresolved(grpc::ServerContext*, const resolver::v1::ListUnresolvedRequest* request,
                                          resolver::v1::ListUnresolvedResponse* response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<resolver::v1::TokenResolution> rows;
  for (const resolver::v1::TokenResolution& row : unresolved) {
    if (request->state() == resolver::v1::RESOLUTION_STATE_UNSPECIFIED || row.state() == request->state()) {
      rows.push_back(row);
    }
  }
  Page(*request, rows, *response->mutable_resolutions(), *response);
  return grpc::Status::OK;
}

grpc::Status FakeResolver::RetryResolution(grpc::ServerContext*, const resolver::v1::RetryResolutionRequest* request,
                                           resolver::v1::RetryResolutionResponse* response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  retry_request = *request;
  response->set_retried(request->has_token() ? 1 : 7);
  return grpc::Status::OK;
}

grpc::Status FakeResolver::GetStatus(grpc::ServerContext*, const resolver::v1::GetStatusRequest*,
                                     resolver::v1::GetStatusResponse* response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  *response = status;
  return grpc::Status::OK;
}

grpc::Status FakeResolver::Diagnose(grpc::ServerContext*, const resolver::v1::DiagnoseRequest*,
                                    resolver::v1::DiagnoseResponse* response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  *response = diagnosis;
  return grpc::Status::OK;
}

grpc::Status FakePricing::GetPrice(grpc::ServerContext*, const pricing::v1::GetPriceRequest* request,
                                   pricing::v1::GetPriceResponse* response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  price_request = *request;
  const auto found = prices.find(request->token().address());
  if (found == prices.end()) return {grpc::StatusCode::NOT_FOUND, "token: has no price"};
  *response->mutable_price() = found->second;
  return grpc::Status::OK;
}

grpc::Status FakePricing::StreamPrices(grpc::ServerContext*, const pricing::v1::StreamPricesRequest* request,
                                       grpc::ServerWriter<pricing::v1::StreamPricesResponse>* writer) {
  const std::lock_guard<std::mutex> lock(mutex_);
  stream_requests.push_back(*request);
  if (stream_requests.size() > price_streams.size()) return {grpc::StatusCode::INTERNAL, "no script"};
  const auto& [responses, end] = price_streams[stream_requests.size() - 1];
  for (const pricing::v1::StreamPricesResponse& response : responses) writer->Write(response);
  return end;
}

grpc::Status FakePricing::ListCandles(grpc::ServerContext*, const pricing::v1::ListCandlesRequest* request,
                                      pricing::v1::ListCandlesResponse* response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  candle_requests.push_back(*request);
  response->set_quote_address(quote_address);
  Page(*request, candles, *response->mutable_candles(), *response);
  return grpc::Status::OK;
}

grpc::Status FakePricing::GetMarkets(grpc::ServerContext*, const pricing::v1::GetMarketsRequest*,
                                     pricing::v1::GetMarketsResponse* response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const pricing::v1::Market& market : markets) *response->add_markets() = market;
  for (const pricing::v1::TradingHistory& history : histories) *response->add_histories() = history;
  return grpc::Status::OK;
}

grpc::Status FakePricing::RefreshMarkets(grpc::ServerContext*, const pricing::v1::RefreshMarketsRequest*,
                                         pricing::v1::RefreshMarketsResponse*) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++refreshes;
  return grpc::Status::OK;
}

grpc::Status FakePricing::ListHotTokens(grpc::ServerContext*, const pricing::v1::ListHotTokensRequest* request,
                                        pricing::v1::ListHotTokensResponse* response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Page(*request, hot, *response->mutable_tokens(), *response);
  return grpc::Status::OK;
}

grpc::Status FakePricing::RequestPrice(grpc::ServerContext*, const pricing::v1::RequestPriceRequest* request,
                                       grpc::ServerWriter<pricing::v1::RequestPriceResponse>* writer) {
  const std::lock_guard<std::mutex> lock(mutex_);
  added_requests.push_back(*request);
  if (added_requests.size() > request_streams.size()) return {grpc::StatusCode::INTERNAL, "no script"};
  const auto& [states, end] = request_streams[added_requests.size() - 1];
  for (const pricing::v1::PriceRequest& state : states) {
    pricing::v1::RequestPriceResponse response;
    *response.mutable_request() = state;
    writer->Write(response);
  }
  return end;
}

grpc::Status FakePricing::ListPriceRequests(grpc::ServerContext*, const pricing::v1::ListPriceRequestsRequest* request,
                                            pricing::v1::ListPriceRequestsResponse* response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<pricing::v1::PriceRequest> rows;
  for (const pricing::v1::PriceRequest& row : requests) {
    if (request->state() == pricing::v1::PRICE_REQUEST_STATE_UNSPECIFIED || row.state() == request->state()) {
      rows.push_back(row);
    }
  }
  Page(*request, rows, *response->mutable_requests(), *response);
  return grpc::Status::OK;
}

grpc::Status FakePricing::GetStatus(grpc::ServerContext*, const pricing::v1::GetStatusRequest*,
                                    pricing::v1::GetStatusResponse* response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  *response = status;
  return grpc::Status::OK;
}

grpc::Status FakePricing::Diagnose(grpc::ServerContext*, const pricing::v1::DiagnoseRequest*,
                                   pricing::v1::DiagnoseResponse* response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  *response = diagnosis;
  return grpc::Status::OK;
}

FakeServer::FakeServer() {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&detector);
  builder.RegisterService(&resolver);
  builder.RegisterService(&pricing);
  server_ = builder.BuildAndStart();
  address_ = absl::StrCat("127.0.0.1:", port);
}

FakeServer::~FakeServer() {
  detector.Release();
  server_->Shutdown(absl::ToChronoTime(absl::Now() + absl::Seconds(1)));
}

}  // namespace tokenwatch::cli
