#include "common/app/port_file.h"

#include <cstdio>

#include <errno.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

namespace tokenwatch::common {

absl::Status WritePortFile(const std::string& path, const BoundPorts& ports) {
  std::string text = absl::StrCat("{\"pid\":", ::getpid());
  if (ports.http != 0) absl::StrAppend(&text, ",\"http\":", ports.http);
  if (ports.grpc != 0) absl::StrAppend(&text, ",\"grpc\":", ports.grpc);
  text += "}\n";

  const std::string temporary = absl::StrCat(path, ".", ::getpid(), ".tmp");
  const auto failed = [&](const char* what) {
    const int error = errno;
    ::unlink(temporary.c_str());
    return absl::DataLossError(
        absl::ErrnoToStatus(error, absl::StrCat("port file ", path, " cannot be ", what)).message());
  };
  std::FILE* file = std::fopen(temporary.c_str(), "we");
  if (file == nullptr) return failed("created");
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) != 0 || !written) return failed("written");
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return failed("put in place");
  return absl::OkStatus();
}

}  // namespace tokenwatch::common
