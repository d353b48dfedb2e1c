// WebSocket client that keeps exactly one connection to one server, for as long as it runs.
//
// It reconnects by itself: with full jitter after a failure, and when a connection has been silent for too long. A
// connection is made only when the one before is closed. Subscriptions are sent again after each reconnect by
// sending them from on_open.
//
// Thread contract: Start, Stop, Send and stats may be called from any thread; Stop (and the destructor) not from a
// callback. Callbacks run on the client's own thread, one at a time; while one runs nothing is read, so a slow
// consumer slows the sender down through TCP.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/http/message.h"
#include "common/time/backoff.h"
#include "common/time/clock.h"

namespace tokenwatch::common {

struct WebSocketOptions {
  // ws:// or wss://; may carry keys in its query, which are never shown.
  std::string url = {};
  // Sent with the handshake.
  HttpHeaders headers = {};
  std::string user_agent = "tokenwatch/0.1";
  // Name lookup, TCP, TLS and WebSocket handshake together.
  absl::Duration connect_timeout = absl::Seconds(15);
  // A ping goes out after this much without a frame; the connection is given up after twice of it.
  absl::Duration ping_interval = absl::Seconds(15);
  // Without a message (pings are none): report it; give the connection up and make another.
  absl::Duration silence_warn = absl::Seconds(20);
  absl::Duration silence_reconnect = absl::Seconds(60);
  Backoff::Options backoff = {.initial = absl::Milliseconds(500), .cap = absl::Seconds(30)};
  // The backoff starts anew after a connection that held this long.
  absl::Duration stable_after = absl::Seconds(30);
  // How long Stop waits for the server to answer the close frame.
  absl::Duration close_timeout = absl::Milliseconds(500);
  // Of one message after decompression; a larger one ends the connection.
  std::size_t max_message_bytes = std::size_t{32} << 20;
  // Messages waiting to be written.
  std::size_t max_outbound = 1024;
  bool permessage_deflate = false;
  // PEM file of certificate authorities; empty: the system's.
  std::string ca_file = {};
};

struct WebSocketHandler {
  // A new connection is open. Send() may be called.
  std::function<void()> on_open = {};
  // One text or binary message, and when it was wholly received. The view is good during the call.
  std::function<void(absl::string_view message, absl::Time received_at)> on_text = {};
  // A connection, or an attempt at one, has ended; another follows unless the client was stopped (CANCELLED).
  //   UNAVAILABLE         lost, refused or closed by the server
  //   DEADLINE_EXCEEDED   not open in time, no pong, or silent for too long
  //   RESOURCE_EXHAUSTED  a message larger than allowed
  //   FAILED_PRECONDITION the certificate is not trusted
  std::function<void(const absl::Status& reason)> on_close = {};
  // A line worth logging, at most one a second; `suppressed` were left out since the last. Carries no secrets.
  std::function<void(absl::string_view line, std::uint64_t suppressed)> on_log = {};
  // No message for `silence_warn`; once per silence.
  std::function<void(absl::Duration silence)> on_silence = {};
};

struct WebSocketStats {
  bool open = false;
  std::uint64_t attempts = 0;
  std::uint64_t opened = 0;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  // Given up for silence.
  std::uint64_t silences = 0;
  // Sends refused because the queue was full.
  std::uint64_t refused = 0;
};

class WebSocketClient {
 public:
  // INVALID_ARGUMENT for a URL that is not ws or wss, FAILED_PRECONDITION when the CA file cannot be read.
  // `clock` stamps messages; it must outlive the client. Waiting is done in real time.
  static absl::StatusOr<std::unique_ptr<WebSocketClient>> Create(WebSocketOptions options, WebSocketHandler handler,
                                                                 UniformRandom random = SystemRandom(),
                                                                 Clock& clock = SystemClock::Instance());
  // Stops.
  ~WebSocketClient();
  WebSocketClient(const WebSocketClient&) = delete;
  WebSocketClient& operator=(const WebSocketClient&) = delete;

  // Starts connecting. Once.
  void Start();

  // Closes the connection and joins the thread; no callback runs after it returns. A name lookup under way is waited
  // for. May be called more than once.
  void Stop();

  // Queues a text message for the open connection; what is queued when a connection ends is dropped.
  // UNAVAILABLE when none is open, RESOURCE_EXHAUSTED when max_outbound messages wait already.
  absl::Status Send(std::string message);

  WebSocketStats stats() const;

 private:
  class Core;
  explicit WebSocketClient(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace tokenwatch::common
