#include <fstream>
#include <sstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "chain/solana/pda.h"
#include "chain/solana/programs.h"
#include "common/time/fake_clock.h"
#include "resolver/sources/dexscreener.h"
#include "resolver/sources/onchain.h"
#include "resolver/sources/uri.h"

namespace tokenwatch::resolver {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

TokenRef Solana(absl::string_view address) {
  return {chain::Chain::kSolana, chain::Address::ParseSolana(address).value()};
}
const TokenRef kBonk = Solana("DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263");
const TokenRef kLiberty = Solana("B3cHPmFf6pokbEi1Y5ZyLSUSnXfrLQjMS5kFLEz7pump");
const TokenRef kWrappedSol = Solana("So11111111111111111111111111111111111111112");

std::string Fixture(const std::string& name) {
  const char* const root = std::getenv("TOKENWATCH_SOURCE_DIR");
  std::ifstream file(absl::StrCat(root == nullptr ? "." : root, "/tests/fixtures/dexscreener/", name));
  std::stringstream text;
  text << file.rdbuf();
  return boost::json::serialize(boost::json::parse(text.str()).at("body"));
}

std::vector<Question> Ask(std::initializer_list<TokenRef> tokens) {
  std::vector<Question> questions;
  for (const TokenRef& token : tokens) questions.push_back({token, ""});
  return questions;
}

// --- DexScreener
// ------------------------------------------------------------------------------------------------------

TEST(ReadPairs, RecordedAnswersNameTheBaseToken) {
  const auto bonk = ReadPairs(Ask({kBonk}), Fixture("latest_dex_tokens_bonk.json"));
  ASSERT_THAT(bonk, SizeIs(1));
  EXPECT_EQ(bonk[0].outcome, Outcome::kFound);
  EXPECT_EQ(bonk[0].name, "Bonk");
  EXPECT_EQ(bonk[0].provenance, "dexscreener");

  const auto found = ReadPairs(Ask({kLiberty, kBonk}), Fixture("latest_dex_search_SOL_first20.json"));
  EXPECT_EQ(found[0].name, "Spirit of Liberty");
  EXPECT_EQ(found[0].symbol, "SOL");
  EXPECT_EQ(found[1].outcome, Outcome::kNotFound);
}

constexpr char kPair[] =
    R"({"chainId":"$0","baseToken":{"address":"$1","name":$2,"symbol":"S"},"quoteToken":{"address":"$3","name":"Q"}})";

TEST(ReadPairs, APairInWhichTheTokenIsTheQuoteSaysNothing) {
  const std::string body = absl::StrCat(
      "[", absl::Substitute(kPair, "solana", kLiberty.address.text(), "\"Liberty\"", kWrappedSol.address.text()), "]");
  EXPECT_EQ(ReadPairs(Ask({kWrappedSol}), body)[0].outcome, Outcome::kNotFound);
  EXPECT_EQ(ReadPairs(Ask({kLiberty}), body)[0].name, "Liberty");
}

TEST(ReadPairs, AnotherChainsTokenOfTheSameAddressIsAnotherToken) {
  const std::string address = "0x6982508145454Ce325dDbE47a25d4ec3d2311933";
  const TokenRef base{chain::Chain::kBase, chain::Address::ParseEvm(address).value()};
  const TokenRef ethereum{chain::Chain::kEthereum, chain::Address::ParseEvm(address).value()};
  const std::string body = absl::StrCat("[", absl::Substitute(kPair, "ethereum", address, "\"Pepe\"", "x"), "]");
  EXPECT_EQ(ReadPairs(Ask({base}), body)[0].outcome, Outcome::kNotFound);
  EXPECT_EQ(ReadPairs(Ask({ethereum}), body)[0].name, "Pepe") << "the checksummed spelling is the same address";
}

TEST(ReadPairs, BadBodiesAreAnswersToo) {
  const auto outcome = [](const std::string& body) { return ReadPairs(Ask({kLiberty}), body)[0].outcome; };
  EXPECT_EQ(outcome(R"({"schemaVersion":"1.0.0","pairs":null})"), Outcome::kNotFound);
  EXPECT_EQ(outcome("[]"), Outcome::kNotFound);
  EXPECT_EQ(outcome("<!DOCTYPE html><html><body>Just a moment...</body></html>"), Outcome::kBadAnswer);
  EXPECT_EQ(outcome(""), Outcome::kBadAnswer);
  EXPECT_EQ(outcome(R"([{"chainId":"solana","baseToken":{"addr)"), Outcome::kBadAnswer);
  EXPECT_EQ(outcome("17"), Outcome::kBadAnswer);
  EXPECT_EQ(outcome(R"({"error":"x"})"), Outcome::kBadAnswer);
  EXPECT_EQ(outcome(R"({"pairs":{"a":1}})"), Outcome::kBadAnswer);
  // Pairs of wrong types are passed over; a good one among them counts.
  const std::string mixed =
      absl::StrCat(R"([null,7,"x",{"chainId":1},{"chainId":"solana","baseToken":[]},)",
                   absl::Substitute(kPair, "solana", kLiberty.address.text(), "17", "x"), ",",
                   absl::Substitute(kPair, "solana", kLiberty.address.text(), "\"\"", "x"), ",",
                   absl::Substitute(kPair, "solana", kLiberty.address.text(), "\"Liberty\"", "x"), "]");
  EXPECT_EQ(outcome(mixed), Outcome::kFound);
  EXPECT_EQ(outcome(std::string(2000, '[')), Outcome::kBadAnswer);
}

// --- Metadata documents
// -----------------------------------------------------------------------------------------------

TEST(ReadMetadata, TakesNameAndSymbolOfAnObject) {
  const Answer answer = ReadMetadata(R"({"name":"Pepe","symbol":"PEPE","image":"x"})");
  EXPECT_EQ(answer.outcome, Outcome::kFound);
  EXPECT_EQ(answer.name, "Pepe");
  EXPECT_EQ(answer.symbol, "PEPE");
  EXPECT_EQ(ReadMetadata(R"({"name":"Pepe","symbol":5})").symbol, "");
  EXPECT_EQ(ReadMetadata(R"({"symbol":"PEPE"})").outcome, Outcome::kNotFound);
  EXPECT_EQ(ReadMetadata(R"({"name":""})").outcome, Outcome::kNotFound);
  EXPECT_EQ(ReadMetadata(R"({"name":["a"]})").outcome, Outcome::kNotFound);
  EXPECT_EQ(ReadMetadata("[]").outcome, Outcome::kBadAnswer);
  EXPECT_EQ(ReadMetadata("<html>").outcome, Outcome::kBadAnswer);
}

// --- Accounts
// ---------------------------------------------------------------------------------------------------------

std::string LittleEndian(uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
  return out;
}
std::string SeedOfToken(const TokenRef& token) {
  const chain::Pubkey key = chain::ParsePubkey(token.address.text()).value();
  return std::string(chain::SeedOf(key));
}
std::string Mint(uint8_t decimals) {
  std::string data(82, '\0');
  data[44] = static_cast<char>(decimals);
  data[45] = 1;
  return data;
}
std::string Metaplex(const TokenRef& token, const std::string& name) {
  const auto padded = [](std::string text, size_t size) {
    text.resize(size, '\0');
    return LittleEndian(size, 4) + text;
  };
  std::string data = std::string("\x04") + std::string(32, 'u') + SeedOfToken(token) + padded(name, 32) +
                     padded("SYM", 10) + padded("https://x.example/a.json", 200);
  data.resize(679, '\0');
  return data;
}
std::string Token2022Mint(const TokenRef& token, const std::string& name) {
  const auto text = [](const std::string& value) { return LittleEndian(value.size(), 4) + value; };
  const std::string metadata = std::string(32, 'u') + SeedOfToken(token) + text(name) + text("T22") +
                               text("https://x.example/b.json") + LittleEndian(0, 4);
  std::string data = Mint(9);
  data.resize(165, '\0');
  data += '\x01';
  return data + LittleEndian(19, 2) + LittleEndian(metadata.size(), 2) + metadata;
}
std::string Account(absl::string_view owner, const std::string& data) {
  return absl::StrCat(R"({"owner":")", owner, R"(","data":[")", absl::Base64Escape(data),
                      R"(","base64"],"lamports":1})");
}
std::string Response(const std::string& accounts) {
  return absl::StrCat(R"({"jsonrpc":"2.0","id":1,"result":{"context":{"slot":1},"value":[)", accounts, "]}}");
}

