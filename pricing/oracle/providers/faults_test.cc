// A first source that misbehaves in every way the network and its owners know of: each gives its typed error, the next
// source is asked, and nothing is invented. Real HTTP against a server on loopback.
#include <chrono>
#include <fstream>
#include <future>
#include <map>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/http/client.h"
#include "common/testing/temp_dir.h"
#include "common/time/event_loop.h"
#include "pricing/oracle/chain/oracle_chain.h"
#include "pricing/oracle/make_providers.h"
#include "tests/fakes/fake_http_server.h"

namespace tokenwatch::pricing {
namespace {

using fakes::FakeHttpServer;
using fakes::FakeReply;
using fakes::HttpFault;
using ::testing::HasSubstr;
using ::testing::Optional;
using ::testing::SizeIs;

constexpr char kMint[] = "B3cHPmFf6pokbEi1Y5ZyLSUSnXfrLQjMS5kFLEz7pump";
const chain::TokenRef kToken{chain::Chain::kSolana, chain::Address::ParseSolana(kMint).value()};
constexpr char kFirstPath[] = "/dex";
constexpr char kSecondPath[] = "/jup";

std::string Pair(absl::string_view base, absl::string_view quote, absl::string_view price) {
  return absl::StrCat(R"([{"chainId":"solana","dexId":"x","pairAddress":"p","baseToken":{"address":")", base,
                      R"("},"quoteToken":{"address":")", quote, R"("})", price, R"(,"liquidity":{"usd":1000}}])");
}

// Owns a chain of DexScreener, then Jupiter, both on one fake server, and the threads they need.
class World {
 public:
  explicit World(const FakeReply& first) : http_(Options()) {
    server_.RoutePrefix(kFirstPath, [first](const fakes::RecordedRequest&) { return first; });
    server_.RoutePrefix(kSecondPath, [](const fakes::RecordedRequest&) {
      return FakeReply{200, absl::StrCat("{\"", kMint, "\":{\"usdPrice\":0.25,\"liquidity\":7}}")};
    });
    ProviderSettings settings;
    settings.order = {"dexscreener", "jupiter"};
    settings.dexscreener_url = server_.Url(kFirstPath);
    settings.jupiter_url = server_.Url(kSecondPath);
    EXPECT_TRUE(settings.Validate().ok()) << settings.Validate();
    providers_ = MakeProviders(settings, nullptr, http_, clock_).value();
    OracleChainOptions options;
    options.lane.timeout = absl::Milliseconds(300);
    options.lane.hedge_unknown = absl::Seconds(2);
    chain_ = std::make_unique<OracleChain>(options, std::vector<Provider*>{providers_[0].get(), providers_[1].get()},
                                           loop_, common::SeededRandom(1), observer_);
    thread_ = std::thread([this] { loop_.Run(stop_.get_token()); });
  }
  ~World() {
    stop_.request_stop();
    thread_.join();
    chain_.reset();
    http_.Shutdown();
  }

  OracleAnswer Ask() {
    auto promise = std::make_shared<std::promise<OracleAnswer>>();
    std::future<OracleAnswer> future = promise->get_future();
    chain_->Ask({kToken}, [promise](OracleAnswer answer) { promise->set_value(std::move(answer)); });
    EXPECT_EQ(future.wait_for(std::chrono::seconds(10)), std::future_status::ready);
    return future.get();
  }
  common::UpstreamBudget budget() const { return providers_[0]->budget(); }
  FakeHttpServer& server() { return server_; }

 private:
  static common::HttpClientOptions Options() {
    common::HttpClientOptions options;
    options.connect_timeout = absl::Seconds(1);
    return options;
  }

  FakeHttpServer server_;
  common::SystemClock clock_;
  common::EventLoop loop_{clock_};
  common::HttpClient http_;
  std::vector<std::unique_ptr<Provider>> providers_;
  OracleObserver observer_;
  std::stop_source stop_;
  std::thread thread_;
  std::unique_ptr<OracleChain> chain_;
};

struct Row {
  const char* name;
  FakeReply reply;
  Outcome outcome;
  const char* detail = "";
};

