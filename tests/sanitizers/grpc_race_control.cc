// Control of ./dev tsan: two handlers that gRPC runs at once write one integer without a lock. ThreadSanitizer must
// report it although it is told how gRPC's own threads are ordered (foreign_sync.cc).
#include <atomic>
#include <cstdio>
#include <functional>
#include <latch>
#include <thread>

#include "common/rpc/echo_server_for_test.h"

namespace {

using tokenwatch::common::EchoRequest;
using tokenwatch::common::EchoResponse;
using tokenwatch::common::EchoServerForTest;

}  // namespace

int main() {
  int value = 0;
  // Relaxed: that both are there orders nothing.
  std::atomic<int> arrived = 0;
  EchoServerForTest server([&](grpc::CallbackServerContext* context, const EchoRequest*, EchoResponse*) {
    arrived.fetch_add(1, std::memory_order_relaxed);
    while (arrived.load(std::memory_order_relaxed) < 2) std::this_thread::yield();
    for (int i = 0; i < 100000; ++i) value += i;
    auto* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  });
  std::latch done(2);
  grpc::ClientContext contexts[2];
  EchoRequest request;
  EchoResponse responses[2];
  for (int call = 0; call < 2; ++call) {
    server.stub().async()->Echo(&contexts[call], &request, &responses[call],
                                [&done](const grpc::Status&) { done.count_down(); });
  }
  done.wait();
  std::printf("%d\n", value);
  return 0;
}
