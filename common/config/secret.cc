#include "common/config/secret.h"

#include <cstdio>
#include <memory>

#include <errno.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace tokenwatch::common {

absl::StatusOr<std::string> ReadSecretFile(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), &std::fclose);
  if (file == nullptr) return absl::ErrnoToStatus(errno, absl::StrCat("secret file ", path, " cannot be opened"));
  std::string text(kMaxSecretBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) {
    if (errno == EISDIR) return absl::InvalidArgumentError(absl::StrCat("secret file ", path, " is a directory"));
    return absl::ErrnoToStatus(errno, absl::StrCat("secret file ", path, " cannot be read"));
  }
  if (text.size() > kMaxSecretBytes) {
    return absl::InvalidArgumentError(absl::StrCat("secret file ", path, " is larger than ", kMaxSecretBytes,
                                                   " bytes: it is probably the wrong file"));
  }
  if (text.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat("secret file ", path, " is not text: it contains a zero byte"));
  }
  absl::StripAsciiWhitespace(&text);
  if (text.empty()) return absl::InvalidArgumentError(absl::StrCat("secret file ", path, " is empty"));
  return text;
}

}  // namespace tokenwatch::common
