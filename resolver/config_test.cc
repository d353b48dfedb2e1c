#include "resolver/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tokenwatch::resolver {
namespace {

using ::testing::HasSubstr;

Config Good() {
  Config config;
  config.dsn = "host=/tmp dbname=platform";
  config.claimant = "a";
  return config;
}

TEST(Config, DefaultsAreValidOnceTheDatabaseIsNamed) {
  EXPECT_TRUE(Good().Validate().ok()) << Good().Validate();
  EXPECT_THAT(std::string(Config{}.Validate().message()), HasSubstr("--dsn"));
}

TEST(Config, NamesTheFlagThatIsWrong) {
  const auto message = [](const std::function<void(Config&)>& spoil) {
    Config config = Good();
    spoil(config);
    return std::string(config.Validate().message());
  };
  EXPECT_THAT(message([](Config& c) { c.sources = {"onchain", "oracle"}; }), HasSubstr("sources"));
  EXPECT_THAT(message([](Config& c) { c.sources = {"uri", "uri"}; }), HasSubstr("twice"));
  EXPECT_THAT(message([](Config& c) { c.sources = {}; }), HasSubstr("--sources"));
  EXPECT_THAT(message([](Config& c) { c.solana_rpc_url = "ftp://x"; }), HasSubstr("solana_rpc_url"));
  EXPECT_THAT(message([](Config& c) { c.lease = absl::Milliseconds(5); }), HasSubstr("lease"));
  EXPECT_THAT(message([](Config& c) { c.linger_max = absl::ZeroDuration(); }), HasSubstr("linger_max"));
  EXPECT_THAT(message([](Config& c) { c.max_attempts = 0; }), HasSubstr("max_attempts"));
}

}  // namespace
}  // namespace tokenwatch::resolver
