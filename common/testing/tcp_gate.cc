#include "common/testing/tcp_gate.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/status/status.h"
#include "absl/time/clock.h"

namespace tokenwatch::common {
namespace {

constexpr size_t kChunkBytes = size_t{16} << 10;
// A gate that holds bytes back must still push back on the sender.
constexpr size_t kQueueBytes = size_t{256} << 10;
constexpr int kTickMs = 1;

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Closes with a reset, so that the peer notices at once.
void Reset(int socket) {
  const linger at_once{1, 0};
  setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close(socket);
}

void Prepare(int socket) {
  const int yes = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
}

bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

absl::StatusOr<std::unique_ptr<TcpGate>> TcpGate::Start(int target_port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  if (listener < 0 || wake < 0 || bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener, SOMAXCONN) != 0 || getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    if (listener >= 0) close(listener);
    if (wake >= 0) close(wake);
    return absl::UnavailableError("the gate cannot listen on loopback");
  }
  return std::unique_ptr<TcpGate>(new TcpGate(listener, wake, ntohs(address.sin_port), target_port));
}

TcpGate::TcpGate(int listener, int wake, int port, int target_port)
    : listener_(listener), wake_(wake), port_(port), target_port_(target_port), thread_([this] { Run(); }) {}

TcpGate::~TcpGate() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  eventfd_write(wake_, 1);
  thread_.join();
  {
    MutexLock lock(mutex_);
    CloseLinks();
  }
  close(listener_);
  close(wake_);
}

void TcpGate::Command(const Mode& mode) {
  {
    MutexLock lock(mutex_);
    mode_ = mode;
  }
  eventfd_write(wake_, 1);
}

void TcpGate::CloseAll() {
  MutexLock lock(mutex_);
  CloseLinks();
}

void TcpGate::Refuse() {
  {
    MutexLock lock(mutex_);
    mode_ = Mode{.refuse = true};
    CloseLinks();
  }
  eventfd_write(wake_, 1);
}

int TcpGate::open_connections() {
  MutexLock lock(mutex_);
  return static_cast<int>(links_.size());
}

int64_t TcpGate::bytes_passed() {
  MutexLock lock(mutex_);
  return bytes_passed_;
}

void TcpGate::CloseLinks() {
  for (const Link& link : links_) {
    Reset(link.client);
    Reset(link.server);
  }
  links_.clear();
}

void TcpGate::Run() {
  std::vector<pollfd> polled;
  for (;;) {
    bool held = false;
    polled.assign({{listener_, POLLIN, 0}, {wake_, POLLIN, 0}});
    {
      MutexLock lock(mutex_);
      if (stopping_) return;
      for (const Link& link : links_) {
        const auto wanted = [this](const Flow& in, const Flow& out) TW_REQUIRES(mutex_) {
          short events = 0;
          if (mode_.stall) return events;
          if (!in.source_ended && in.queued_bytes < kQueueBytes) events |= POLLIN;
          const bool paced = mode_.delay > absl::ZeroDuration() || mode_.bytes_per_second > 0;
          if (!out.queue.empty() && !paced) events |= POLLOUT;
          return events;
        };
        polled.push_back({link.client, wanted(link.up, link.down), 0});
        polled.push_back({link.server, wanted(link.down, link.up), 0});
        held = held || (!mode_.stall && (!link.up.queue.empty() || !link.down.queue.empty()));
      }
    }
    // What is due later comes with the clock and not with an event. A stalled socket that was reset would be reported
    // again and again: it is only looked at each tick.
    if (poll(polled.data(), polled.size(), held ? kTickMs : 1000) < 0 && errno != EINTR) return;

    MutexLock lock(mutex_);
    eventfd_t ignored;
    eventfd_read(wake_, &ignored);
    Accept();
    for (Link& link : links_) {
      if (mode_.stall) break;
      Fill(link, link.up, link.client);
      Fill(link, link.down, link.server);
      Drain(link, link.up, link.server);
      Drain(link, link.down, link.client);
    }
    links_.remove_if([](const Link& link) {
      const bool over = link.dead || (link.up.source_ended && link.up.queue.empty() && link.down.source_ended &&
                                      link.down.queue.empty());
      if (over) {
        Reset(link.client);
        Reset(link.server);
      }
      return over;
    });
    if (mode_.cut_after_bytes == 0) {
      CloseLinks();
      mode_ = Mode{};
    }
  }
}

void TcpGate::Accept() {
  for (;;) {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    if (mode_.refuse) {
      Reset(client);
      continue;
    }
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = Loopback(target_port_);
    // On loopback this succeeds or fails at once.
    if (server < 0 || connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      Reset(client);
      if (server >= 0) close(server);
      continue;
    }
    Prepare(client);
    Prepare(server);
    links_.push_back(Link{.client = client, .server = server, .up = {}, .down = {}});
  }
}

void TcpGate::Fill(Link& link, Flow& flow, int from) {
  std::array<char, kChunkBytes> buffer;
  while (!link.dead && !flow.source_ended && flow.queued_bytes < kQueueBytes) {
    const ssize_t got = recv(from, buffer.data(), buffer.size(), 0);
    if (got < 0) {
      if (!WouldBlock()) link.dead = true;
      return;
    }
    if (got == 0) {
      flow.source_ended = true;
      return;
    }
    flow.queue.push_back({absl::Now() + mode_.delay, std::string(buffer.data(), static_cast<size_t>(got))});
    flow.queued_bytes += static_cast<size_t>(got);
  }
}

void TcpGate::Drain(Link& link, Flow& flow, int to) {
  while (!link.dead && !flow.queue.empty() && mode_.cut_after_bytes != 0) {
    Chunk& chunk = flow.queue.front();
    const absl::Time now = absl::Now();
    if (chunk.due > now) return;
    size_t size = chunk.bytes.size();
    if (mode_.bytes_per_second > 0) {
      if (flow.next_at > now) return;
      // As much as ten ticks allow, so that coarse wake-ups do not lower the rate.
      size = std::min<size_t>(size, std::max<int64_t>(1, mode_.bytes_per_second * 10 * kTickMs / 1000));
    }
    if (mode_.cut_after_bytes > 0) size = std::min<size_t>(size, static_cast<size_t>(mode_.cut_after_bytes));
    const ssize_t sent = send(to, chunk.bytes.data(), size, MSG_NOSIGNAL);
    if (sent < 0) {
      if (!WouldBlock()) link.dead = true;
      return;
    }
    bytes_passed_ += sent;
    if (mode_.cut_after_bytes > 0) mode_.cut_after_bytes -= sent;
    if (mode_.bytes_per_second > 0) {
      flow.next_at = std::max(flow.next_at, now) + absl::Seconds(sent) / mode_.bytes_per_second;
    }
    flow.queued_bytes -= static_cast<size_t>(sent);
    chunk.bytes.erase(0, static_cast<size_t>(sent));
    if (chunk.bytes.empty()) flow.queue.pop_front();
  }
  // The end of the one side is passed on once all its bytes are.
  if (flow.source_ended && flow.queue.empty()) shutdown(to, SHUT_WR);
}

}  // namespace tokenwatch::common