TEST(ReadAccounts, TheExtensionGoesBeforeMetaplex) {
  const auto answers =
      ReadAccounts(Ask({kLiberty, kBonk, kWrappedSol}),
                   Response(absl::StrCat(Account(chain::kToken2022Program, Token2022Mint(kLiberty, "Extension")), ",",
                                         Account(chain::kMetaplexProgram, Metaplex(kLiberty, "Metaplex")), ",",
                                         Account(chain::kSplTokenProgram, Mint(5)), ",",
                                         Account(chain::kMetaplexProgram, Metaplex(kBonk, "Bonk")), ",null,null")));
  ASSERT_THAT(answers, SizeIs(3));
  EXPECT_EQ(answers[0].outcome, Outcome::kFound);
  EXPECT_EQ(answers[0].name, "Extension");
  EXPECT_EQ(answers[0].provenance, "token2022");
  EXPECT_EQ(answers[0].decimals, 9u);
  EXPECT_EQ(answers[1].name, "Bonk");
  EXPECT_EQ(answers[1].provenance, "metaplex");
  EXPECT_EQ(answers[1].decimals, 5u);
  EXPECT_EQ(answers[1].uri, "https://x.example/a.json");
  EXPECT_EQ(answers[2].outcome, Outcome::kNotFound);
}

