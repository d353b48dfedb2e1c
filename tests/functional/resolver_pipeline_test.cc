// Detector and resolver together: a nameless token gets its name from upstream, once, within the upstream's limits.
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "chain/base58.h"
#include "chain/solana/pubkey.h"
#include "common/testing/wait_for.h"
#include "tests/fakes/fake_dexscreener.h"
#include "tests/functional/harness.h"
#include "tests/functional/streams.h"

namespace tokenwatch::functional {
namespace {

// What the provider takes in one call.
constexpr int kProviderBatch = 30;

// A mint of its own for each number.
std::string Mint(int number) {
  chain::Pubkey key{};
  key.bytes[0] = 1;
  key.bytes[30] = static_cast<uint8_t>(number >> 8);
  key.bytes[31] = static_cast<uint8_t>(number);
  char text[chain::kMaxBase58Size32];
  return std::string(text, chain::EncodeBase58(key.bytes, text));
}

class ResolverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(platform_.ok());
    detector_ = platform_.StartDetector();
    ASSERT_NE(detector_, nullptr);
    stub_ = StubFor(*detector_);
  }

  std::unique_ptr<Service> StartResolver(std::vector<std::string> more = {}) {
    std::vector<std::string> flags = {"--dsn=" + platform_.cluster().Dsn("platform", "resolver"),
                                      "--detector=" + detector_->address(),
                                      "--sources=dexscreener",
                                      "--dexscreener_url=" + names_.Url(),
                                      "--dexscreener_budget_per_minute=6000",
                                      "--drain_grace=0s",
                                      "--poll_interval=200ms"};
    for (std::string& flag : more) flags.push_back(std::move(flag));
    auto service = platform_.Launch("tokenwatch-resolver", std::move(flags));
    if (service == nullptr || !platform_.AwaitReady(*service)) return nullptr;
    return service;
  }

