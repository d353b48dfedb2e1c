// The fakes keep the bounds and forms of what they stand for.
#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/http/client.h"
#include "common/time/fake_clock.h"
#include "gtest/gtest.h"
#include "tests/fakes/fake_dexscreener.h"
#include "tests/fakes/fake_solana_rpc.h"

namespace tokenwatch::fakes {
namespace {

namespace json = boost::json;

common::HttpResponse Call(common::HttpClient& client, std::string url, std::string body = {}) {
  common::HttpRequest request;
  request.method = body.empty() ? "GET" : "POST";
  request.url = std::move(url);
  request.body = std::move(body);
  auto response = client.FetchSync(request);
  EXPECT_TRUE(response.ok()) << response.status();
  return response.ok() ? *std::move(response) : common::HttpResponse();
}

TEST(FakeSolanaRpcTest, AnswersAccountsAndNullForUnknown) {
  FakeSolanaRpc rpc;
  rpc.SetAccount("KeyA", {.owner = "Owner", .data = std::string("\x01\x02\x00", 3), .lamports = 7});
  common::HttpClient client;
  const std::string call =
      R"({"jsonrpc":"2.0","id":4,"method":"getMultipleAccounts","params":[["KeyA","KeyB"],{"encoding":"base64"}]})";
  const json::value answer = json::parse(Call(client, rpc.Url(), call).body);
  EXPECT_EQ(answer.at("id"), 4);
  const json::array& values = answer.at("result").at("value").as_array();
  ASSERT_EQ(values.size(), 2u);
  EXPECT_EQ(values[0].at("owner"), "Owner");
  EXPECT_EQ(values[0].at("lamports"), 7);
  EXPECT_EQ(values[0].at("data"), json::array({"AQIA", "base64"}));
  EXPECT_TRUE(values[1].is_null());
  EXPECT_EQ(rpc.calls(), 1);
  EXPECT_EQ(rpc.keys_asked(), 2);

  rpc.FailCalls(1, -32005, "Node is behind");
  EXPECT_EQ(json::parse(Call(client, rpc.Url(), call).body).at("error").at("code"), -32005);
  EXPECT_TRUE(json::parse(Call(client, rpc.Url(), call).body).as_object().contains("result"));
}

TEST(FakeSolanaRpcTest, RefusesMoreThanAHundredKeysAndOtherMethods) {
  FakeSolanaRpc rpc;
  common::HttpClient client;
  const std::string keys = absl::StrJoin(std::vector<std::string>(101, "\"K\""), ",");
  const std::string many =
      absl::StrCat(R"({"id":1,"method":"getMultipleAccounts","params":[[)", keys, R"(],{"encoding":"base64"}]})");
  EXPECT_EQ(json::parse(Call(client, rpc.Url(), many).body).at("error").at("code"), -32602);
  EXPECT_EQ(json::parse(Call(client, rpc.Url(), R"({"id":1,"method":"x"})").body).at("error").at("code"), -32601);
  EXPECT_EQ(json::parse(Call(client, rpc.Url(), "{").body).at("error").at("code"), -32700);
  EXPECT_EQ(rpc.calls(), 0);
}

TEST(FakeDexScreenerTest, AnswersPairsOfBaseAndQuote) {
  FakeDexScreener dex;
  dex.AddPair("solana", {.pair_address = "P1", .base = {"A", "Alpha", "AL"}});
  dex.AddPair("solana", {.pair_address = "P2", .base = {"B", "Beta", "BE"}, .quote = {"A", "Alpha", "AL"}});
  dex.AddPair("base", {.pair_address = "P3", .base = {"A", "Other", "OT"}});
  common::HttpClient client;
  const json::value answer = json::parse(Call(client, dex.Url() + "/tokens/v1/solana/A,Z").body);
  ASSERT_EQ(answer.as_array().size(), 2u);
  EXPECT_EQ(answer.at(0).at("baseToken").at("name"), "Alpha");
  EXPECT_EQ(answer.at(1).at("quoteToken").at("address"), "A");
  EXPECT_EQ(Call(client, dex.Url() + "/tokens/v1/solana/Z").body, "[]");
  const std::string too_many = absl::StrJoin(std::vector<std::string>(31, "A"), ",");
  EXPECT_EQ(Call(client, absl::StrCat(dex.Url(), "/tokens/v1/solana/", too_many)).status_code, 400);
  EXPECT_EQ(dex.calls(), 3);
  EXPECT_EQ(dex.addresses_asked(), 3);
}

TEST(FakeDexScreenerTest, EnforcesItsRateLimit) {
  common::FakeClock clock;
  FakeDexScreener dex(clock);
  dex.SetRateLimit(2, absl::Seconds(60));
  common::HttpClient client;
  const std::string url = dex.Url() + "/tokens/v1/solana/A";
  EXPECT_EQ(Call(client, url).status_code, 200);
  clock.Advance(absl::Seconds(10));
  EXPECT_EQ(Call(client, url).status_code, 200);
  const common::HttpResponse refused = Call(client, url);
  EXPECT_EQ(refused.status_code, 429);
  EXPECT_EQ(refused.headers.Find("retry-after"), "51");
  EXPECT_EQ(dex.over_limit(), 1);
  clock.Advance(absl::Seconds(51));
  EXPECT_EQ(Call(client, url).status_code, 200);
}

}  // namespace
}  // namespace tokenwatch::fakes
