#include "common/rpc/responder.h"

#include <utility>

#include "common/metrics/bug.h"
#include "common/rpc/status.h"

namespace tokenwatch::common {
namespace {

BugSite unfinished("rpc_unfinished");

}  // namespace

Responder::Responder(Responder&& other) noexcept : reactor_(std::exchange(other.reactor_, nullptr)) {}

Responder& Responder::operator=(Responder&& other) noexcept {
  if (this != &other) {
    Abandon();
    reactor_ = std::exchange(other.reactor_, nullptr);
  }
  return *this;
}

Responder::~Responder() { Abandon(); }

void Responder::Finish(const absl::Status& status) {
  if (grpc::ServerUnaryReactor* reactor = std::exchange(reactor_, nullptr)) reactor->Finish(ToGrpc(status));
}

void Responder::Abandon() {
  if (!pending()) return;
  unfinished.Report("a call was dropped without an answer");
  Finish(absl::InternalError("the server lost this call"));
}

}  // namespace tokenwatch::common
