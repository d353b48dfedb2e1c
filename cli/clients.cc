#include "cli/clients.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace tokenwatch::cli {
namespace {

// A batch of the services is far smaller; this only keeps a broken peer from filling the memory.
constexpr int kMaxMessageBytes = 64 * 1024 * 1024;
// A service that restarts is back within a second or two: look often.
constexpr int kMinReconnectMs = 100;
constexpr int kMaxReconnectMs = 1000;
// Finds a peer that vanished without a word. Servers of gRPC tolerate a ping every 5 minutes and no more.
constexpr int kKeepaliveMs = 310 * 1000;
constexpr int kKeepaliveTimeoutMs = 10 * 1000;

// gRPC says "failed to connect to all addresses; last error: UNKNOWN: ipv4:...: Failed to connect to remote host:
// Connection refused"; the end of it is news.
std::string WithoutAddresses(const std::string& message) {
  constexpr absl::string_view kBeforeCause = "remote host: ";
  const size_t at = message.rfind(kBeforeCause.data());
  return at == std::string::npos ? message : message.substr(at + kBeforeCause.size());
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kMinReconnectMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxReconnectMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  // The services are ours and near: a proxy of the environment is for other traffic.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

Clients::Clients(Endpoints endpoints, absl::Duration timeout, std::stop_token stop)
    : endpoints_(std::move(endpoints)),
      timeout_(timeout),
      stop_(std::move(stop)),
      detector_channel_(MakeChannel(endpoints_.detector)),
      resolver_channel_(MakeChannel(endpoints_.resolver)),
      pricing_channel_(MakeChannel(endpoints_.pricing)),
      detector_(detector::v1::DetectorService::NewStub(detector_channel_)),
      resolver_(resolver::v1::ResolverService::NewStub(resolver_channel_)),
      pricing_(pricing::v1::PricingService::NewStub(pricing_channel_)) {}

const std::string& Clients::address(Service service) const {
  return service == Service::kDetector   ? endpoints_.detector
         : service == Service::kResolver ? endpoints_.resolver
                                         : endpoints_.pricing;
}

const std::shared_ptr<grpc::Channel>& Clients::channel(Service service) const {
  return service == Service::kDetector   ? detector_channel_
         : service == Service::kResolver ? resolver_channel_
                                         : pricing_channel_;
}

bool Clients::Connect(Service service) {
  // A stop request is noticed within a step.
  constexpr absl::Duration kStep = absl::Milliseconds(100);
  const absl::Time deadline = absl::Now() + timeout_;
  while (!stop_.stop_requested() && absl::Now() < deadline) {
    const grpc_connectivity_state state = channel(service)->GetState(/*try_to_connect=*/true);
    if (state == GRPC_CHANNEL_READY) return true;
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || state == GRPC_CHANNEL_SHUTDOWN) return false;
    channel(service)->WaitForStateChange(state, absl::ToChronoTime(std::min(deadline, absl::Now() + kStep)));
  }
  return false;
}

absl::Status Clients::Explain(Service service, const grpc::Status& status) const {
  const std::string name = ServiceName(service);
  const std::string where = absl::StrCat(name, " at ", address(service));
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  const std::string message = WithoutAddresses(status.error_message());
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      return absl::OkStatus();
    case grpc::StatusCode::UNAVAILABLE:
      return absl::UnavailableError(absl::StrCat(where, " is not available (", message,
                                                 "): start it, or say where it is with --", name, " or TOKENWATCH_",
                                                 absl::AsciiStrToUpper(name)));
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return absl::DeadlineExceededError(absl::StrCat(where, " did not answer within ", absl::FormatDuration(timeout_),
                                                      " (", message, "): try again, or give it longer with --timeout"));
    case grpc::StatusCode::UNIMPLEMENTED:
      return absl::UnimplementedError(
          absl::StrCat(where, " does not know this call (", message, "): it is another service, or an older build"));
    default:
      return absl::Status(code, absl::StrCat(where, ": ", message));
  }
}

}  // namespace tokenwatch::cli
