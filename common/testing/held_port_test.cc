#include "common/testing/held_port.h"

#include <cerrno>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/cleanup/cleanup.h"
#include "gtest/gtest.h"

namespace tokenwatch::common {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

// What connecting to the port ends with: 0 or an errno.
int Connect(int port) {
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const absl::Cleanup done = [client] { close(client); };
  const sockaddr_in address = Loopback(port);
  return connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? 0 : errno;
}

TEST(HeldPort, RefusesConnectionsUnlessAServerListensAgainAndAgain) {
  const HeldPort held;
  ASSERT_NE(held.port(), 0);
  for (int run = 0; run < 2; ++run) {
    EXPECT_EQ(Connect(held.port()), ECONNREFUSED);
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const absl::Cleanup done = [server] { close(server); };
    const int on = 1;
    ASSERT_EQ(setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    const sockaddr_in address = Loopback(held.port());
    ASSERT_EQ(bind(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0) << errno;
    ASSERT_EQ(listen(server, 1), 0) << errno;
    EXPECT_EQ(Connect(held.port()), 0);
  }
}

// Who has not said that addresses may be shared cannot have it either.
TEST(HeldPort, IsNotGivenToSomebodyElse) {
  const HeldPort held;
  const int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const absl::Cleanup done = [other] { close(other); };
  const sockaddr_in address = Loopback(held.port());
  EXPECT_NE(bind(other, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
}

}  // namespace
}  // namespace tokenwatch::common
