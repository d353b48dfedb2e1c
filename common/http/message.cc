#include "common/http/message.h"

#include "absl/strings/match.h"

namespace tokenwatch::common {

std::optional<absl::string_view> HttpHeaders::Find(absl::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (absl::EqualsIgnoreCase(key, name)) return absl::string_view(value);
  }
  return std::nullopt;
}

}  // namespace tokenwatch::common
