#include "tests/fakes/fake_websocket_server.h"

#include <algorithm>
#include <deque>
#include <list>
#include <thread>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <poll.h>

#include "absl/strings/str_cat.h"
#include "common/sync/mutex.h"

namespace tokenwatch::fakes {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using Tcp = asio::ip::tcp;
using ErrorCode = beast::error_code;
using common::Mutex;
using common::MutexLock;

// What the server counts and keeps, for the test's thread to read.
struct Record {
  mutable Mutex mutex;
  std::vector<std::string> received TW_GUARDED_BY(mutex);
  std::vector<std::string> targets TW_GUARDED_BY(mutex);
  int accepted TW_GUARDED_BY(mutex) = 0;
  int alive TW_GUARDED_BY(mutex) = 0;
  int max_alive TW_GUARDED_BY(mutex) = 0;
  int opened TW_GUARDED_BY(mutex) = 0;
  std::int64_t sent TW_GUARDED_BY(mutex) = 0;
};

class Session {
 public:
  virtual ~Session() = default;
  virtual void Run() = 0;
  virtual void Replay(std::shared_ptr<const std::vector<std::string>> frames, absl::Duration pace,
                      FakeEnding ending) = 0;
  // Ends the connection; kStayOpen means a plain close of the socket.
  virtual void End(FakeEnding ending) = 0;
  virtual bool Alive() = 0;
};

template <typename Stream>
class SessionOver final : public Session, public std::enable_shared_from_this<SessionOver<Stream>> {
 public:
  template <typename... Args>
  SessionOver(Tcp::socket socket, WebSocketBehaviour behaviour, bool deflate, Record& record, Args&... args)
      : behaviour_(std::move(behaviour)),
        record_(record),
        timer_(socket.get_executor()),
        stream_(std::move(socket), args...) {
    websocket::permessage_deflate option;
    option.server_enable = deflate;
    stream_.set_option(option);
    stream_.write_buffer_bytes(std::size_t{64} << 10);
  }

  void Run() override {
    if (behaviour_.handshake == FakeHandshake::kIgnore) return;
    if constexpr (std::is_same_v<Stream, beast::tcp_stream>) {
      ReadRequest();
    } else {
      stream_.next_layer().async_handshake(asio::ssl::stream_base::server,
                                           [self = this->shared_from_this()](ErrorCode error) {
                                             if (error) return self->Finish();
                                             self->ReadRequest();
                                           });
    }
  }

  void Replay(std::shared_ptr<const std::vector<std::string>> frames, absl::Duration pace, FakeEnding ending) override {
    scripts_.push_back({std::move(frames), 0, pace, ending});
    if (open_ && !writing_) WriteNext();
  }

  void End(FakeEnding ending) override {
    if (ending == FakeEnding::kClose && accepting_) {
      // The client may know of the handshake's end before this server does.
      close_when_open_ = true;
      return;
    }
    if (ending == FakeEnding::kClose && open_) {
      stream_.async_close(websocket::close_code::going_away,
                          [self = this->shared_from_this()](ErrorCode) { self->Finish(); });
      return;
    }
    if (ending == FakeEnding::kDrop) {
      ErrorCode ignored;
      beast::get_lowest_layer(stream_).socket().set_option(asio::socket_base::linger(true, 0), ignored);
    }
    Finish();
  }