TEST(ReadAccounts, MetadataOfAnotherMintOrProgramIsNotBelieved) {
  const auto answers =
      ReadAccounts(Ask({kLiberty, kBonk, kWrappedSol}),
                   Response(absl::StrCat(Account(chain::kToken2022Program, Token2022Mint(kBonk, "Borrowed")), ",null,",
                                         Account(chain::kSplTokenProgram, Mint(5)), ",",
                                         Account(chain::kSplTokenProgram, Metaplex(kBonk, "Forged")), ",",
                                         Account(chain::kPumpProgram, Mint(5)), ",null")));
  for (const Answer& answer : answers) EXPECT_EQ(answer.outcome, Outcome::kNotFound) << answer.name;
  EXPECT_EQ(answers[0].decimals, 9u);
}

TEST(ReadAccounts, ANamelessMintStillTellsUriAndDecimals) {
  const auto answers = ReadAccounts(
      Ask({kLiberty}), Response(absl::StrCat(Account(chain::kToken2022Program, Token2022Mint(kLiberty, "")), ",null")));
  EXPECT_EQ(answers[0].outcome, Outcome::kNotFound);
  EXPECT_EQ(answers[0].uri, "https://x.example/b.json");
  EXPECT_EQ(answers[0].decimals, 9u);
}

TEST(ReadAccounts, BadBodies) {
  const auto outcome = [](const std::string& body) { return ReadAccounts(Ask({kLiberty}), body)[0].outcome; };
  EXPECT_EQ(outcome("<html>"), Outcome::kBadAnswer);
  EXPECT_EQ(outcome(Response("null")), Outcome::kBadAnswer);
  EXPECT_EQ(outcome(Response("null,7")), Outcome::kBadAnswer);
  EXPECT_EQ(outcome(Response(R"({"owner":"x","data":["%%%","base64"]},null)")), Outcome::kBadAnswer);
  EXPECT_EQ(outcome(R"({"error":{"code":429,"message":"Too many requests"}})"), Outcome::kRateLimited);
  EXPECT_EQ(outcome(R"({"error":{"code":-32005,"message":"behind"}})"), Outcome::kUnavailable);
}

// --- Over HTTP
// --------------------------------------------------------------------------------------------------------

class FakeFetcher final : public common::HttpFetcher {
 public:
  void Fetch(common::HttpRequest request, common::HttpCallback done) override {
    requests.push_back(std::move(request));
    done(reply);
  }
  std::vector<common::HttpRequest> requests;
  absl::StatusOr<common::HttpResponse> reply = common::HttpResponse{};
};

class HttpSourceTest : public ::testing::Test {
 protected:
  Answer AskOne(Source& source, const Question& question) {
    Answer answer;
    source.Ask({question}, clock_.Now(), [&](std::vector<Answer> answers) { answer = answers.at(0); });
    return answer;
  }
  void Reply(int status, std::string body, common::HttpHeaders headers = {}) {
    common::HttpResponse response;
    response.status_code = status;
    response.body = std::move(body);
    response.headers = std::move(headers);
    fetcher_.reply = response;
  }

  common::FakeClock clock_;
  FakeFetcher fetcher_;
  HttpSourceOptions options_;
};

TEST_F(HttpSourceTest, AsksDexScreenerForAllTokensAtOnce) {
  DexScreenerSource source("https://dex.example", options_, fetcher_, clock_);
  Reply(200, "[]");
  source.Ask(Ask({kLiberty, kBonk}), clock_.Now(), [](const std::vector<Answer>&) {});
  EXPECT_EQ(fetcher_.requests[0].url,
            absl::StrCat("https://dex.example/tokens/v1/solana/", kLiberty.address.text(), ",", kBonk.address.text()));
  EXPECT_EQ(fetcher_.requests[0].deadline, clock_.Now() + absl::Seconds(3));
}

