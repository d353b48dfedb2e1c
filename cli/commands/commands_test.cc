// The unary commands: what they print, ask and return.
#include <algorithm>
#include <string>
#include <utility>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "cli/testing/harness.h"

namespace tokenwatch::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

namespace v1 = detector::v1;

v1::Token MakeToken(const std::string& address, const std::string& name) {
  v1::Token token;
  token.mutable_token()->set_chain("solana");
  token.mutable_token()->set_address(address);
  token.set_state(v1::TOKEN_STATE_DETECTED);
  token.set_name(name);
  token.set_symbol("SYM");
  token.set_name_source("launch");
  token.set_venue("pump");
  token.mutable_first_seen_at()->set_seconds(1'783'600'490);
  token.mutable_first_seen_at()->set_nanos(789'000'000);
  return token;
}

TEST_F(CommandTest, ListsTokensAligned) {
  server_.detector.tokens = {MakeToken("Mint1", "柴犬"), MakeToken("Mint22", "Pepe")};
  server_.detector.tokens[1].set_state(v1::TOKEN_STATE_PENDING);
  server_.detector.tokens[1].clear_name_source();
  server_.detector.tokens[1].set_migrated_to("pump-amm");
  EXPECT_EQ(Run({"tokens", "list"}), 0);
  EXPECT_EQ(
      out_.text,
      "TOKEN          SYMBOL  NAME  STATE     SOURCE  VENUE  FIRST SEEN                AGE  NOTE\n"
      "solana:Mint1   SYM     柴犬  detected  launch  pump   2026-07-09 12:34:50.789Z   6s  -\n"
      "solana:Mint22  SYM     Pepe  pending   -       pump   2026-07-09 12:34:50.789Z   6s  migrated to pump-amm\n");
  EXPECT_EQ(err_.text, "");
}

TEST_F(CommandTest, ListsUpToTheLimitOverPages) {
  for (int i = 0; i < 1500; ++i) server_.detector.tokens.push_back(MakeToken(absl::StrCat("M", i), "x"));
  EXPECT_EQ(Run({"tokens", "list", "--pending", "--chain", "solana", "--creator", "W", "--json", "--limit", "1200"}),
            0);
  EXPECT_EQ(std::count(out_.text.begin(), out_.text.end(), '\n'), 1200);
  ASSERT_THAT(server_.detector.list_requests, SizeIs(2));
  EXPECT_EQ(server_.detector.list_requests[0].state(), v1::TOKEN_STATE_PENDING);
  EXPECT_EQ(server_.detector.list_requests[0].chain(), "solana");
  EXPECT_EQ(server_.detector.list_requests[0].creator(), "W");
  EXPECT_EQ(server_.detector.list_requests[0].page_size(), 1000);
  EXPECT_EQ(server_.detector.list_requests[1].page_size(), 200);
}

TEST_F(CommandTest, TellsAPersonThatThereIsMore) {
  server_.detector.tokens = {MakeToken("A", "x"), MakeToken("B", "x")};
  terminal_.is_terminal = true;
  EXPECT_EQ(Run({"tokens", "list", "--limit", "1"}), 0);
  EXPECT_THAT(err_.text, HasSubstr("there are more than 1; --limit shows more"));
}

TEST_F(CommandTest, JsonKeepsTheKeysOfTheApiAndEveryValue) {
  v1::Token token = MakeToken("Mint1", "a\u202Eb");
  token.set_supply("340282366920938463463374607431768211456");
  token.set_launch_slot(UINT64_MAX);
  server_.detector.tokens = {token};
  EXPECT_EQ(Run({"tokens", "get", "solana:Mint1", "--json"}), 0);
  EXPECT_EQ(std::count(out_.text.begin(), out_.text.end(), '\n'), 1);
  EXPECT_THAT(out_.text, HasSubstr("a\\u202eb"));
  const boost::json::value value = boost::json::parse(out_.text);
  EXPECT_EQ(value.at("token").at("address").as_string(), "Mint1");
  EXPECT_EQ(value.at("name_source").as_string(), "launch");
  EXPECT_EQ(value.at("state").as_string(), "TOKEN_STATE_DETECTED");
  EXPECT_EQ(value.at("supply").as_string(), "340282366920938463463374607431768211456");
  EXPECT_EQ(value.at("launch_slot").as_string(), "18446744073709551615");
  EXPECT_EQ(value.at("migrated_to").as_string(), "");
  EXPECT_EQ(value.at("first_seen_at").as_string(), "2026-07-09T12:34:50.789Z");
}

TEST_F(CommandTest, ShowsATokenAndNamesThoseNeverSeen) {
  v1::Token token = MakeToken("Mint1", "Evil\nName\x1b]0;title\x07");
  token.set_decimals(6);
  token.set_supply("1000000000000000");
  token.mutable_imitates()->set_chain("solana");
  token.mutable_imitates()->set_address("Real");
  server_.detector.tokens = {token};
  EXPECT_EQ(Run({"tokens", "get", "solana:Mint1", "solana:Mint2"}), 2);
  EXPECT_THAT(out_.text, HasSubstr("name         Evil\uFFFDName\uFFFD]0;title\uFFFD\n"));
  EXPECT_THAT(out_.text, HasSubstr("imitates     solana:Real\n"));
  EXPECT_THAT(out_.text, HasSubstr("supply       1000000000\n"));
  EXPECT_THAT(out_.text, HasSubstr("first seen   2026-07-09 12:34:50.789Z (6s ago)\n"));
  EXPECT_THAT(out_.text, Not(HasSubstr("\x1b")));
  EXPECT_EQ(err_.text, "tokenwatch: token solana:Mint2 was never seen\n");
}

TEST_F(CommandTest, SearchesAndColoursOnATerminal) {
  server_.detector.tokens = {MakeToken("Mint1", "pepe")};
  server_.detector.tokens[0].set_state(v1::TOKEN_STATE_PENDING);
  terminal_ = {.is_terminal = true, .colour = true, .width = 200};
  EXPECT_EQ(Run({"tokens", "search", "pepe"}), 0);
  EXPECT_THAT(out_.text, HasSubstr("\x1b[33mpending\x1b[0m"));
  EXPECT_EQ(Run({"tokens", "search", "doge"}), 0);
  EXPECT_EQ(out_.text, "");
  EXPECT_EQ(err_.text, "tokenwatch: no token is called so\n");
}

TEST_F(CommandTest, ErrorsAreOneHarmlessLineWithTheirExitCode) {
  const std::pair<grpc::StatusCode, int> codes[] = {
      {grpc::StatusCode::INVALID_ARGUMENT, 64},  {grpc::StatusCode::NOT_FOUND, 2},
      {grpc::StatusCode::UNAVAILABLE, 69},       {grpc::StatusCode::RESOURCE_EXHAUSTED, 75},
      {grpc::StatusCode::DEADLINE_EXCEEDED, 75}, {grpc::StatusCode::PERMISSION_DENIED, 77},
      {grpc::StatusCode::INTERNAL, 70},          {grpc::StatusCode::FAILED_PRECONDITION, 1},
      {grpc::StatusCode::UNIMPLEMENTED, 70}};
  for (const auto& [code, expected] : codes) {
    server_.detector.failure = grpc::Status(code, "chain: \x1b[31mbad\nline");
    EXPECT_EQ(Run({"tokens", "list"}), expected);
    EXPECT_EQ(out_.text, "");
    EXPECT_THAT(err_.text, HasSubstr(absl::StrCat("tokenwatch: detector at ", server_.address())));
    EXPECT_THAT(err_.text, HasSubstr("chain: \uFFFD[31mbad line"));
    EXPECT_EQ(std::count(err_.text.begin(), err_.text.end(), '\n'), 1);
  }
}

TEST_F(CommandTest, UsageErrorsExit64) {
  EXPECT_EQ(Run({"tokens", "lst"}), 64);
  EXPECT_EQ(err_.text, "tokenwatch: unknown command tokens lst; did you mean list? (see tokenwatch --help)\n");
  EXPECT_EQ(Run({"--version"}), 0);
  EXPECT_THAT(out_.text, HasSubstr("tokenwatch 0."));
  EXPECT_EQ(Run({"tokens", "list", "--help"}), 0);
  EXPECT_THAT(out_.text, HasSubstr("Usage: tokenwatch tokens list"));
}

TEST_F(CommandTest, ShowsAResolutionWithItsAttempts) {
  resolver::v1::GetResolutionResponse& answer = server_.resolver.resolutions["Mint1"];
  answer.mutable_resolution()->mutable_token()->set_chain("solana");
  answer.mutable_resolution()->mutable_token()->set_address("Mint1");
  answer.mutable_resolution()->set_state(resolver::v1::RESOLUTION_STATE_RESOLVED);
  answer.mutable_resolution()->mutable_name()->set_value("Pepe");
  answer.mutable_resolution()->mutable_name()->set_source("metaplex");
  resolver::v1::Attempt& attempt = *answer.add_attempts();
  attempt.set_source("metaplex");
  attempt.set_outcome("found");
  attempt.set_latency_ms(12.34);
  EXPECT_EQ(Run({"resolutions", "get", "solana:Mint1"}), 0);
  EXPECT_THAT(out_.text, HasSubstr("name                Pepe  (metaplex)\n"));
  EXPECT_THAT(out_.text, HasSubstr("metaplex  found     12.3ms"));
  EXPECT_EQ(Run({"resolutions", "get", "solana:Mint2"}), 2);
}

TEST_F(CommandTest, ListsAndRetriesResolutions) {
  resolver::v1::TokenResolution dead;
  dead.mutable_token()->set_chain("solana");
  dead.mutable_token()->set_address("Dead1");
  dead.set_state(resolver::v1::RESOLUTION_STATE_DEAD_LETTER);
  dead.set_attempts(8);
  dead.set_reason("no source knows it");
  resolver::v1::TokenResolution pending = dead;
  pending.set_state(resolver::v1::RESOLUTION_STATE_PENDING);
  pending.mutable_token()->set_address("Pending1");
  pending.mutable_next_attempt_at()->set_seconds(1'783'600'500);
  server_.resolver.unresolved = {dead, pending};
  EXPECT_EQ(Run({"resolutions", "list"}), 0);
  EXPECT_EQ(out_.text,
            "TOKEN            STATE        ROUNDS  NEXT ATTEMPT  REASON\n"
            "solana:Dead1     dead_letter       8  -             no source knows it\n"
            "solana:Pending1  pending           8  in 3s         no source knows it\n");
  EXPECT_EQ(Run({"resolutions", "list", "--dead"}), 0);
  EXPECT_THAT(out_.text, Not(HasSubstr("Pending1")));

  EXPECT_EQ(Run({"resolutions", "retry", "solana:Dead1"}), 0);
  EXPECT_EQ(server_.resolver.retry_request.token().address(), "Dead1");
  EXPECT_EQ(server_.resolver.retry_request.request_id(), "request-1");
  EXPECT_EQ(out_.text, "1 token put back to the start of the attempts\n");
  EXPECT_EQ(Run({"resolutions", "retry", "--all-dead"}), 0);
  EXPECT_FALSE(server_.resolver.retry_request.has_token());
  EXPECT_EQ(Run({"resolutions", "retry"}), 64);
  EXPECT_EQ(Run({"resolutions", "retry", "--all-dead", "solana:Dead1"}), 64);
}

TEST_F(CommandTest, ListsAndRedecodesQuarantine) {
  v1::QuarantinedFrame& frame = server_.detector.frames.emplace_back();
  frame.set_id(42);
  frame.set_feed("pumpportal");
  frame.set_reason("bad_json");
  frame.set_detail("at 3:\x1b[1m");
  frame.set_raw("\x01\x02");
  frame.mutable_received_at()->set_seconds(1'783'600'490);
  EXPECT_EQ(Run({"quarantine", "list", "--feed", "pumpportal"}), 0);
  EXPECT_EQ(out_.text,
            "ID  RECEIVED                  AGE  FEED        REASON    BYTES  DETAIL\n"
            "42  2026-07-09 12:34:50.000Z   6s  pumpportal  bad_json      2  at 3:\uFFFD[1m\n");
  EXPECT_EQ(Run({"quarantine", "redecode", "--reason", "bad_json", "42", "43"}), 0);
  EXPECT_THAT(server_.detector.redecode_request.ids(), ElementsAre(42, 43));
  EXPECT_EQ(server_.detector.redecode_request.reason(), "bad_json");
  EXPECT_EQ(out_.text, "2 of 3 frames decode now and gave 5 events\n");
}

TEST_F(CommandTest, ManagesConsumers) {
  EXPECT_EQ(Run({"consumers", "register", "pricing", "17", "--json"}), 0);
  EXPECT_THAT(out_.text, HasSubstr("\"name\":\"pricing\",\"cursor\":\"17\""));
  server_.detector.consumers.emplace_back().set_name("pricing");
  EXPECT_EQ(Run({"consumers", "list"}), 0);
  EXPECT_THAT(out_.text, HasSubstr("pricing"));
  EXPECT_EQ(Run({"consumers", "delete", "pricing"}), 0);
  EXPECT_EQ(Run({"consumers", "delete", "other"}), 2);
}

class StatusTest : public CommandTest {
 protected:
  StatusTest() {
    v1::GetStatusResponse& status = server_.detector.status;
    status.set_token_cursor(11);
    status.set_trade_cursor(99);
    status.set_detected_tokens(8);
    status.set_pending_tokens(2);
    status.set_quarantined_frames(3);
    status.set_is_leader(true);
    for (const auto& [source, count] : {std::pair("launch", 5), std::pair("metaplex", 2), std::pair("uri", 1)}) {
      v1::NameSourceCount& entry = *status.add_named_by_source();
      entry.set_source(source);
      entry.set_tokens(count);
    }
    status.mutable_launch_latency()->set_count(10);
    status.mutable_launch_latency()->mutable_p50()->set_nanos(420'000);
    status.mutable_launch_latency()->mutable_p95()->set_nanos(1'200'000);
    status.mutable_launch_latency()->mutable_p99()->set_nanos(3'000'000);
    v1::FeedStatus& feed = *status.add_feeds();
    feed.set_name("recording");
    feed.set_state("finished");
    feed.set_frames(120);
    feed.set_duplicates(4);
    for (const char* reason : {"bad_json", "unknown_type", "bad_json"}) {
      server_.detector.frames.emplace_back().set_reason(reason);
    }
    server_.resolver.status.set_resolved(3);
    server_.resolver.status.set_dead_letters(1);
    AddTable(server_.detector.diagnosis, "detector.trades");
    AddTable(server_.resolver.diagnosis, "resolver.attempts");
    pricing::v1::GetStatusResponse& pricing = server_.pricing.status;
    pricing.set_cursor(90);
    pricing.set_log_head(99);
    pricing.set_trades_folded(1'234'567);
    pricing.set_hot_tokens(42);
    pricing.set_persisted_tokens(7);
    pricing.set_parked_tokens(30);
    pricing.set_candles(321);
    pricing.set_rows_written(10);
    pricing.set_rows_saved(990);
    pricing.set_transactions(3);
    pricing.set_is_writer(true);
    pricing::v1::ProviderStatus& provider = *pricing.add_providers();
    provider.set_name("jupiter");
    provider.set_breaker("open");
    provider.set_budget_remaining(0);
    provider.set_budget_limit(30);
    pricing::v1::ReferencePrice& reference = *pricing.add_references();
    reference.set_asset("solana:So11111111111111111111111111111111111111112");
    reference.set_price_usd("143.25");
    reference.set_source("recorded");
    AddTable(server_.pricing.diagnosis, "pricing.token_prices");
    pricing::v1::HotToken& hot = server_.pricing.hot.emplace_back();
    hot.set_rank(1);
    hot.set_score(12.5);
    hot.set_trades(17);
    hot.mutable_price()->mutable_token()->set_chain("solana");
    hot.mutable_price()->mutable_token()->set_address("Mint1");
    hot.mutable_price()->set_quote_address("So11111111111111111111111111111111111111112");
    hot.mutable_price()->set_price(2.5e-8);
  }

  template <typename Diagnosis>
  static void AddTable(Diagnosis& diagnosis, const std::string& name) {
    diagnosis.mutable_database()->set_database("platform");
    diagnosis.mutable_database()->set_role("role");
    common::v1::TableReport& table = *diagnosis.mutable_database()->add_tables();
    table.set_name(name);
    table.set_present(true);
    table.set_rows(1234);
    table.set_rows_estimated(true);
  }
};

TEST_F(StatusTest, ShowsAllServices) {
  EXPECT_EQ(Run({"status"}), 0);
  EXPECT_THAT(out_.text, HasSubstr("head of the trade log  99\n"));
  EXPECT_THAT(out_.text, HasSubstr("launch latency         p50 0.42ms  p95 1.20ms  p99 3.00ms  (of 10)\n"));
  EXPECT_THAT(out_.text, HasSubstr("metaplex       2\n"));
  EXPECT_THAT(out_.text, HasSubstr("dead letters  1\n"));
  EXPECT_THAT(out_.text, HasSubstr("trades folded     1,234,567\n"));
  EXPECT_THAT(out_.text, HasSubstr("cursor            90  (9 behind the log)\n"));
  EXPECT_THAT(out_.text, HasSubstr("rows written      10  in 3 transactions\n"));
  EXPECT_THAT(out_.text, HasSubstr("jupiter  open         0       0    0/30  -\n"));
  EXPECT_THAT(out_.text, HasSubstr("143.25"));
}

TEST_F(StatusTest, JsonIsOneObjectAndNullForAServiceThatIsNotThere) {
  EXPECT_EQ(Run({"status", "--json"}), 0);
  boost::json::value value = boost::json::parse(out_.text);
  EXPECT_EQ(value.at("detector").at("trade_cursor").as_string(), "99");
  EXPECT_EQ(value.at("resolver").at("resolved").as_string(), "3");
  EXPECT_EQ(value.at("pricing").at("rows_saved").as_string(), "990");
  resolver_address_ = "127.0.0.1:1";
  EXPECT_EQ(Run({"status", "--json"}), 69);
  value = boost::json::parse(out_.text);
  EXPECT_EQ(value.at("detector").at("trade_cursor").as_string(), "99");
  EXPECT_TRUE(value.at("resolver").is_null());
}

TEST_F(StatusTest, AnEnvironmentMayDoWithoutPricing) {
  // Nothing says where it is, and nobody is there: the default port is another program's business.
  pricing_address_.reset();
  EXPECT_EQ(Run({"status", "--json"}), 0);
  EXPECT_TRUE(boost::json::parse(out_.text).at("pricing").is_null());
  EXPECT_EQ(Run({"summary"}), 0);
  EXPECT_THAT(out_.text, Not(HasSubstr("candles")));
  EXPECT_EQ(Run({"doctor"}), 0);
  EXPECT_EQ(err_.text, "");
  // One that should be there is missed.
  pricing_address_ = "127.0.0.1:1";
  for (const char* command : {"status", "summary"}) {
    EXPECT_EQ(Run({command}), 69);
    EXPECT_THAT(err_.text, HasSubstr("pricing at 127.0.0.1:1 is not available"));
    EXPECT_THAT(err_.text, HasSubstr("TOKENWATCH_PRICING"));
    EXPECT_THAT(out_.text, HasSubstr("99")) << "what the others said is shown all the same";
  }
  EXPECT_EQ(Run({"doctor"}), 1);
}

TEST_F(StatusTest, SummarizesARun) {
  EXPECT_EQ(Run({"summary"}), 0);
  EXPECT_EQ(out_.text,
            "tokens detected       10\n"
            "  named at launch     5\n"
            "  named later         3  (metaplex 2, uri 1)\n"
            "  still pending       2  (1 out of attempts)\n"
            "tokens migrated       0\n"
            "trades logged         99\n"
            "frames in quarantine  3  (bad_json 2, unknown_type 1)\n"
            "launch latency        p50 0.42ms  p95 1.20ms  p99 3.00ms  (of 10)\n"
            "trade latency         none yet\n"
            "\n"
            "FEED       STATE     FRAMES  LAUNCHES  TRADES  DUPLICATES  QUARANTINED  LAST  DETAIL\n"
            "recording  finished     120         0       0           4            0     -  -\n"
            "\n"
            "trades folded  1,234,567\n"
            "prices         42 tokens in memory, 7 worth rows, 30 parked\n"
            "candles        321 minutes\n"
            "rows written   10, where one for each trade would be 1,000  (99.0% saved)\n"
            "\n"
            "HOT  TOKEN         SYMBOL  SCORE            PRICE  USD  TRADES\n"
            "  1  solana:Mint1  -        12.5  0.000000025 SOL    -      17\n");
  EXPECT_EQ(Run({"summary", "--json"}), 0);
  const boost::json::value value = boost::json::parse(out_.text);
  EXPECT_EQ(value.at("tokens_detected").as_int64(), 10);
  EXPECT_EQ(value.at("quarantined_by_reason").at("bad_json").as_int64(), 2);
  EXPECT_EQ(value.at("pricing").at("saved_share").as_double(), 0.99);
  EXPECT_EQ(value.at("pricing").at("hot").at(0).at("token").as_string(), "solana:Mint1");
  EXPECT_EQ(value.at("launch_latency").at("p50_ms").as_double(), 0.42);
  EXPECT_TRUE(value.at("trade_latency").at("p50_ms").is_null());
}

TEST_F(StatusTest, DoctorIsContentOnlyWhenAllIsWell) {
  EXPECT_EQ(Run({"doctor"}), 0);
  EXPECT_EQ(out_.text, absl::StrCat("detector at ", server_.address(), ": well\n",
                                    "database  platform\n"
                                    "role      role\n"
                                    "TABLE            STATE        ROWS  PROBLEM\n"
                                    "detector.trades  there  about 1234  -\n"
                                    "\n",
                                    "resolver at ", server_.address(), ": well\n",
                                    "database  platform\n"
                                    "role      role\n"
                                    "TABLE              STATE        ROWS  PROBLEM\n"
                                    "resolver.attempts  there  about 1234  -\n"
                                    "\n",
                                    "pricing at ", server_.address(), ": well\n",
                                    "database  platform\n"
                                    "role      role\n"
                                    "TABLE                 STATE        ROWS  PROBLEM\n"
                                    "pricing.token_prices  there  about 1234  -\n"));
  EXPECT_EQ(err_.text, "");
}

TEST_F(StatusTest, DoctorNamesTheTableAndTheDatabase) {
  server_.detector.diagnosis.mutable_database()->mutable_tables(0)->set_present(false);
  server_.detector.diagnosis.mutable_database()->set_database("users");
  EXPECT_EQ(Run({"doctor"}), 1);
  EXPECT_THAT(out_.text, HasSubstr("MISSING"));
  EXPECT_EQ(err_.text, "tokenwatch: detector: table detector.trades is missing in database \"users\"\n");
  EXPECT_EQ(Run({"doctor", "--json"}), 1);
  EXPECT_THAT(out_.text, HasSubstr("\"ok\":false"));
}

TEST_F(StatusTest, DoctorSeesAServiceThatIsNotThere) {
  resolver_address_ = "127.0.0.1:1";
  EXPECT_EQ(Run({"doctor"}), 1);
  EXPECT_THAT(out_.text, HasSubstr("resolver at 127.0.0.1:1: NOT REACHABLE"));
  EXPECT_THAT(err_.text, HasSubstr("resolver at 127.0.0.1:1 is not available"));
}

TEST_F(StatusTest, PrintsCompletionScripts) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    EXPECT_EQ(Run({"completion", shell}), 0);
    EXPECT_THAT(out_.text, HasSubstr("quarantine"));
  }
  EXPECT_EQ(Run({"completion", "tcsh"}), 64);
}

}  // namespace
}  // namespace tokenwatch::cli
