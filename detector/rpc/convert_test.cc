#include "detector/rpc/convert.h"

#include <functional>

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "detector/samples_for_test.h"

namespace tokenwatch::detector {
namespace {

template <typename T>
void ExpectBad(const absl::StatusOr<T>& result, absl::string_view field) {
  EXPECT_TRUE(absl::IsInvalidArgument(result.status())) << field;
  EXPECT_TRUE(absl::StartsWith(result.status().message(), absl::StrCat(field, ":"))) << result.status();
}

// A value of each message that is taken, and changes to it that are not.
template <typename Message>
struct BadCase {
  const char* field;
  std::function<void(Message&)> change;
};

void SetTime(google::protobuf::Timestamp* time) { *time = ToTimestamp(SampleTime(1) + absl::Microseconds(5)); }

pb::LaunchReport GoodLaunch() {
  pb::LaunchReport report;
  report.mutable_token()->set_chain("solana");
  report.mutable_token()->set_address(std::string(SampleAddress(1).text()));
  report.set_name("Pepe");
  report.set_transaction(std::string(SampleTransaction(1).text()));
  SetTime(report.mutable_event_time());
  return report;
}

TEST(ConvertTest, AnErrorInATokenRefNamesItsFieldOnce) {
  ::tokenwatch::common::v1::TokenRef ref;
  ref.set_chain("solana");
  ref.set_address("0x12");
  ExpectBad(FromProto(ref, ""), "address");
  ExpectBad(FromProto(ref, "token"), "token.address");
  EXPECT_FALSE(absl::StrContains(FromProto(ref, "token").status().message(), ": address:"));
  ref.set_chain("sol");
  ExpectBad(FromProto(ref, ""), "chain");
}

TEST(ConvertTest, LaunchReports) {
  pb::LaunchReport report = GoodLaunch();
  report.set_symbol("PEPE");
  report.set_creator(std::string(SampleAddress(2).text()));
  report.set_venue("pump");
  report.set_slot(9);
  report.set_decimals(255);
  const auto launch = FromProto(report);
  ASSERT_TRUE(launch.ok()) << launch.status();
  EXPECT_EQ(launch->ref, SampleToken(1));
  EXPECT_EQ(launch->name, "Pepe");
  EXPECT_EQ(launch->creator, SampleAddress(2));
  EXPECT_EQ(launch->venue.text(), "pump");
  EXPECT_EQ(launch->slot, 9u);
  EXPECT_EQ(launch->decimals, 255);
  EXPECT_EQ(launch->transaction, SampleTransaction(1));
  EXPECT_EQ(launch->event_time, SampleTime(1) + absl::Microseconds(5));
  EXPECT_TRUE(launch->pool.empty());
  EXPECT_EQ(FromProto(GoodLaunch())->decimals, std::nullopt);

  using Case = BadCase<pb::LaunchReport>;
  for (const Case& bad : {
           Case{"token.chain", [](auto& r) { r.mutable_token()->set_chain("sol"); }},
           Case{"token.address", [](auto& r) { r.mutable_token()->set_address("0x12"); }},
           Case{"token.chain", [](auto& r) { r.clear_token(); }},
           Case{"name", [](auto& r) { r.set_name(std::string(1025, 'x')); }},
           Case{"symbol", [](auto& r) { r.set_symbol(std::string(1025, 'x')); }},
           Case{"uri", [](auto& r) { r.set_uri(std::string(1025, 'x')); }},
           Case{"creator", [](auto& r) { r.set_creator(kEvmAddress); }},
           Case{"venue", [](auto& r) { r.set_venue("Pump Fun"); }},
           Case{"pool", [](auto& r) { r.set_pool("x"); }},
           Case{"quote_address", [](auto& r) { r.set_quote_address("x"); }},
           Case{"transaction", [](auto& r) { r.set_transaction(""); }},
           Case{"transaction", [](auto& r) { r.set_transaction(kEvmTransaction); }},
           Case{"slot", [](auto& r) { r.set_slot(uint64_t{1} << 63); }},
           Case{"event_time", [](auto& r) { r.clear_event_time(); }},
           Case{"event_time", [](auto& r) { r.mutable_event_time()->set_seconds(0); }},
           Case{"event_time", [](auto& r) { r.mutable_event_time()->set_seconds(5'000'000'000); }},
           Case{"decimals", [](auto& r) { r.set_decimals(256); }},
       }) {
    pb::LaunchReport changed = GoodLaunch();
    bad.change(changed);
    ExpectBad(FromProto(changed), bad.field);
  }
}

Trade Full() {
  const chain::Amount largest = *chain::Amount::Parse(kLargestAmount);
  Trade trade = SampleTrade(1, 0x7fffffff);
  trade.side = Side::kSell;
  trade.token_amount = largest;
  trade.reserves = Reserves{largest, 0, 1, 2};
  trade.fees = Fees{3, 0};
  trade.event_time += absl::Microseconds(7);
  trade.is_mayhem = true;
  return trade;
}

TEST(ConvertTest, TradesComeBack) {
  Trade evm = SampleTrade(1, 0);
  evm.chain = chain::Chain::kBsc;
  evm.transaction = *chain::TransactionId::ParseEvm(kEvmTransaction);
  evm.token = evm.trader = *chain::Address::ParseEvm(kEvmAddress);
  evm.quote = chain::Address();
  for (const Trade& trade : {Full(), SampleTrade(2, 0), WithoutIndex(SampleTrade(3, 0)), evm}) {
    pb::Trade out;
    ToProto(trade, &out);
    const auto back = FromProto(out, Word("feeder"));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_TRUE(back->loose_time) << "another feeder's clock is not known to be the chain's";
    EXPECT_EQ(back->feed.text(), "feeder");
    pb::Trade again;
    ToProto(*back, &again);
    out.set_feed("feeder");
    EXPECT_EQ(again.SerializeAsString(), out.SerializeAsString());
  }
}

TEST(ConvertTest, BadTradesNameTheirField) {
  using Case = BadCase<pb::Trade>;
  for (const Case& bad : {
           Case{"chain", [](auto& t) { t.set_chain("dogechain"); }},
           Case{"transaction", [](auto& t) { t.set_transaction("x"); }},
           Case{"event_index", [](auto& t) { t.set_event_index(0x80000000); }},
           Case{"token", [](auto& t) { t.set_token(""); }},
           Case{"trader", [](auto& t) { t.set_trader(kEvmAddress); }},
           Case{"side", [](auto& t) { t.set_side(pb::TRADE_SIDE_UNSPECIFIED); }},
           Case{"side", [](auto& t) { t.set_side(static_cast<pb::TradeSide>(7)); }},
           Case{"venue", [](auto& t) { t.set_venue(""); }},
           Case{"quote_address", [](auto& t) { t.set_quote_address("!"); }},
           Case{"token_amount", [](auto& t) { t.set_token_amount(""); }},
           Case{"token_amount", [](auto& t) { t.set_token_amount(absl::StrCat("1", kLargestAmount)); }},
           Case{"quote_amount", [](auto& t) { t.set_quote_amount("-1"); }},
           Case{"virtual_token_reserve", [](auto& t) { t.set_virtual_token_reserve("1.5"); }},
           Case{"virtual_quote_reserve", [](auto& t) { t.set_virtual_quote_reserve(""); }},
           Case{"real_token_reserve", [](auto& t) { t.set_real_token_reserve(""); }},
           Case{"real_quote_reserve", [](auto& t) { t.set_real_quote_reserve("1e5"); }},
           Case{"protocol_fee", [](auto& t) { t.set_protocol_fee("x"); }},
           Case{"creator_fee", [](auto& t) { t.set_creator_fee(""); }},
           Case{"slot", [](auto& t) { t.set_slot(uint64_t{1} << 63); }},
           Case{"event_time", [](auto& t) { t.clear_event_time(); }},
       }) {
    pb::Trade changed;
    ToProto(Full(), &changed);
    bad.change(changed);
    ExpectBad(FromProto(changed, Word("feeder")), bad.field);
  }
}

TEST(ConvertTest, Filters) {
  pb::TradeFilter trades;
  trades.add_chains("solana");
  trades.add_tokens(std::string(SampleAddress(1).text()));
  trades.add_traders(kEvmAddress);
  trades.add_venues("pump");
  trades.set_side(pb::TRADE_SIDE_SELL);
  const auto filter = FromProto(trades);
  ASSERT_TRUE(filter.ok()) << filter.status();
  EXPECT_EQ(filter->tokens.at(0), SampleAddress(1));
  EXPECT_EQ(filter->side, Side::kSell);
  EXPECT_TRUE(FromProto(pb::TradeFilter())->empty());

  using TradeCase = BadCase<pb::TradeFilter>;
  for (const TradeCase& bad : {
           TradeCase{"filter.chains", [](auto& f) { f.add_chains(""); }},
           TradeCase{"filter.tokens", [](auto& f) { f.add_tokens("x"); }},
           TradeCase{"filter.traders", [](auto& f) { f.add_traders("x"); }},
           TradeCase{"filter.venues", [](auto& f) { f.add_venues("A"); }},
           TradeCase{"filter.side", [](auto& f) { f.set_side(static_cast<pb::TradeSide>(9)); }},
           TradeCase{"filter.tokens",
                     [](auto& f) {
                       for (int i = 0; i <= 1000; ++i) f.add_tokens(kEvmAddress);
                     }},
       }) {
    pb::TradeFilter changed;
    bad.change(changed);
    ExpectBad(FromProto(changed), bad.field);
  }
  using TokenCase = BadCase<pb::TokenFilter>;
  for (const TokenCase& bad : {
           TokenCase{"filter.chains", [](auto& f) { f.add_chains("x"); }},
           TokenCase{"filter.creators", [](auto& f) { f.add_creators("x"); }},
           TokenCase{"filter.venues", [](auto& f) { f.add_venues("A"); }},
           TokenCase{"filter.kinds", [](auto& f) { f.add_kinds(pb::TOKEN_EVENT_KIND_UNSPECIFIED); }},
           TokenCase{"filter.kinds", [](auto& f) { f.add_kinds(static_cast<pb::TokenEventKind>(99)); }},
           TokenCase{"filter.states", [](auto& f) { f.add_states(static_cast<pb::TokenState>(99)); }},
       }) {
    pb::TokenFilter changed;
    bad.change(changed);
    ExpectBad(FromProto(changed), bad.field);
  }
}

TEST(ConvertTest, FiltersMatchByAllTheirLists) {
  TradeFilter filter;
  filter.tokens = {SampleAddress(1), SampleAddress(2)};
  filter.side = Side::kBuy;
  EXPECT_TRUE(filter.Matches(SampleTrade(1, 0, 2)));
  EXPECT_FALSE(filter.Matches(SampleTrade(1, 0, 3)));
  Trade sold = SampleTrade(1, 0, 2);
  sold.side = Side::kSell;
  EXPECT_FALSE(filter.Matches(sold));
  TokenFilter tokens;
  tokens.states = {TokenState::kDetected};
  TokenEvent event;
  EXPECT_FALSE(tokens.Matches(event));
  event.token.state = TokenState::kDetected;
  EXPECT_TRUE(tokens.Matches(event));
  tokens.creators = {SampleAddress(5)};
  EXPECT_FALSE(tokens.Matches(event));
}

TEST(ConvertTest, Resolutions) {
  const auto good = [] {
    pb::Resolution resolution;
    resolution.mutable_token()->set_chain("base");
    resolution.mutable_token()->set_address(kEvmAddress);
    resolution.set_name("Pepe");
    resolution.set_source("dexscreener");
    return resolution;
  };
  pb::Resolution full = good();
  full.set_decimals(18);
  full.mutable_imitates()->set_chain("solana");
  full.mutable_imitates()->set_address(std::string(SampleAddress(1).text()));
  SetTime(full.mutable_retry_at());
  const auto resolution = FromProto(full);
  ASSERT_TRUE(resolution.ok()) << resolution.status();
  EXPECT_EQ(resolution->imitates, SampleToken(1));
  EXPECT_EQ(resolution->decimals, 18);
  EXPECT_EQ(resolution->retry_at, SampleTime(1) + absl::Microseconds(5));
  EXPECT_EQ(FromProto(good())->retry_at, absl::InfinitePast());
  pb::Resolution returned = good();
  returned.clear_name();
  returned.clear_source();
  EXPECT_TRUE(FromProto(returned).ok()) << "a claim that is returned has no source";

  using Case = BadCase<pb::Resolution>;
  for (const Case& bad : {
           Case{"token.address", [](auto& r) { r.mutable_token()->clear_address(); }},
           Case{"name", [](auto& r) { r.set_name(std::string(1025, 'x')); }},
           Case{"source", [](auto& r) { r.clear_source(); }},
           Case{"decimals", [](auto& r) { r.set_decimals(1000); }},
           Case{"imitates.chain", [](auto& r) { r.mutable_imitates()->set_chain("x"); }},
           Case{"retry_at", [](auto& r) { r.mutable_retry_at()->set_seconds(int64_t{1} << 60); }},
       }) {
    pb::Resolution changed = good();
    bad.change(changed);
    ExpectBad(FromProto(changed), bad.field);
  }
}

TEST(ConvertTest, NamesAndPageSizes) {
  EXPECT_EQ(ParseName("own-feed", "feeder")->text(), "own-feed");
  ExpectBad(ParseName("", "feeder"), "feeder");
  ExpectBad(ParseName("9lives", "feeder"), "feeder");
  EXPECT_EQ(*PageSize(0, 100, 1000), 100);
  EXPECT_EQ(*PageSize(1000, 100, 1000), 1000);
  ExpectBad(PageSize(1001, 100, 1000), "page_size");
  ExpectBad(PageSize(-1, 100, 1000), "page_size");
}

TEST(ConvertTest, TokensSayWhatIsKnownAndNothingElse) {
  Token token;
  token.ref = SampleToken(1);
  token.first_seen_at = SampleTime(0);
  pb::Token out;
  ToProto(token, &out);
  EXPECT_EQ(out.token().chain(), "solana");
  EXPECT_EQ(out.state(), pb::TOKEN_STATE_PENDING);
  EXPECT_FALSE(out.has_decimals());
  EXPECT_FALSE(out.has_is_mayhem());
  EXPECT_FALSE(out.has_launched_at());
  EXPECT_FALSE(out.has_imitates());
  EXPECT_EQ(out.supply(), "");
  token.state = TokenState::kDetected;
  token.decimals = 0;
  token.supply = chain::Amount::Parse(kLargestAmount);
  token.is_mayhem = false;
  token.launched_at = SampleTime(1);
  token.migration = Migration{Word("pump-amm"), SampleTime(2), SampleTransaction(2)};
  token.feeds = {"a", "b"};
  token.imitates = SampleToken(3);
  TokenEvent event{7, TokenEventKind::kMigrated, SampleTime(2), token};
  pb::TokenEvent event_out;
  ToProto(event, &event_out);
  EXPECT_EQ(event_out.cursor(), 7u);
  EXPECT_EQ(event_out.kind(), pb::TOKEN_EVENT_KIND_MIGRATED);
  EXPECT_TRUE(event_out.token().has_decimals());
  EXPECT_EQ(event_out.token().supply(), kLargestAmount);
  EXPECT_TRUE(event_out.token().has_is_mayhem());
  EXPECT_EQ(event_out.token().migrated_to(), "pump-amm");
  EXPECT_EQ(event_out.token().feeds_size(), 2);
  EXPECT_EQ(event_out.token().imitates().address(), SampleAddress(3).text());
}

TEST(ConvertTest, ReportsOfFeedsAndLatency) {
  FeedReport report;
  report.name = "solana";
  report.state = FeedState::kSilent;
  pb::FeedStatus status;
  ToProto(report, &status);
  EXPECT_EQ(status.state(), "silent");
  EXPECT_FALSE(status.has_last_frame_at());
  pb::LatencySummary none;
  ToProto(LatencySummary{}, &none);
  EXPECT_FALSE(none.has_p50()) << "of nothing there is no percentile";
  pb::LatencySummary some;
  ToProto(LatencySummary{3, absl::Milliseconds(1500), absl::Seconds(2), absl::Seconds(3)}, &some);
  EXPECT_EQ(some.p50().seconds(), 1);
  EXPECT_EQ(some.p50().nanos(), 500'000'000);
}

}  // namespace
}  // namespace tokenwatch::detector
