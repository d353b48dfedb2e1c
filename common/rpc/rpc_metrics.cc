#include "common/rpc/rpc_metrics.h"

#include <array>
#include <chrono>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "common/metrics/buckets.h"
#include "common/rpc/call_info.h"
#include "common/rpc/status.h"
#include "google/protobuf/descriptor.h"
#include "grpcpp/server_context.h"

namespace tokenwatch::common {
namespace {

constexpr int kCodes = 17;  // OK to UNAUTHENTICATED
using SteadyClock = std::chrono::steady_clock;
using HookPoint = grpc::experimental::InterceptionHookPoints;

struct MethodMetrics {
  MethodMetrics(MetricRegistry& registry, const std::string& service, const std::string& method)
      : started(registry.Counter("grpc_server_started_total", "Calls begun.",
                                 {{"grpc_service", service}, {"grpc_method", method}})),
        seconds(registry.Histogram("grpc_server_handling_seconds", "From the arrival of a call to its answer.",
                                   LatencySecondsBuckets(), {{"grpc_service", service}, {"grpc_method", method}})) {
    for (int code = 0; code < kCodes; ++code) {
      handled[static_cast<size_t>(code)] =
          &registry.Counter("grpc_server_handled_total", "Calls answered, by status code.",
                            {{"grpc_service", service},
                             {"grpc_method", method},
                             {"grpc_code", CodeName(static_cast<grpc::StatusCode>(code))}});
    }
  }

  prometheus::Counter& started;
  prometheus::Histogram& seconds;
  std::array<prometheus::Counter*, kCodes> handled{};
};

}  // namespace

// Read-only once made.
struct RpcMetrics::Methods {
  explicit Methods(MetricRegistry& registry) : other(registry, "other", "other") {}

  // `path` is "/package.Service/Method".
  MethodMetrics& Find(const char* path) {
    const auto found = by_path.find(path);
    return found == by_path.end() ? other : *found->second;
  }

  absl::flat_hash_map<std::string, std::unique_ptr<MethodMetrics>> by_path;
  MethodMetrics other;
};

// Lives as long as its call's context. gRPC calls it for one batch of operations at a time.
class RpcMetrics::Interceptor final : public grpc::experimental::Interceptor {
 public:
  Interceptor(Methods& methods, grpc::experimental::ServerRpcInfo* info)
      : info_(info), method_(methods.Find(info->method())), begin_(SteadyClock::now()) {
    method_.started.Increment();
  }

  // A call that ended without a status being sent: the connection broke, or the server cancelled it.
  ~Interceptor() override { Handled(grpc::Status(grpc::StatusCode::CANCELLED, "no answer was sent")); }

  void Intercept(grpc::experimental::InterceptorBatchMethods* batch) override {
    if (batch->QueryInterceptionHookPoint(HookPoint::POST_RECV_INITIAL_METADATA)) {
      TakeRequestId(*batch->GetRecvInitialMetadata());
    }
    if (batch->QueryInterceptionHookPoint(HookPoint::PRE_SEND_STATUS)) Handled(batch->GetSendStatus());
    batch->Proceed();
  }

 private:
  void TakeRequestId(std::multimap<grpc::string_ref, grpc::string_ref>& metadata) {
    const auto found = metadata.find(kRequestIdKey);
    if (found != metadata.end()) {
      const absl::string_view id(found->second.data(), found->second.size());
      if (IsRequestId(id)) {
        request_id_ = std::string(id);
        return;
      }
    }
    request_id_ = NewRequestId();
    metadata.erase(kRequestIdKey);
    // The map refers to text it does not own; this object lives longer than the handler can read the map.
    metadata.emplace(grpc::string_ref(kRequestIdKey), grpc::string_ref(request_id_.data(), request_id_.size()));
  }

  void Handled(const grpc::Status& status) {
    if (std::exchange(handled_, true)) return;
    const double seconds = std::chrono::duration<double>(SteadyClock::now() - begin_).count();
    const auto code = static_cast<size_t>(status.error_code());
    method_.handled[code < kCodes ? code : static_cast<size_t>(grpc::StatusCode::UNKNOWN)]->Increment();
    method_.seconds.Observe(seconds);
    if (status.ok()) {
      TW_LOG(Severity::kDebug, "call",
             {{"rpc", info_->method()}, {"code", "OK"}, {"latency_ms", seconds * 1e3}, {"request_id", request_id_}});
    } else {
      TW_LOG_EVERY(absl::Milliseconds(100), Severity::kInfo, "call failed",
                   {{"rpc", info_->method()},
                    {"code", CodeName(status.error_code())},
                    {"detail", status.error_message()},
                    {"latency_ms", seconds * 1e3},
                    {"request_id", request_id_}});
    }
  }

  grpc::experimental::ServerRpcInfo* const info_;
  MethodMetrics& method_;
  const SteadyClock::time_point begin_;
  std::string request_id_;
  bool handled_ = false;
};

class RpcMetrics::Factory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit Factory(Methods& methods) : methods_(methods) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(grpc::experimental::ServerRpcInfo* info) override {
    return new Interceptor(methods_, info);
  }

 private:
  Methods& methods_;
};

RpcMetrics::RpcMetrics(std::unique_ptr<Methods> methods) : methods_(std::move(methods)) {}
RpcMetrics::~RpcMetrics() = default;

absl::StatusOr<std::unique_ptr<RpcMetrics>> RpcMetrics::Create(MetricRegistry& registry,
                                                               const std::vector<std::string>& services) {
  auto methods = std::make_unique<Methods>(registry);
  for (const std::string& name : services) {
    const google::protobuf::ServiceDescriptor* service =
        google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
    if (service == nullptr) {
      return absl::NotFoundError(absl::StrCat("service ", name, " is not linked into this program"));
    }
    for (int i = 0; i < service->method_count(); ++i) {
      const std::string& method = service->method(i)->name();
      methods->by_path.emplace(absl::StrCat("/", name, "/", method),
                               std::make_unique<MethodMetrics>(registry, name, method));
    }
  }
  return std::unique_ptr<RpcMetrics>(new RpcMetrics(std::move(methods)));
}

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> RpcMetrics::MakeInterceptorFactory() {
  return std::make_unique<Factory>(*methods_);
}

}  // namespace tokenwatch::common
