// A WebSocket server on loopback that sends what a test tells it to, and misbehaves as told.
//
// Thread contract: everything may be called from any thread; what is asked of open connections is done a moment
// later on the server's own thread. The destructor closes all connections and joins.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/fakes/self_signed.h"

namespace tokenwatch::fakes {

enum class FakeHandshake {
  kAccept,
  // An HTTP answer with `refuse_status`.
  kRefuse,
  // The connection is taken and nothing is ever said.
  kIgnore,
};

enum class FakeEnding {
  kStayOpen,
  // With a close frame.
  kClose,
  // TCP reset.
  kDrop,
};

// What one connection does from its beginning.
struct WebSocketBehaviour {
  FakeHandshake handshake = FakeHandshake::kAccept;
  int refuse_status = 503;
  // Header of the refusal, in seconds; 0: none.
  int retry_after_s = 0;
  // Sent in order once `after_messages` messages of the client have come; nothing waits between them when `pace` is 0.
  std::vector<std::string> frames = {};
  absl::Duration pace = {};
  int after_messages = 0;
  // Once all frames are sent.
  FakeEnding ending = FakeEnding::kStayOpen;
  // False: the server does not read, so pings get no pong.
  bool reads = true;
};

struct FakeWebSocketServerOptions {
  std::optional<SelfSigned> tls = {};
  bool permessage_deflate = false;
  // 0: any free port.
  std::uint16_t port = 0;
};

class FakeWebSocketServer {
 public:
  // Listens when it returns. Throws boost::system::system_error when it cannot.
  explicit FakeWebSocketServer(FakeWebSocketServerOptions options = {});
  ~FakeWebSocketServer();
  FakeWebSocketServer(const FakeWebSocketServer&) = delete;
  FakeWebSocketServer& operator=(const FakeWebSocketServer&) = delete;

  // For connections accepted from now on.
  void SetBehaviour(WebSocketBehaviour behaviour);

  // To all open connections, after what they still have to send.
  void Replay(std::vector<std::string> frames, absl::Duration pace = absl::ZeroDuration());
  void CloseAll();
  void DropAll();

  std::uint16_t port() const;
  // ws(s)://127.0.0.1:port + path.
  std::string Url(absl::string_view path = "/") const;

  // Messages of clients over all connections, in order of arrival.
  std::vector<std::string> received() const;
  // Request targets of the handshakes, in order.
  std::vector<std::string> targets() const;
  // TCP connections: taken since the start, alive now, and the most that were alive at once. One that its client has
  // closed is not alive, whether or not this server has read so far.
  int accepted() const;
  int alive() const;
  int max_alive() const;
  // WebSocket handshakes completed since the start, and frames sent.
  int opened() const;
  std::int64_t sent() const;

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace tokenwatch::fakes
