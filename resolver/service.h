// The gRPC face: checks requests, converts, submits, finishes. See resolver.proto for what each call means.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/rpc/call_info.h"
#include "common/sync/executor.h"
#include "common/sync/mutex.h"
#include "resolver/loops/claim_loop.h"
#include "resolver/store.h"
#include "tokenwatch/resolver/v1/resolver.grpc.pb.h"

namespace tokenwatch::resolver {

// Thread-safe. All arguments outlive it.
class ResolverServiceImpl final : public v1::ResolverService::CallbackService {
 public:
  // `executor` does what blocks: the database. Calls that wait for sources hold none of its threads.
  ResolverServiceImpl(Store& store, Cascade& cascade, ClaimLoop& claims, common::Executor& executor,
                      const Config& config, WorkMetrics& metrics, common::Clock& clock);

  grpc::ServerUnaryReactor* Resolve(grpc::CallbackServerContext* context, const v1::ResolveRequest* request,
                                    v1::ResolveResponse* response) override;
  grpc::ServerUnaryReactor* BatchResolve(grpc::CallbackServerContext* context, const v1::BatchResolveRequest* request,
                                         v1::BatchResolveResponse* response) override;
  grpc::ServerUnaryReactor* GetResolution(grpc::CallbackServerContext* context, const v1::GetResolutionRequest* request,
                                          v1::GetResolutionResponse* response) override;
  grpc::ServerUnaryReactor* ListUnresolved(grpc::CallbackServerContext* context,
                                           const v1::ListUnresolvedRequest* request,
                                           v1::ListUnresolvedResponse* response) override;
  grpc::ServerUnaryReactor* RetryResolution(grpc::CallbackServerContext* context,
                                            const v1::RetryResolutionRequest* request,
                                            v1::RetryResolutionResponse* response) override;
  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context, const v1::GetStatusRequest* request,
                                      v1::GetStatusResponse* response) override;
  grpc::ServerUnaryReactor* Diagnose(grpc::CallbackServerContext* context, const v1::DiagnoseRequest* request,
                                     v1::DiagnoseResponse* response) override;

 private:
  class Gathering;
  // Asks for all of the tokens; the gathering is told of each exactly once, possibly before this returns.
  void ResolveAll(const std::shared_ptr<Gathering>& gathering, const std::vector<TokenRef>& tokens, bool refresh,
                  absl::Time deadline);
  void WaitOrAnswer(const std::shared_ptr<Gathering>& gathering, size_t index, const Resolution& resolution,
                    absl::Time deadline);
  // Begins a waiting call, on the executor.
  grpc::ServerUnaryReactor* StartGathering(
      grpc::CallbackServerContext* context, std::vector<TokenRef> tokens, bool refresh,
      std::function<absl::Status(std::vector<Resolution>, std::vector<absl::Status>)> finish);
  absl::Status DoRetry(const v1::RetryResolutionRequest& request, v1::RetryResolutionResponse& response,
                       absl::Time deadline);
  absl::Status DoGetStatus(v1::GetStatusResponse& response, absl::Time deadline);

  Store& store_;
  Cascade& cascade_;
  ClaimLoop& claims_;
  common::Executor& executor_;
  const Config& config_;
  WorkMetrics& metrics_;
  common::Clock& clock_;
  std::atomic<int64_t> waiting_{0};

  common::Mutex mutex_;
  // Answers to recent retries by request id, oldest first in the queue.
  absl::flat_hash_map<std::string, int64_t> retried_ TW_GUARDED_BY(mutex_);
  std::deque<std::string> retried_ids_ TW_GUARDED_BY(mutex_);
};

}  // namespace tokenwatch::resolver
