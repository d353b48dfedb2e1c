// A TCP proxy on loopback between a program and what it talks to, which misbehaves on command as a network does.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"

namespace tokenwatch::common {

// Thread-safe. A command holds for the connections that are open and for those to come, until the next command; each of
// them but CloseAll replaces the one before.
class TcpGate {
 public:
  // Listens on a port of its own and connects each client to 127.0.0.1:target_port.
  static absl::StatusOr<std::unique_ptr<TcpGate>> Start(int target_port);
  ~TcpGate();
  TcpGate(const TcpGate&) = delete;
  TcpGate& operator=(const TcpGate&) = delete;

  int port() const { return port_; }

  // Bytes go through at once. The state in which a gate starts.
  void Pass() { Command(Mode{}); }
  // Resets what is open; new connections go on as commanded before.
  void CloseAll() TW_EXCLUDES(mutex_);
  // Resets what is open, and every new connection as soon as it is made.
  void Refuse();
  // Bytes arrive this much later, in each direction.
  void Delay(absl::Duration delay) { Command(Mode{.delay = delay}); }
  // No more than so many bytes a second, for each connection and direction.
  void Throttle(int64_t bytes_per_second) { Command(Mode{.bytes_per_second = bytes_per_second}); }
  // After so many more bytes, all connections and directions together, resets all; then as Pass.
  void CutAfter(int64_t bytes) { Command(Mode{.cut_after_bytes = bytes}); }
  // Connections stay open, and are made, but no byte goes through: a network that lost the other side.
  void Stall() { Command(Mode{.stall = true}); }

  // Connections open now.
  int open_connections() TW_EXCLUDES(mutex_);
  // Bytes that went through since the start, in both directions.
  int64_t bytes_passed() TW_EXCLUDES(mutex_);

 private:
  struct Mode {
    bool refuse = false;
    bool stall = false;
    absl::Duration delay = absl::ZeroDuration();
    int64_t bytes_per_second = 0;
    int64_t cut_after_bytes = -1;
  };
  struct Chunk {
    absl::Time due;
    std::string bytes;
  };
  // One direction of a connection.
  struct Flow {
    std::deque<Chunk> queue;
    size_t queued_bytes = 0;
    bool source_ended = false;
    // When throttled: from when on the next byte may go.
    absl::Time next_at = absl::InfinitePast();
  };
  struct Link {
    int client;
    int server;
    Flow up;
    Flow down;
    bool dead = false;
  };

  TcpGate(int listener, int wake, int port, int target_port);

  void Command(const Mode& mode) TW_EXCLUDES(mutex_);
  void Run() TW_EXCLUDES(mutex_);
  void Accept() TW_REQUIRES(mutex_);
  void CloseLinks() TW_REQUIRES(mutex_);
  // Reads what `from` has, if there is room.
  void Fill(Link& link, Flow& flow, int from) TW_REQUIRES(mutex_);
  // Writes what is due to `to`.
  void Drain(Link& link, Flow& flow, int to) TW_REQUIRES(mutex_);

  const int listener_;
  const int wake_;
  const int port_;
  const int target_port_;

  Mutex mutex_;
  Mode mode_ TW_GUARDED_BY(mutex_);
  std::list<Link> links_ TW_GUARDED_BY(mutex_);
  int64_t bytes_passed_ TW_GUARDED_BY(mutex_) = 0;
  bool stopping_ TW_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tokenwatch::common
