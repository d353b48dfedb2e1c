// The detector over gRPC.
#pragma once

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "resolver/detector.h"
#include "tokenwatch/detector/v1/detector.grpc.pb.h"

namespace tokenwatch::resolver {

class DetectorClient final : public Detector {
 public:
  explicit DetectorClient(std::shared_ptr<grpc::Channel> channel, absl::Duration timeout = absl::Seconds(5));

  absl::StatusOr<std::vector<ClaimedToken>> Claim(const std::string& claimant, int limit, absl::Duration lease,
                                                  const std::stop_token& stop) override;
  absl::Status Complete(const std::string& claimant, absl::Span<const Completion> completions,
                        const std::stop_token& stop) override;
  absl::Status Follow(uint64_t cursor, const std::function<absl::Status(const TokenLogBatch&)>& handle,
                      const std::stop_token& stop) override;

 private:
  const std::unique_ptr<detector::v1::DetectorService::Stub> stub_;
  const absl::Duration timeout_;
};

}  // namespace tokenwatch::resolver
