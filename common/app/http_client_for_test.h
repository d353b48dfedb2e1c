// Blocking HTTP over a plain socket, for tests that want to see and send raw bytes.
#pragma once

#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

namespace tokenwatch::common {

class RawConnection {
 public:
  explicit RawConnection(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~RawConnection() { ::close(fd_); }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  bool connected() const { return connected_; }
  void Send(const std::string& bytes) { (void)!::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  // Everything up to the end of the connection.
  std::string ReadToEnd() {
    std::string text;
    char buffer[4096];
    for (ssize_t n; (n = ::recv(fd_, buffer, sizeof(buffer), 0)) > 0;) text.append(buffer, static_cast<size_t>(n));
    return text;
  }
  // Until `end` has been read.
  std::string ReadUntil(const std::string& end) {
    std::string text;
    char c = 0;
    while (text.find(end) == std::string::npos && ::recv(fd_, &c, 1, 0) == 1) text += c;
    return text;
  }

 private:
  const int fd_;
  bool connected_ = false;
};

// The whole answer, head and body; empty when nobody answers.
inline std::string HttpGet(int port, const std::string& path) {
  RawConnection connection(port);
  if (!connection.connected()) return "";
  connection.Send(absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  return connection.ReadToEnd();
}

}  // namespace tokenwatch::common
