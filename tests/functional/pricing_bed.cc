#include "tests/functional/pricing_bed.h"

#include <utility>

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/testing/wait_for.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

namespace tokenwatch::functional {

PricingBed::PricingBed(const Session& session) {
  if (!platform_.ok()) return;
  const std::string recording = WriteRecording(platform_.dir() / "session.jsonl", session.lines);
  platform_.Replay(recording);
  StartDetector();
}

bool PricingBed::StartDetector(std::vector<std::string> flags) {
  detector_.reset();
  flags.push_back(absl::StrCat("--listen=127.0.0.1:", detector_port_.port()));
  detector_ = platform_.StartDetector(std::move(flags));
  return detector_ != nullptr;
}

std::unique_ptr<Service> PricingBed::Launch(std::vector<std::string> flags, absl::string_view database,
                                            const std::string& detector) {
  std::vector<std::string> all = {absl::StrCat("--dsn=", platform_.cluster().Dsn(database, "pricing")),
                                  absl::StrCat("--detector=", detector.empty() ? detector_->address() : detector),
                                  "--providers=", "--drain_grace=0s"};
  for (std::string& flag : flags) all.push_back(std::move(flag));
  return platform_.Launch("tokenwatch-pricing", std::move(all));
}

std::unique_ptr<Service> PricingBed::Start(std::vector<std::string> flags, absl::string_view database,
                                           const std::string& detector) {
  std::unique_ptr<Service> pricing = Launch(std::move(flags), database, detector);
  if (pricing == nullptr || !platform_.AwaitReady(*pricing)) return nullptr;
  return pricing;
}

bool PricingBed::AwaitFolded(Service& pricing, absl::Duration limit) {
  const auto head = static_cast<uint64_t>(platform_.Count("SELECT trade_cursor FROM detector.log_heads"));
  const PricingStub stub = PricingStubFor(pricing);
  const bool folded = common::WaitFor(
      [&] {
        grpc::Status status;
        const auto response =
            CallPricing(*stub, &pricing_pb::PricingService::Stub::GetStatus, pricing_pb::GetStatusRequest(), &status);
        return status.ok() && response.cursor() >= head;
      },
      limit);
  EXPECT_TRUE(folded) << "the log was not folded to " << head << "\n" << pricing.Log();
  return folded;
}

void PricingBed::FoldAll(absl::string_view database, std::vector<std::string> flags) {
  const std::unique_ptr<Service> pricing = Start(std::move(flags), database);
  ASSERT_NE(pricing, nullptr);
  ASSERT_TRUE(AwaitFolded(*pricing));
  EXPECT_EQ(pricing->Terminate(absl::Seconds(60)), 0) << pricing->Log();
}

Tables PricingBed::Outcome(absl::string_view database) {
  const Tables all = DumpTables(platform_.cluster(), database, "pricing");
  Tables outcome;
  for (const char* table : {"token_prices", "candles"}) {
    const auto found = all.find(table);
    if (found != all.end()) outcome.insert(*found);
  }
  outcome["checkpoints"] = {
      platform_.Value("SELECT concat_ws(' ', cursor, redo_cursor, newest_event) FROM pricing.checkpoints", database)};
  return outcome;
}

PricingStub PricingStubFor(const Service& service) {
  return pricing_pb::PricingService::NewStub(
      grpc::CreateChannel(service.address(), grpc::InsecureChannelCredentials()));
}

}  // namespace tokenwatch::functional