TEST_F(HttpSourceTest, AsksForMintAndMetadataTogether) {
  OnchainSource source("https://rpc.example", options_, fetcher_, clock_);
  Reply(200, Response("null,null"));
  EXPECT_EQ(AskOne(source, {kBonk, ""}).outcome, Outcome::kNotFound);
  const auto body = boost::json::parse(fetcher_.requests[0].body);
  EXPECT_EQ(body.at("method").as_string(), "getMultipleAccounts");
  const auto& keys = body.at("params").at(0).as_array();
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(std::string(keys[0].as_string()), kBonk.address.text());
  const chain::Address metadata = chain::MetadataAddress(chain::ParsePubkey(kBonk.address.text()).value()).ToAddress();
  EXPECT_EQ(std::string(keys[1].as_string()), metadata.text());
  EXPECT_FALSE(source.Serves({{chain::Chain::kBase, kBonk.address}, ""}));
}

TEST_F(HttpSourceTest, RetryAfterClosesTheSourceUntilThen) {
  DexScreenerSource source("https://dex.example", options_, fetcher_, clock_);
  ASSERT_TRUE(source.Admit(clock_.Now()).admitted);
  Reply(429, "", {{"Retry-After", "30"}});
  const Answer answer = AskOne(source, {kBonk, ""});
  EXPECT_EQ(answer.outcome, Outcome::kRateLimited);
  EXPECT_GE(answer.retry_at, clock_.Now() + absl::Seconds(30));
  EXPECT_EQ(source.Admit(clock_.Now()).admitted, false);
  EXPECT_GE(source.Admit(clock_.Now()).try_again_at, clock_.Now() + absl::Seconds(30));
  const BudgetState closed = source.budget(clock_.Now());
  EXPECT_EQ(closed.remaining, 0);
  EXPECT_GE(closed.closed_until, clock_.Now() + absl::Seconds(30));

  // A restart does not forget it.
  DexScreenerSource restarted("https://dex.example", options_, fetcher_, clock_);
  restarted.Restore(closed);
  EXPECT_FALSE(restarted.Admit(clock_.Now()).admitted);
  clock_.Advance(absl::Minutes(2));
  EXPECT_TRUE(restarted.Admit(clock_.Now()).admitted);
}

TEST_F(HttpSourceTest, TheBudgetRunsOutAndIsRestored) {
  options_.budget.requests = 3;
  DexScreenerSource source("https://dex.example", options_, fetcher_, clock_);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(source.Admit(clock_.Now()).admitted);
  EXPECT_FALSE(source.Admit(clock_.Now()).admitted);
  DexScreenerSource restarted("https://dex.example", options_, fetcher_, clock_);
  restarted.Restore(source.budget(clock_.Now()));
  EXPECT_FALSE(restarted.Admit(clock_.Now()).admitted);
  EXPECT_EQ(restarted.budget(clock_.Now()).remaining, 0);
}

TEST_F(HttpSourceTest, FailuresHaveTheirMeaning) {
  UriSource source(std::make_shared<const common::AddressGuard>(), 1024, options_, fetcher_, clock_);
  const Question question{kBonk, "https://x.example/a.json"};
  const auto outcome_of_status = [&](absl::Status status) {
    fetcher_.reply = std::move(status);
    return AskOne(source, question).outcome;
  };
  EXPECT_EQ(outcome_of_status(absl::DeadlineExceededError("")), Outcome::kTimeout);
  EXPECT_EQ(outcome_of_status(absl::PermissionDeniedError("")), Outcome::kRefused);
  EXPECT_EQ(outcome_of_status(absl::UnavailableError("")), Outcome::kUnavailable);
  EXPECT_EQ(outcome_of_status(absl::ResourceExhaustedError("")), Outcome::kBadAnswer);
  const auto outcome_of_code = [&](int code) {
    Reply(code, "");
    return AskOne(source, question).outcome;
  };
  EXPECT_EQ(outcome_of_code(404), Outcome::kNotFound);
  EXPECT_EQ(outcome_of_code(403), Outcome::kRefused);
  EXPECT_EQ(outcome_of_code(503), Outcome::kUnavailable);
  EXPECT_EQ(outcome_of_code(504), Outcome::kTimeout);
  EXPECT_EQ(outcome_of_code(429), Outcome::kUnavailable) << "one host among many does not close the source";
  EXPECT_TRUE(source.Admit(clock_.Now()).admitted);
  EXPECT_EQ(fetcher_.requests.back().max_body_bytes, 1024u);
  EXPECT_NE(fetcher_.requests.back().guard, nullptr);
  EXPECT_FALSE(source.Serves({kBonk, ""}));
}

}  // namespace
}  // namespace tokenwatch::resolver
