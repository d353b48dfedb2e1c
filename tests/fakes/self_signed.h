// A TLS identity made when a test starts: nothing to keep secret, nothing to expire in the repository.
#pragma once

#include <string>

namespace tokenwatch::fakes {

struct SelfSigned {
  // PEM. The certificate is its own authority and is good for localhost, 127.0.0.1 and ::1 for a day.
  std::string certificate = {};
  std::string private_key = {};
};

// Throws std::runtime_error when OpenSSL fails.
SelfSigned MakeSelfSigned();

// Writes `pem` to a new file under the temporary directory, removed with the object.
class PemFile {
 public:
  explicit PemFile(const std::string& pem);
  ~PemFile();
  PemFile(const PemFile&) = delete;
  PemFile& operator=(const PemFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace tokenwatch::fakes