  // Launches without a name, numbered from `first`.
  void Report(int first, int count) {
    pb::ReportTokensRequest request;
    request.set_feeder("test");
    for (int i = first; i < first + count; ++i) {
      pb::LaunchReport& launch = *request.add_launches();
      launch.mutable_token()->set_chain("solana");
      launch.mutable_token()->set_address(Mint(i));
      launch.set_venue("pump");
      launch.set_transaction(
          "2nBhEBYYvfaAe16UMNqRHre4YNSskvuYgx3M6E4JP1oDYvZEJHvoPzyUidNgNX5r9sTyN1J9UxtbCXy2rqYcuyuv");
      launch.mutable_event_time()->set_seconds(1'783'165'101 + i);
    }
    EXPECT_EQ(Call(*stub_, &pb::DetectorService::Stub::ReportTokens, request).accepted(), count);
  }
  void KnowNames(int first, int count) {
    for (int i = first; i < first + count; ++i) {
      names_.AddPair("solana", {.base = {Mint(i), absl::StrCat("Name ", i), absl::StrCat("N", i)}});
    }
  }
  bool AwaitNamed(int count, absl::Duration limit = absl::Seconds(30)) {
    return common::WaitFor([&] { return platform_.Count("SELECT count(*) FROM detector.detected_tokens") >= count; },
                           limit);
  }
  int64_t NamedTwice() {
    return platform_.Count(
        "SELECT count(*) FROM (SELECT FROM detector.token_events WHERE kind = 'named' GROUP BY chain, address HAVING "
        "count(*) > 1) twice");
  }

  // Before the platform, whose destructor ends who asks it.
  fakes::FakeDexScreener names_;
  Platform platform_;
  std::unique_ptr<Service> detector_;
  DetectorStub stub_;
};

TEST_F(ResolverTest, ANamelessLaunchIsNamedWithItsSource) {
  KnowNames(1, 1);
  const auto resolver = StartResolver();
  ASSERT_NE(resolver, nullptr);
  Report(1, 1);
  ASSERT_TRUE(AwaitNamed(1)) << resolver->Log();
  EXPECT_EQ(platform_.Value("SELECT name || ' ' || symbol || ' ' || name_source FROM detector.detected_tokens"),
            "Name 1 N1 dexscreener");
  EXPECT_EQ(platform_.Count("SELECT count(*) FROM detector.pending_tokens"), 0);
  EXPECT_TRUE(common::WaitFor([&] {
    return platform_.Value(
               "SELECT string_agg(state || ' ' || name || ' ' || reported, ',') FROM "
               "resolver.resolutions") == "resolved Name 1 true";
  }));
}

TEST_F(ResolverTest, AThousandTokensCostNoMoreCallsThanTheProvidersBatchesAllow) {
  KnowNames(0, 1000);
  Report(0, 1000);
  const auto resolver = StartResolver();
  ASSERT_NE(resolver, nullptr);
  ASSERT_TRUE(AwaitNamed(1000)) << resolver->Log();
  EXPECT_LE(names_.calls(), (1000 + kProviderBatch - 1) / kProviderBatch);
  EXPECT_EQ(NamedTwice(), 0);
}

TEST_F(ResolverTest, TwoReplicasShareTheWorkAndNeitherDoesItTwice) {
  KnowNames(0, 600);
  names_.SetDelay(absl::Milliseconds(50));
  const auto one = StartResolver();
  const auto two = StartResolver();
  ASSERT_NE(one, nullptr);
  ASSERT_NE(two, nullptr);
  for (int i = 0; i < 600; i += 50) Report(i, 50);
  ASSERT_TRUE(AwaitNamed(600)) << one->Log() << two->Log();
  EXPECT_EQ(NamedTwice(), 0);
  EXPECT_EQ(names_.addresses_asked(), 600) << "a token was asked for twice";
}

TEST_F(ResolverTest, AKilledReplicasTokensAreTakenOver) {
  KnowNames(0, 100);
  // The first asks an upstream that never answers in time.
  names_.SetDelay(absl::Seconds(2));
  auto one = StartResolver({"--lease=2s"});
  ASSERT_NE(one, nullptr);
  Report(0, 100);
  ASSERT_TRUE(common::WaitFor([&] { return names_.server().Count("/tokens/v1") > 0; }));
  one->Kill();
  names_.SetDelay(absl::ZeroDuration());
  const auto two = StartResolver({"--lease=2s"});
  ASSERT_NE(two, nullptr);
  EXPECT_TRUE(AwaitNamed(100)) << two->Log();
  EXPECT_EQ(NamedTwice(), 0);
}

TEST_F(ResolverTest, TheProvidersLimitIsObeyedAndAllAreNamedAfterIt) {
  KnowNames(0, 150);
  names_.SetRateLimit(2, absl::Seconds(2));
  Report(0, 150);
  const auto resolver = StartResolver({"--retry_initial=100ms"});
  ASSERT_NE(resolver, nullptr);
  ASSERT_TRUE(AwaitNamed(150, absl::Seconds(60))) << resolver->Log();
  // The provider must say no once to be known; what it says is believed then.
  EXPECT_LE(names_.over_limit(), 8) << "calls within the limit: " << names_.calls();
  EXPECT_EQ(NamedTwice(), 0);
}

TEST_F(ResolverTest, WithoutDetectorItWaitsAndGoesOn) {
  KnowNames(1, 1);
  const auto resolver = StartResolver();
  ASSERT_NE(resolver, nullptr);
  EXPECT_EQ(resolver->Terminate(), 0) << resolver->Log();
  // Started before its peer: not ready, and it says why; no order of starting is asked for.
  const auto early = platform_.Launch(
      "tokenwatch-resolver", {"--dsn=" + platform_.cluster().Dsn("platform", "resolver"), "--detector=127.0.0.1:1",
                              "--sources=dexscreener", "--dexscreener_url=" + names_.Url(), "--drain_grace=0s"});
  ASSERT_NE(early, nullptr);
  ASSERT_TRUE(common::WaitFor([&] { return early->FindPorts() && !early->Http("/readyz").empty(); }));
  EXPECT_TRUE(early->process().running());
  EXPECT_EQ(early->Terminate(), 0) << early->Log();
}

}  // namespace
}  // namespace tokenwatch::functional
