#include "pricing/config.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tokenwatch::pricing {
namespace {

using ::testing::HasSubstr;

Config Good() {
  Config config;
  config.dsn = "host=/tmp dbname=platform";
  return config;
}

TEST(PricingConfig, DefaultsAreValidOnceTheDatabaseIsNamed) {
  EXPECT_TRUE(Good().Validate().ok()) << Good().Validate();
  EXPECT_THAT(std::string(Config{}.Validate().message()), HasSubstr("--dsn_file"));
}

TEST(PricingConfig, NobodyNeedsToBeAsked) {
  Config config = Good();
  config.providers.order.clear();
  EXPECT_TRUE(config.Validate().ok()) << config.Validate();
}

TEST(PricingConfig, NamesTheFlagThatIsWrong) {
  const auto message = [](const std::function<void(Config&)>& spoil) {
    Config config = Good();
    spoil(config);
    const absl::Status status = config.Validate();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    return std::string(status.message());
  };
  EXPECT_THAT(message([](Config& c) { c.db_connections = 1; }), HasSubstr("db_connections"));
  EXPECT_THAT(message([](Config& c) { c.detector.clear(); }), HasSubstr("detector"));
  EXPECT_THAT(message([](Config& c) { c.consumer.clear(); }), HasSubstr("consumer"));
  EXPECT_THAT(message([](Config& c) { c.providers.order = {"dexscreener", "nosuch"}; }), HasSubstr("nosuch"));
  EXPECT_THAT(message([](Config& c) { c.providers.order = {"nosuch"}; }), HasSubstr("--providers"));
  EXPECT_THAT(message([](Config& c) { c.providers.order = {"coingecko"}; }), HasSubstr("coingecko_key_file"));
  EXPECT_THAT(message([](Config& c) { c.flush_interval = absl::ZeroDuration(); }), HasSubstr("flush_interval"));
  EXPECT_THAT(message([](Config& c) { c.flush_rows = 0; }), HasSubstr("flush_rows"));
  EXPECT_THAT(message([](Config& c) { c.parted_series = 1; }), HasSubstr("parted_series"));
  EXPECT_THAT(message([](Config& c) { c.row_interval = absl::ZeroDuration(); }), HasSubstr("row_interval"));
  EXPECT_THAT(message([](Config& c) { c.idle = absl::ZeroDuration(); }), HasSubstr("idle"));
  EXPECT_THAT(message([](Config& c) { c.max_hot = 0; }), HasSubstr("max_hot"));
  EXPECT_THAT(message([](Config& c) { c.max_hot_bytes = 0; }), HasSubstr("max_hot_bytes"));
  EXPECT_THAT(message([](Config& c) { c.max_dirty = 0; }), HasSubstr("max_dirty"));
  EXPECT_THAT(message([](Config& c) { c.persist_trades = 0; }), HasSubstr("persist_trades"));
  EXPECT_THAT(message([](Config& c) { c.persist_usd = 0; }), HasSubstr("persist_usd"));
  EXPECT_THAT(message([](Config& c) { c.stale_after = absl::ZeroDuration(); }), HasSubstr("stale_after"));
  EXPECT_THAT(message([](Config& c) { c.reference_interval = absl::ZeroDuration(); }), HasSubstr("reference_interval"));
  EXPECT_THAT(message([](Config& c) { c.reference_max_age = absl::ZeroDuration(); }), HasSubstr("reference_max_age"));
  EXPECT_THAT(message([](Config& c) { c.max_streams = 0; }), HasSubstr("max_streams"));
  EXPECT_THAT(message([](Config& c) { c.stream_stall = absl::ZeroDuration(); }), HasSubstr("stream_stall"));
}

TEST(PricingConfig, ReachesTheFold) {
  Config config = Good();
  config.persist_trades = 3;
  config.persist_usd = 5;
  config.row_interval = absl::Minutes(7);
  config.idle = absl::Minutes(9);
  config.max_hot = 11;
  config.max_hot_bytes = 2 << 20;
  config.max_dirty = 13;
  const FoldOptions options = config.Fold();
  EXPECT_EQ(options.persist_trades, 3u);
  EXPECT_EQ(options.persist_usd, 5);
  EXPECT_EQ(options.row_interval, absl::Minutes(7));
  EXPECT_EQ(options.idle, absl::Minutes(9));
  EXPECT_EQ(options.max_hot, 11u);
  EXPECT_EQ(options.max_bytes, size_t{2} << 20);
  EXPECT_EQ(options.max_dirty, 13u);
}

}  // namespace
}  // namespace tokenwatch::pricing