std::vector<Row> Rows() {
  const std::string good = Pair(kMint, "So11111111111111111111111111111111111111112", R"(,"priceUsd":"3")");
  FakeReply truncated{200, good};
  truncated.fault = HttpFault::kTruncate;
  FakeReply stalled{200, good};
  stalled.fault = HttpFault::kStall;
  FakeReply slow{200, good};
  slow.delay = absl::Seconds(5);
  FakeReply dripping{200, good};
  dripping.fault = HttpFault::kDrip;
  FakeReply dropped{200, good};
  dropped.fault = HttpFault::kDrop;
  FakeReply garbage{200, good};
  garbage.fault = HttpFault::kGarbage;
  std::string large = "[";
  while (large.size() < size_t{10} << 20) absl::StrAppend(&large, good.substr(1, good.size() - 2), ",");
  large += good.substr(1);
  return {
      {"pairs null", {200, R"({"schemaVersion":"1.0.0","pairs":null})"}, Outcome::kNotFound},
      {"no pairs", {200, "[]"}, Outcome::kNotFound},
      {"no price", {200, Pair(kMint, "q", "")}, Outcome::kNoPrice},
      {"price zero", {200, Pair(kMint, "q", R"(,"priceUsd":"0")")}, Outcome::kNoPrice},
      {"price negative", {200, Pair(kMint, "q", R"(,"priceUsd":-1)")}, Outcome::kBadAnswer},
      {"price NaN", {200, Pair(kMint, "q", R"(,"priceUsd":"NaN")")}, Outcome::kBadAnswer},
      {"base and quote mixed up", {200, Pair("q", kMint, R"(,"priceUsd":"3")")}, Outcome::kNotFound},
      {"429 with Retry-After", {429, "", {{"Retry-After", "120"}}}, Outcome::kRateLimited, "429"},
      {"429 without", {429, "slow down"}, Outcome::kRateLimited, "429"},
      {"503 with Retry-After", {503, "", {{"Retry-After", "60"}}}, Outcome::kUnavailable, "503"},
      {"500", {500, "<html>"}, Outcome::kUnavailable, "500"},
      {"403", {403, "{}"}, Outcome::kRefused, "403"},
      {"404", {404, "{}"}, Outcome::kNotFound},
      {"redirect", {302, "", {{"Location", "http://127.0.0.1:1/"}}}, Outcome::kRefused, "302"},
      {"200 with an error body", {200, R"({"statusCode":500,"message":"oops"})"}, Outcome::kBadAnswer},
      {"HTML", {200, "<!DOCTYPE html><html><title>Just a moment...</title></html>"}, Outcome::kBadAnswer, "JSON"},
      {"JSON cut short", {200, good.substr(0, good.size() / 2)}, Outcome::kBadAnswer, "JSON"},
      {"empty", {200, ""}, Outcome::kBadAnswer},
      {"transfer cut short", truncated, Outcome::kUnavailable},
      {"connection dropped", dropped, Outcome::kUnavailable},
      {"no HTTP", garbage, Outcome::kUnavailable},
      {"stalled", stalled, Outcome::kTimeout},
      {"slow", slow, Outcome::kTimeout},
      {"byte by byte", dripping, Outcome::kTimeout},
      {"10 MB", {200, large}, Outcome::kBadAnswer},
  };
}

TEST(ProviderFaults, EachIsTheRightErrorAndTheNextSourceAnswers) {
  for (const Row& row : Rows()) {
    SCOPED_TRACE(row.name);
    World world(row.reply);
    const OracleAnswer answer = world.Ask();
    EXPECT_THAT(answer.usd, Optional(0.25));
    ASSERT_THAT(answer.sources, SizeIs(2));
    EXPECT_EQ(answer.sources[0].source.text(), "jupiter");
    EXPECT_EQ(answer.sources[0].observation->usd, "0.25");
    EXPECT_EQ(answer.sources[1].source.text(), "dexscreener");
    EXPECT_EQ(answer.sources[1].outcome, row.outcome)
        << ToWord(answer.sources[1].outcome) << ": " << answer.sources[1].detail;
    EXPECT_THAT(answer.sources[1].detail, HasSubstr(row.detail));
    EXPECT_FALSE(answer.sources[1].observation.has_value());
    EXPECT_EQ(world.server().Count(kFirstPath), 1);
    EXPECT_EQ(world.server().Count(kSecondPath), 1);
  }
}

TEST(ProviderFaults, RetryAfterClosesTheBudgetAnd429WithoutItGuesses) {
  const std::map<std::string, std::pair<absl::Duration, absl::Duration>> closed = {
      {"429 with Retry-After", {absl::Seconds(110), absl::Seconds(121)}},
      {"429 without", {absl::Seconds(3), absl::Seconds(6)}},
      {"503 with Retry-After", {absl::Seconds(50), absl::Seconds(61)}},
  };
  for (const Row& row : Rows()) {
    const auto expected = closed.find(row.name);
    if (expected == closed.end()) continue;
    SCOPED_TRACE(row.name);
    World world(row.reply);
    world.Ask();
    const absl::Duration left = world.budget().closed_until - absl::Now();
    EXPECT_GT(left, expected->second.first);
    EXPECT_LT(left, expected->second.second);
    EXPECT_EQ(world.budget().remaining, 0);
  }
}