  bool Alive() override {
    if (finished_) return false;
    pollfd one = {.fd = beast::get_lowest_layer(stream_).socket().native_handle(), .events = POLLRDHUP, .revents = 0};
    return poll(&one, 1, 0) == 0 || (one.revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0;
  }

 private:
  struct Script {
    std::shared_ptr<const std::vector<std::string>> frames;
    std::size_t next;
    absl::Duration pace;
    FakeEnding ending;
  };

  void ReadRequest() {
    http::async_read(stream_.next_layer(), buffer_, request_,
                     [self = this->shared_from_this()](ErrorCode error, std::size_t) {
                       if (error) return self->Finish();
                       self->OnRequest();
                     });
  }

  void OnRequest() {
    {
      MutexLock lock(record_.mutex);
      record_.targets.emplace_back(std::string(request_.target()));
    }
    if (behaviour_.handshake == FakeHandshake::kRefuse) {
      refusal_.result(static_cast<unsigned>(behaviour_.refuse_status));
      refusal_.set(http::field::connection, "close");
      if (behaviour_.retry_after_s > 0) refusal_.set(http::field::retry_after, absl::StrCat(behaviour_.retry_after_s));
      refusal_.prepare_payload();
      http::async_write(stream_.next_layer(), refusal_,
                        [self = this->shared_from_this()](ErrorCode, std::size_t) { self->Finish(); });
      return;
    }
    accepting_ = true;
    stream_.async_accept(request_, [self = this->shared_from_this()](ErrorCode error) {
      self->accepting_ = false;
      if (error) return self->Finish();
      self->OnOpen();
    });
  }

  void OnOpen() {
    {
      MutexLock lock(record_.mutex);
      ++record_.opened;
    }
    open_ = true;
    if (close_when_open_) return End(FakeEnding::kClose);
    if (behaviour_.reads) Read();
    if (behaviour_.after_messages == 0) StartScript();
  }

  void StartScript() {
    if (std::exchange(script_started_, true)) return;
    auto frames = std::make_shared<const std::vector<std::string>>(std::move(behaviour_.frames));
    scripts_.push_front({std::move(frames), 0, behaviour_.pace, behaviour_.ending});
    if (!writing_) WriteNext();
  }

  void Read() {
    stream_.async_read(message_, [self = this->shared_from_this()](ErrorCode error, std::size_t) {
      if (error) return self->Finish();
      {
        MutexLock lock(self->record_.mutex);
        self->record_.received.push_back(beast::buffers_to_string(self->message_.cdata()));
      }
      self->message_.consume(self->message_.size());
      if (++self->messages_ >= self->behaviour_.after_messages) self->StartScript();
      self->Read();
    });
  }

  void WriteNext() {
    writing_ = false;
    if (finished_) return;
    while (!scripts_.empty() && scripts_.front().next == scripts_.front().frames->size()) {
      const FakeEnding ending = scripts_.front().ending;
      scripts_.pop_front();
      if (ending != FakeEnding::kStayOpen) return End(ending);
    }
    if (scripts_.empty()) return;
    writing_ = true;
    Script& script = scripts_.front();
    const std::string& frame = (*script.frames)[script.next++];
    stream_.async_write(asio::buffer(frame), [self = this->shared_from_this(), frames = script.frames,
                                              pace = script.pace](ErrorCode error, std::size_t) {
      if (error) return self->Finish();
      {
        MutexLock lock(self->record_.mutex);
        ++self->record_.sent;
      }
      if (pace <= absl::ZeroDuration()) return self->WriteNext();
      self->timer_.expires_after(absl::ToChronoMicroseconds(pace));
      self->timer_.async_wait([self](ErrorCode) { self->WriteNext(); });
    });
  }

  void Finish() {
    if (finished_) return;
    finished_ = true;
    open_ = false;
    timer_.cancel();
    beast::get_lowest_layer(stream_).close();
  }

  WebSocketBehaviour behaviour_;
  Record& record_;
  asio::steady_timer timer_;
  websocket::stream<Stream> stream_;
  beast::flat_buffer buffer_;
  beast::flat_buffer message_;
  http::request<http::string_body> request_;
  http::response<http::string_body> refusal_;
  std::deque<Script> scripts_;
  int messages_ = 0;
  bool script_started_ = false;
  bool accepting_ = false;
  bool close_when_open_ = false;
  bool open_ = false;
  bool writing_ = false;
  bool finished_ = false;
};

}  // namespace

class FakeWebSocketServer::Core {
 public:
  explicit Core(FakeWebSocketServerOptions options)
      : options_(std::move(options)),
        tls_(asio::ssl::context::tls_server),
        acceptor_(io_, Tcp::endpoint(asio::ip::address_v4::loopback(), options_.port)) {
    if (options_.tls) {
      tls_.use_certificate_chain(asio::buffer(options_.tls->certificate));
      tls_.use_private_key(asio::buffer(options_.tls->private_key), asio::ssl::context::pem);
    }
    port_ = acceptor_.local_endpoint().port();
    Accept();
    thread_ = std::thread([this] { io_.run(); });
  }

  ~Core() {
    // Sessions with nothing under way keep no handler, so the loop ends by itself once all sockets are closed.
    asio::post(io_, [this] {
      acceptor_.close();
      for (const auto& session : sessions_) session->End(FakeEnding::kStayOpen);
    });
    thread_.join();
  }

  void SetBehaviour(WebSocketBehaviour behaviour) {
    MutexLock lock(behaviour_mutex_);
    behaviour_ = std::move(behaviour);
  }

