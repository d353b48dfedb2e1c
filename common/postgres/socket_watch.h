// Ends a blocking call on a socket that has outlived its limit.
//
// libpq waits for the server without a limit of its own. statement_timeout ends a slow statement while the server and
// the network work; when either is silent only the client can act. So each operation arms a watch on the connection's
// socket; past the limit the socket is shut down and the blocked call returns with a broken connection.
#pragma once

#include <cstdint>
#include <map>
#include <thread>
#include <unordered_map>

#include "absl/time/time.h"
#include "common/sync/mutex.h"

namespace tokenwatch::common {

// Thread-safe. One thread serves the whole process.
class SocketWatch {
 public:
  static SocketWatch& Instance();
  ~SocketWatch();

  // Shuts `socket` down once `after` of real time has passed, unless disarmed before. Returns the key for Disarm.
  uint64_t Arm(int socket, absl::Duration after) TW_EXCLUDES(mutex_);
  // When it returns, the watch will not touch the socket any more. Must be called before the socket is closed. Keys
  // that have fired or are 0 are ignored.
  void Disarm(uint64_t key) TW_EXCLUDES(mutex_);

 private:
  struct Watch {
    uint64_t key;
    int socket;
  };

  SocketWatch();
  void Run() TW_EXCLUDES(mutex_);

  Mutex mutex_;
  CondVar changed_;
  std::multimap<absl::Time, Watch> watches_ TW_GUARDED_BY(mutex_);
  std::unordered_map<uint64_t, std::multimap<absl::Time, Watch>::iterator> by_key_ TW_GUARDED_BY(mutex_);
  uint64_t next_key_ TW_GUARDED_BY(mutex_) = 1;
  bool stopping_ TW_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tokenwatch::common
