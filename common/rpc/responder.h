// The duty to answer one unary call, as an object: whoever holds it answers, and it cannot be lost.
//
// A call that is never finished keeps grpc::Server::Shutdown waiting for ever.
#pragma once

#include "absl/status/status.h"
#include "grpcpp/support/server_callback.h"

namespace tokenwatch::common {

// Move-only. Used by one thread at a time.
class Responder {
 public:
  // `reactor` is what the handler returns to gRPC (context->DefaultReactor()).
  explicit Responder(grpc::ServerUnaryReactor* reactor) : reactor_(reactor) {}
  Responder(Responder&& other) noexcept;
  Responder& operator=(Responder&& other) noexcept;
  // Answers INTERNAL and counts a bug (site "rpc_unfinished") when nobody has answered.
  ~Responder();

  // Answers; after this neither request, response nor context may be touched. Later calls do nothing.
  void Finish(const absl::Status& status);

  // Whether the answer is still owed by this object.
  bool pending() const { return reactor_ != nullptr; }

 private:
  void Abandon();
  grpc::ServerUnaryReactor* reactor_;
};

}  // namespace tokenwatch::common