TEST(ProviderFaults, AGoodAnswerOverHttp) {
  World world({200, Pair(kMint, "q", R"(,"priceUsd":"3")")});
  const OracleAnswer answer = world.Ask();
  EXPECT_THAT(answer.usd, Optional(3.0));
  EXPECT_EQ(world.server().Count(kSecondPath), 0);
  EXPECT_EQ(world.server().requests()[0].target, absl::StrCat("/dex/tokens/v1/solana/", kMint));
}

TEST(MakeProviders, KeysComeFromFilesAndTravelInTheirHeaders) {
  FakeHttpServer server;
  server.RoutePrefix("/", [](const fakes::RecordedRequest&) { return FakeReply{200, "{}"}; });
  common::TempDir directory;
  const std::string key_file = (directory.path() / "key").string();
  std::ofstream(key_file) << " a-secret\n";
  ProviderSettings settings;
  settings.order = {"jupiter", "coingecko", "coinmarketcap", "geckoterminal", "onchain_solana"};
  settings.jupiter_url = settings.coingecko_url = settings.coinmarketcap_url = server.Url("/v");
  settings.geckoterminal_url = server.Url("/v");
  settings.solana_rpc_url = server.Url("/");
  EXPECT_THAT(std::string(settings.Validate().message()), HasSubstr("coingecko_key_file: missing"));
  settings.jupiter_key_file = settings.coingecko_key_file = settings.coinmarketcap_key_file = key_file;
  ASSERT_TRUE(settings.Validate().ok()) << settings.Validate();

  common::HttpClient http;
  common::SystemClock clock;
  const QuoteUsd quote_usd = [](const chain::TokenRef&) { return std::nullopt; };
  const auto providers = MakeProviders(settings, quote_usd, http, clock);
  ASSERT_TRUE(providers.ok()) << providers.status();
  const chain::TokenRef sol{chain::Chain::kSolana,
                            chain::Address::ParseSolana("So11111111111111111111111111111111111111112").value()};
  for (const auto& provider : *providers) {
    std::promise<void> done;
    provider->Ask({sol}, absl::Now() + absl::Seconds(5), [&](const std::vector<ProviderAnswer>&) { done.set_value(); });
    done.get_future().wait();
  }
  http.Shutdown();
  const std::vector<fakes::RecordedRequest> requests = server.requests();
  ASSERT_THAT(requests, SizeIs(5));
  EXPECT_EQ(requests[0].headers.find("x-api-key")->second, "a-secret");
  EXPECT_EQ(requests[1].headers.find("x-cg-demo-api-key")->second, "a-secret");
  EXPECT_EQ(requests[2].headers.find("x-cmc_pro_api_key")->second, "a-secret");
  EXPECT_EQ(requests[2].target, "/v/v2/cryptocurrency/quotes/latest?id=5426&convert=USD");
  EXPECT_EQ(requests[3].headers.find("accept")->second, "application/json;version=20230302");
  EXPECT_THAT(requests[3].target, HasSubstr("/v/networks/solana/tokens/multi/So1111"));
  EXPECT_EQ(requests[4].method, "POST");
  for (const auto& request : requests) EXPECT_THAT(request.target, ::testing::Not(HasSubstr("secret")));

  settings.coingecko_key_file = (directory.path() / "absent").string();
  const auto failed = MakeProviders(settings, quote_usd, http, clock);
  EXPECT_THAT(std::string(failed.status().message()), HasSubstr("coingecko_key_file"));
}

TEST(ProviderSettings, SaysWhatIsWrong) {
  const auto problem = [](auto change) {
    ProviderSettings settings;
    change(settings);
    return std::string(settings.Validate().message());
  };
  EXPECT_EQ(problem([](ProviderSettings&) {}), "");
  EXPECT_THAT(problem([](ProviderSettings& s) { s.order = {"coinbase"}; }), HasSubstr("\"coinbase\" is none of"));
  EXPECT_THAT(problem([](ProviderSettings& s) { s.order = {"jupiter", "jupiter"}; }), HasSubstr("twice"));
  EXPECT_THAT(problem([](ProviderSettings& s) { s.order = {"onchain_base"}; }), HasSubstr("base_rpc_url: missing"));
  EXPECT_THAT(problem([](ProviderSettings& s) { s.dexscreener_url = "ftp://x"; }), HasSubstr("dexscreener_url"));
  EXPECT_THAT(problem([](ProviderSettings& s) { s.dexscreener_url = "https://x/"; }), HasSubstr("slash"));
  EXPECT_THAT(problem([](ProviderSettings& s) { s.jupiter_budget_per_minute = 0; }),
              HasSubstr("jupiter_budget_per_minute: 0; at least 1"));
}

}  // namespace
}  // namespace tokenwatch::pricing