  template <typename Action>
  void ForAll(Action action) {
    asio::post(io_, [this, action = std::move(action)] {
      for (const auto& session : sessions_) action(*session);
      CountAlive();
    });
  }

  // Counts what is alive on the server's thread, then reads.
  int Alive() {
    asio::post(io_, [this] { CountAlive(); });
    MutexLock lock(record_.mutex);
    return record_.alive;
  }

  const FakeWebSocketServerOptions& options() const { return options_; }
  const Record& record() const { return record_; }
  std::uint16_t port() const { return port_; }

 private:
  void Accept() {
    acceptor_.async_accept([this](ErrorCode error, Tcp::socket socket) {
      if (error) return;
      Add(std::move(socket));
      Accept();
    });
  }

  void Add(Tcp::socket socket) {
    socket.set_option(Tcp::no_delay(true));
    WebSocketBehaviour behaviour;
    {
      MutexLock lock(behaviour_mutex_);
      behaviour = behaviour_;
    }
    std::shared_ptr<Session> session;
    if (options_.tls) {
      session = std::make_shared<SessionOver<beast::ssl_stream<beast::tcp_stream>>>(
          std::move(socket), std::move(behaviour), options_.permessage_deflate, record_, tls_);
    } else {
      session = std::make_shared<SessionOver<beast::tcp_stream>>(std::move(socket), std::move(behaviour),
                                                                 options_.permessage_deflate, record_);
    }
    sessions_.push_back(session);
    {
      MutexLock lock(record_.mutex);
      ++record_.accepted;
    }
    CountAlive();
    session->Run();
  }

  void CountAlive() {
    sessions_.remove_if([](const std::shared_ptr<Session>& session) {
      if (session->Alive()) return false;
      session->End(FakeEnding::kStayOpen);
      return true;
    });
    MutexLock lock(record_.mutex);
    record_.alive = static_cast<int>(sessions_.size());
    record_.max_alive = std::max(record_.max_alive, record_.alive);
  }

  const FakeWebSocketServerOptions options_;
  Record record_;
  Mutex behaviour_mutex_;
  WebSocketBehaviour behaviour_ TW_GUARDED_BY(behaviour_mutex_);
  asio::io_context io_{1};
  asio::ssl::context tls_;
  Tcp::acceptor acceptor_;
  std::list<std::shared_ptr<Session>> sessions_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

FakeWebSocketServer::FakeWebSocketServer(FakeWebSocketServerOptions options)
    : core_(std::make_unique<Core>(std::move(options))) {}
FakeWebSocketServer::~FakeWebSocketServer() = default;

void FakeWebSocketServer::SetBehaviour(WebSocketBehaviour behaviour) { core_->SetBehaviour(std::move(behaviour)); }

void FakeWebSocketServer::Replay(std::vector<std::string> frames, absl::Duration pace) {
  core_->ForAll([shared = std::make_shared<const std::vector<std::string>>(std::move(frames)), pace](Session& session) {
    session.Replay(shared, pace, FakeEnding::kStayOpen);
  });
}

void FakeWebSocketServer::CloseAll() {
  core_->ForAll([](Session& session) { session.End(FakeEnding::kClose); });
}

void FakeWebSocketServer::DropAll() {
  core_->ForAll([](Session& session) { session.End(FakeEnding::kDrop); });
}

std::uint16_t FakeWebSocketServer::port() const { return core_->port(); }

std::string FakeWebSocketServer::Url(absl::string_view path) const {
  return absl::StrCat(core_->options().tls ? "wss" : "ws", "://127.0.0.1:", core_->port(), path);
}

std::vector<std::string> FakeWebSocketServer::received() const {
  MutexLock lock(core_->record().mutex);
  return core_->record().received;
}

std::vector<std::string> FakeWebSocketServer::targets() const {
  MutexLock lock(core_->record().mutex);
  return core_->record().targets;
}

int FakeWebSocketServer::accepted() const {
  MutexLock lock(core_->record().mutex);
  return core_->record().accepted;
}

int FakeWebSocketServer::alive() const { return core_->Alive(); }

int FakeWebSocketServer::max_alive() const {
  MutexLock lock(core_->record().mutex);
  return core_->record().max_alive;
}

int FakeWebSocketServer::opened() const {
  MutexLock lock(core_->record().mutex);
  return core_->record().opened;
}

std::int64_t FakeWebSocketServer::sent() const {
  MutexLock lock(core_->record().mutex);
  return core_->record().sent;
}

}  // namespace tokenwatch::fakes
