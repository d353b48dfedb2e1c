// A port for a server that must come back on the same one.
#pragma once

namespace tokenwatch::common {

// Holds a TCP port of 127.0.0.1 without listening on it, as long as the object lives: connections are refused, and the
// kernel gives the port to nobody who asks for any port, also between two runs of the server. A server that sets
// SO_REUSEADDR before it binds, as PostgreSQL and gRPC do, can listen on it. Not thread-safe.
class HeldPort {
 public:
  HeldPort();
  ~HeldPort();
  HeldPort(const HeldPort&) = delete;
  HeldPort& operator=(const HeldPort&) = delete;

  // 0 when there was none to be had.
  int port() const { return port_; }

 private:
  int socket_ = -1;
  int port_ = 0;
};

}  // namespace tokenwatch::common
