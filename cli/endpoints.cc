#include "cli/endpoints.h"

#include <fstream>

#include <boost/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tokenwatch::cli {
namespace {

// Where ./dev run writes the addresses of what it started, in the checkout.
constexpr char kLocalFile[] = ".run/endpoints.json";
// A handful of addresses; whatever is larger is another file.
constexpr std::streamsize kMaxFileBytes = 64 * 1024;

absl::Status ReadFile(const std::string& path, Endpoints& endpoints) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::OkStatus();
  std::string text(kMaxFileBytes, '\0');
  file.read(text.data(), kMaxFileBytes);
  text.resize(file.gcount());
  boost::json::error_code error;
  const boost::json::value value = boost::json::parse(text, error);
  const boost::json::object* object = error ? nullptr : value.if_object();
  const auto take = [&](const char* name, std::string& address) {
    const boost::json::value* member = object->if_contains(name);
    if (member == nullptr) return true;
    const boost::json::string* string = member->if_string();
    if (string == nullptr || string->empty()) return false;
    address.assign(string->data(), string->size());
    return true;
  };
  if (object != nullptr && take("detector", endpoints.detector) && take("resolver", endpoints.resolver) &&
      take("pricing", endpoints.pricing)) {
    endpoints.expects_pricing = object->contains("pricing");
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("file of endpoints ", path,
                                                 " is not a JSON object of service to \"HOST:PORT\": repair or remove "
                                                 "it"));
}

}  // namespace

std::string ServiceName(Service service) {
  switch (service) {
    case Service::kDetector:
      return "detector";
    case Service::kResolver:
      return "resolver";
    case Service::kPricing:
      return "pricing";
  }
  return "";
}

absl::StatusOr<Endpoints> FindEndpoints(const ParsedArgs& args, const GetEnvironment& environment) {
  Endpoints endpoints;
  const std::optional<std::string> file = environment("TOKENWATCH_ENDPOINTS");
  const std::string path = file.has_value() && !file->empty() ? *file : kLocalFile;
  if (absl::Status status = ReadFile(path, endpoints); !status.ok()) return status;
  const auto override = [&](const char* flag, const char* variable, std::string& address) {
    const std::optional<std::string> value = environment(variable);
    const bool set = value.has_value() && !value->empty();
    if (set) address = *value;
    if (args.Has(flag)) address = args.Text(flag);
    return set || args.Has(flag);
  };
  override("detector", "TOKENWATCH_DETECTOR", endpoints.detector);
  override("resolver", "TOKENWATCH_RESOLVER", endpoints.resolver);
  if (override("pricing", "TOKENWATCH_PRICING", endpoints.pricing)) endpoints.expects_pricing = true;
  return endpoints;
}

}  // namespace tokenwatch::cli
