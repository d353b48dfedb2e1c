#include "detector/pg_store/token_json.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "detector/samples_for_test.h"

namespace tokenwatch::detector {
namespace {

Token Full() {
  Token token;
  token.ref = SampleToken(1);
  token.state = TokenState::kDetected;
  token.origin = TokenOrigin::kMigration;
  token.name = "Pepe";
  token.symbol = "PEPE";
  token.uri = "ipfs://x";
  token.name_source = "metaplex";
  token.name_sanitized = true;
  token.creator = SampleAddress(2);
  token.venue = Word("pump");
  token.pool = SampleAddress(3);
  token.quote = SampleAddress(4);
  token.decimals = 0;
  token.supply = chain::Amount::Parse(kLargestAmount);
  token.is_mayhem = false;
  token.is_cashback = true;
  token.launch_transaction = SampleTransaction(5);
  token.launch_slot = 430'000'000;
  token.launched_at = SampleTime(1) + absl::Microseconds(1);
  token.first_seen_at = SampleTime(2);
  token.named_at = SampleTime(3);
  token.completed_at = SampleTime(4);
  token.migration = Migration{Word("pump-amm"), SampleTime(5), SampleTransaction(6)};
  token.feeds = {"pumpportal", "solana"};
  token.imitates = chain::TokenRef{chain::Chain::kEthereum, *chain::Address::ParseEvm(kEvmAddress)};
  token.first_cursor = 17;
  return token;
}

std::string Json(const Token& token) {
  std::string json;
  AppendTokenJson(token, json);
  return json;
}

// Reads what it writes, and writes the same again.
void ExpectRoundTrip(const Token& token) {
  const std::string json = Json(token);
  const auto read = ParseTokenJson(json, token.state);
  ASSERT_TRUE(read.ok()) << read.status() << " " << json;
  EXPECT_EQ(Json(*read), json);
  EXPECT_EQ(read->state, token.state);
  EXPECT_EQ(read->ref, token.ref);
  EXPECT_EQ(read->name, token.name);
  EXPECT_EQ(read->supply, token.supply);
  EXPECT_EQ(read->decimals, token.decimals);
  EXPECT_EQ(read->is_mayhem, token.is_mayhem);
  EXPECT_EQ(read->launched_at, token.launched_at);
  EXPECT_EQ(read->feeds, token.feeds);
  EXPECT_EQ(read->imitates, token.imitates);
  EXPECT_EQ(read->migration.has_value(), token.migration.has_value());
}

TEST(TokenJsonTest, FullAndMinimalTokensComeBack) {
  ExpectRoundTrip(Full());
  Token minimal;
  minimal.ref = SampleToken(1);
  minimal.first_seen_at = SampleTime(0);
  ExpectRoundTrip(minimal);
  Token evm = Full();
  evm.ref = *Full().imitates;
  ExpectRoundTrip(evm);
}

TEST(TokenJsonTest, HostileTextsComeBack) {
  for (const char* text : {"\"", "\\", "\\\"},{\"name\":\"x", "a\nb\tc\x01", "\u202e\u2028狗\U0001F600",
                           "'; DROP TABLE", "\\u0041", "{}[]:,", "</script>"}) {
    Token token = Full();
    token.name = token.symbol = token.uri = text;
    ExpectRoundTrip(token);
  }
}

TEST(TokenJsonTest, ARowOfTheDatabaseIsRead) {
  // As to_jsonb writes it: nulls for what is not known, times with an offset, the supply as text.
  std::string json = Json(Full());
  json.pop_back();
  absl::StrAppend(&json, R"(,"claimed_by":"","lease_until":"-infinity","claims":0})");
  absl::StrReplaceAll({{"Z\"", "+00:00\""}}, &json);
  const auto read = ParseTokenJson(json, TokenState::kPending);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->launched_at, Full().launched_at);
  EXPECT_EQ(read->state, TokenState::kPending);
  const std::string unknown =
      absl::StrReplaceAll(json, {{"\"is_mayhem\":false", "\"is_mayhem\":null"},
                                 {absl::StrCat("\"supply\":\"", kLargestAmount, "\""), "\"supply\":null"}});
  const auto nulls = ParseTokenJson(unknown, TokenState::kPending);
  ASSERT_TRUE(nulls.ok()) << nulls.status();
  EXPECT_EQ(nulls->is_mayhem, std::nullopt);
  EXPECT_EQ(nulls->supply, std::nullopt);
}

TEST(TokenJsonTest, WhatWasChangedByHandIsNamed) {
  for (const auto& [from, to, key] :
       {std::tuple{"\"origin\":\"migration\"", "\"origin\":\"magic\"", "origin"},
        std::tuple{"\"chain\":\"solana\"", "\"chain\":\"sol\"", "chain"},
        std::tuple{"\"name_sanitized\":true", "\"name_sanitized\":1", "name_sanitized"},
        std::tuple{"\"name\":\"Pepe\"", "\"name\":5", "name"},
        std::tuple{"\"first_cursor\":17", "\"first_cursor\":\"x\"", "first_cursor"},
        std::tuple{"\"venue\":\"pump\"", "\"venue\":\"a venue with far too long a name\"", "venue"}}) {
    const std::string json = absl::StrReplaceAll(Json(Full()), {{from, to}});
    const auto read = ParseTokenJson(json, TokenState::kDetected);
    EXPECT_TRUE(absl::IsInternal(read.status())) << to;
    EXPECT_TRUE(absl::StrContains(read.status().message(), absl::StrCat("\"", key, "\""))) << read.status();
  }
  for (const char* json : {"", "[]", "{", "5"}) {
    EXPECT_TRUE(absl::IsInternal(ParseTokenJson(json, TokenState::kDetected).status())) << json;
  }
}

TEST(TokenJsonTest, TextsAndTimes) {
  std::string text;
  AppendJsonText("a\"\\\n\x1f", text);
  EXPECT_EQ(text, R"("a\"\\\u000a\u001f")");
  std::string time;
  AppendTimeText(absl::FromUnixMicros(1'783'040'400'123'456), time);
  EXPECT_EQ(time, "2026-07-03T01:00:00.123456Z");
}

}  // namespace
}  // namespace tokenwatch::detector
