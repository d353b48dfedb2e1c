// The detector over gRPC.
#pragma once

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "common/time/clock.h"
#include "grpcpp/channel.h"
#include "pricing/detector.h"
#include "tokenwatch/detector/v1/detector.grpc.pb.h"

namespace tokenwatch::pricing {

class DetectorClient final : public Detector {
 public:
  explicit DetectorClient(std::shared_ptr<grpc::Channel> channel,
                          common::Clock& clock = common::SystemClock::Instance());

  // Two threads share the work: one receives and decodes a message while the caller's handles the one before.
  absl::Status Tail(uint64_t cursor, const std::function<absl::Status(TradeBatch&&)>& handle,
                    const std::stop_token& stop) override;
  absl::StatusOr<std::vector<Trade>> GetTrades(absl::Span<const uint64_t> cursors, absl::Time deadline) override;
  absl::StatusOr<std::vector<Trade>> ReadTrades(const chain::TokenRef& token, uint64_t first, uint64_t last, int limit,
                                                absl::Time deadline) override;
  absl::StatusOr<std::vector<TokenDecimals>> GetDecimals(absl::Span<const chain::TokenRef> tokens,
                                                         absl::Time deadline) override;
  absl::StatusOr<std::vector<chain::TokenRef>> SeenSince(absl::Span<const chain::TokenRef> tokens, absl::Time since,
                                                         absl::Time deadline) override;
  absl::StatusOr<uint64_t> Head(absl::Time deadline) override;
  absl::Status Acknowledge(const std::string& consumer, uint64_t cursor, absl::Time deadline) override;

 private:
  class TradeStream;

  // A unary call that may be repeated, until `deadline`.
  template <typename Call>
  absl::Status CallUntil(absl::Time deadline, const Call& call);
  // Hands those of the tokens that the registry has to `visit`, as its API tells them.
  template <typename Visit>
  absl::Status LookUp(absl::Span<const chain::TokenRef> tokens, absl::Time deadline, const Visit& visit);

  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<detector::v1::DetectorService::Stub> stub_;
  common::Clock& clock_;
};

}  // namespace tokenwatch::pricing
