#include "chain/solana/pumpportal.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/str_replace.h"
#include "chain/solana/quote_tokens.h"
#include "chain/testing/fixtures.h"

namespace tokenwatch::chain {
namespace {

// The create of pool pump of the recorded pair, as the feed sends it.
constexpr char kCreate[] =
    R"({"signature":"55oY4Pe8WHGFxwZqyw5FE5j97pNGjEDAc2wxLXk9Ezafs4cWh1VHT3UbdfxDG9iMsB9KF9YunagvAb2HyJzVapxn",)"
    R"("mint":"JA4Hrx9MitYmwBXm4XzRJ2XHSRz9SNwWcVKj3jTdpump",)"
    R"("traderPublicKey":"9hmCtnEhF4f1xuy7PM4D8ZgZxRh9r5Jgs7sN8XkoMwkm","txType":"create",)"
    R"("initialBuy":1767779.855019,"solAmount":0.049506909,)"
    R"("bondingCurveKey":"8AR7AAKSifEhSHBNKcXqx6k7vTxn5d2dVLPuVqNzFr3o",)"
    R"("vTokensInBondingCurve":1071232220.144981,"vSolInBondingCurve":30.04950690863592,)"
    R"("marketCapSol":28.051347171548862,"name":"kick ","symbol":"kick",)"
    R"("uri":"https://ipfs.io/ipfs/QmRrAng41mJ4dMyHmjf2j5ePL4Q1sBfPPW7t72aEuf7ddf","is_mayhem_mode":false,"pool":"pump"})";

std::string With(absl::string_view from, absl::string_view to) {
  const std::string frame = absl::StrReplaceAll(kCreate, {{from, to}});
  EXPECT_NE(frame, kCreate) << from;
  return frame;
}

TEST(PumpPortalTest, WholeRecordedSession) {
  const std::vector<std::string> frames =
      testing::RecordedFrames(testing::ReadFixture("pumpportal/pumpportal_session_part1.jsonl"));
  ASSERT_EQ(frames.size(), 139u);
  PumpPortalDecoder decoder;
  int acks = 0, refusals = 0, pump = 0, bonk = 0, nameless = 0, mayhem = 0, migrations = 0, others = 0;
  int keys_match = 0, quote_mints = 0;
  for (const std::string& frame : frames) {
    const PumpPortalFrame decoded = decoder.Decode(frame);
    acks += std::holds_alternative<PumpPortalAck>(decoded) ? 1 : 0;
    refusals += std::holds_alternative<PumpPortalRefusal>(decoded) ? 1 : 0;
    migrations += std::holds_alternative<PumpPortalMigration>(decoded) ? 1 : 0;
    others +=
        std::holds_alternative<PumpPortalUnknown>(decoded) || std::holds_alternative<PumpPortalMalformed>(decoded);
    const PumpPortalCreate* create = std::get_if<PumpPortalCreate>(&decoded);
    if (create == nullptr) continue;
    bonk += create->pool == PumpPortalPool::kBonk ? 1 : 0;
    if (create->pool != PumpPortalPool::kPump) continue;
    ++pump;
    nameless += create->name ? 0 : 1;
    mayhem += create->is_mayhem_mode ? 1 : 0;
    quote_mints += IsQuoteToken(create->mint) ? 1 : 0;
    keys_match += CurveKeyMatches(*create) ? 1 : 0;
    EXPECT_EQ(create->broken_identities, 0u) << frame;
  }
  // The third message of the feed is the refusal of the trade subscription, which needs a funded key.
  EXPECT_EQ(acks, 2);
  EXPECT_EQ(refusals, 1);
  EXPECT_EQ(pump, 129);
  EXPECT_EQ(nameless, 7);
  EXPECT_EQ(mayhem, 29);
  EXPECT_EQ(bonk, 1);
  EXPECT_EQ(migrations, 6);
  EXPECT_EQ(others, 0);
  EXPECT_EQ(quote_mints, 7);
  EXPECT_EQ(keys_match, 109);
}

TEST(PumpPortalTest, PumpCreateInBaseUnits) {
  PumpPortalDecoder decoder;
  const PumpPortalFrame decoded = decoder.Decode(kCreate);
  const PumpPortalCreate& create = std::get<PumpPortalCreate>(decoded);
  EXPECT_EQ(create.pool, PumpPortalPool::kPump);
  EXPECT_EQ(create.mint.text(), "JA4Hrx9MitYmwBXm4XzRJ2XHSRz9SNwWcVKj3jTdpump");
  EXPECT_EQ(create.trader.text(), "9hmCtnEhF4f1xuy7PM4D8ZgZxRh9r5Jgs7sN8XkoMwkm");
  EXPECT_EQ(create.name, "kick ");
  EXPECT_EQ(create.symbol, "kick");
  EXPECT_EQ(create.initial_buy_tokens, 1'767'779'855'019u);
  EXPECT_EQ(create.sol_amount_lamports, 49'506'909u);
  EXPECT_EQ(create.virtual_token_reserves, 1'071'232'220'144'981u);
  EXPECT_EQ(create.virtual_sol_reserves_lamports, 30'049'506'909u);
  EXPECT_EQ(create.market_cap_sol, 28.051347171548862);
  EXPECT_FALSE(create.is_mayhem_mode);
  EXPECT_EQ(create.broken_identities, 0u);
  EXPECT_TRUE(CurveKeyMatches(create));
  EXPECT_FALSE(create.pool_tokens);
}

TEST(PumpPortalTest, BonkCreateHasOtherFields) {
  PumpPortalDecoder decoder;
  const PumpPortalFrame decoded = decoder.Decode(
      R"({"signature":"JpEno6KSxXdwfhszJMBfTagqAHZgwN3jsetuczeA28iGrY2mRvmQVwmuirqz9XB8wi1hN8SSvv76Ac8VjMqS3yi",)"
      R"("traderPublicKey":"9sHpTfmVpCfP2zexRNK6j38NBchMv1RWpdXPK5NEcZan","txType":"create",)"
      R"("mint":"AMD8XwJXgQ9WV45Wyj9yFLejxzf2J6VM1PJY8bJEjeES","tokensInPool":0.54209,)"
      R"("initialBuy":999999999.45791,"solAmount":0,"newTokenBalance":0,"marketCapSol":6036.297497991049,"pool":"bonk"})");
  const PumpPortalCreate& create = std::get<PumpPortalCreate>(decoded);
  EXPECT_EQ(create.pool, PumpPortalPool::kBonk);
  EXPECT_FALSE(create.name || create.symbol || create.uri || create.bonding_curve_key);
  EXPECT_EQ(create.initial_buy_tokens, 999'999'999'457'910u);
  EXPECT_EQ(create.pool_tokens, 542'090u);
  EXPECT_FALSE(create.pool_sol_lamports);
  EXPECT_EQ(create.broken_identities, 0u);
  EXPECT_FALSE(CurveKeyMatches(create));
}

TEST(PumpPortalTest, TheRecordedPairDecodes) {
  const std::string file = testing::ReadFixture("pumpportal/pumpportal_new_token_pump_and_bonk.json");
  PumpPortalDecoder decoder;
  for (const char* pool : {"pump", "bonk"}) {
    const size_t begin = file.find('{', file.find(std::string("\"") + pool + "\": {"));
    const std::string frame = file.substr(begin, file.find('}', begin) + 1 - begin);
    const PumpPortalFrame decoded = decoder.Decode(frame);
    ASSERT_TRUE(std::holds_alternative<PumpPortalCreate>(decoded)) << frame;
    EXPECT_EQ(PumpPortalPoolName(std::get<PumpPortalCreate>(decoded).pool), pool);
    EXPECT_EQ(std::get<PumpPortalCreate>(decoded).broken_identities, 0u);
  }
}

TEST(PumpPortalTest, TradesWithNullsAndFloats) {
  PumpPortalDecoder decoder;
  const PumpPortalFrame decoded = decoder.Decode(
      R"({"signature": "2tYAkDU3ASp8XC4msyutpMawuPELfsD2qirgSPsKr5i7FZr8H1AqFUZASscudwotapuZRY5ZTPmKntsMyGixkGZg",)"
      R"( "mint": "4B9s9NbiaU4Nnq7FAWKxBy8S1FU8g1U56Xvfcd5kpump", "traderPublicKey":)"
      R"( "GGQghMkPRe2e3k4Gr2nBntBXJvRYPHFsugXTQPCoYiE5", "txType": "sell", "tokenAmount": 48380145.811616 ,)"
      R"( "solAmount": 1.490000292, "tokensInPool": null, "solInPool": null, "marketCapSol": 29.37441752096924,)"
      R"( "pool": "pump"})");
  const PumpPortalTrade& trade = std::get<PumpPortalTrade>(decoded);
  EXPECT_FALSE(trade.is_buy);
  EXPECT_EQ(trade.token_amount, 48'380'145'811'616u);
  EXPECT_EQ(trade.sol_amount_lamports, 1'490'000'292u);
  EXPECT_FALSE(trade.virtual_token_reserves);
  const PumpPortalFrame buy = decoder.Decode(absl::StrReplaceAll(
      kCreate, {{"\"create\"", "\"buy\""}, {"\"initialBuy\":1767779.855019", "\"tokenAmount\":1e-6"}}));
  EXPECT_TRUE(std::get<PumpPortalTrade>(buy).is_buy);
  EXPECT_EQ(std::get<PumpPortalTrade>(buy).token_amount, 1u);
}

TEST(PumpPortalTest, EachIdentityIsNamedWhenItBreaks) {
  PumpPortalDecoder decoder;
  const auto broken = [&](absl::string_view from, absl::string_view to) {
    const PumpPortalFrame decoded = decoder.Decode(With(from, to));
    return std::get<PumpPortalCreate>(decoded).broken_identities;
  };
  const auto bit = [](CreateIdentity identity) { return 1u << static_cast<int>(identity); };
  EXPECT_EQ(broken("0.049506909", "0.049506911"), bit(CreateIdentity::kVirtualSol));
  EXPECT_EQ(broken("1767779.855019", "1767779.855021"), bit(CreateIdentity::kVirtualTokens));
  EXPECT_EQ(broken("28.051347171548862", "28.051347172548862"), bit(CreateIdentity::kMarketCap));
  EXPECT_EQ(broken("30.04950690863592", "30.04950690963592"),
            bit(CreateIdentity::kMarketCap) | bit(CreateIdentity::kProduct));
  EXPECT_EQ(broken("\"vSolInBondingCurve\":30.04950690863592,", ""),
            bit(CreateIdentity::kVirtualSol) | bit(CreateIdentity::kMarketCap) | bit(CreateIdentity::kProduct));
  for (int i = 0; i < kCreateIdentityCount; ++i) {
    EXPECT_NE(CreateIdentityName(static_cast<CreateIdentity>(i)), "unknown");
  }
}

TEST(PumpPortalTest, AForeignCurveKeyIsNoticed) {
  PumpPortalDecoder decoder;
  const PumpPortalFrame decoded = decoder.Decode(
      With("8AR7AAKSifEhSHBNKcXqx6k7vTxn5d2dVLPuVqNzFr3o", "GDEagEqdveEs9HYcd3pbDXfV8Xs7bKofbinvFwX6hP3i"));
  EXPECT_FALSE(CurveKeyMatches(std::get<PumpPortalCreate>(decoded)));
}

TEST(PumpPortalTest, WhatIsNotKnownIsKeptAsUnknown) {
  PumpPortalDecoder decoder;
  for (const std::string& frame : {With("\"pool\":\"pump\"", "\"pool\":\"moonshot\""), With("\"create\"", "\"burn\""),
                                   With("\"pump\"", "\"pump-amm\""), std::string("{}"), std::string("[1]"),
                                   std::string("5"), std::string("not json"), std::string(R"({"hello":1})")}) {
    EXPECT_TRUE(std::holds_alternative<PumpPortalUnknown>(decoder.Decode(frame))) << frame;
  }
}

TEST(PumpPortalTest, WhatIsDamagedIsMalformed) {
  PumpPortalDecoder decoder;
  for (const std::string& frame :
       {std::string(), std::string(kCreate) + "x", std::string(kCreate).substr(0, 200),
        With("\"mint\":\"JA4", "\"mint\":\"0A4"), With("\"signature\":\"55", "\"signature\":\"0"),
        With("\"traderPublicKey\"", "\"trader\""), With("0.049506909", "\"0.049506909\""), With("0.049506909", "-0.5"),
        With("0.049506909", "1e30"), With(",\"pool\":\"pump\"", ""), With("\"kick \"", "7"),
        With("\"kick \"", "\"" + std::string(kMaxPumpPortalTextBytes + 1, 'x') + "\""), With("\"kick \"", "\"\xff\""),
        std::string(size_t{1} << 19, ' ')}) {
    EXPECT_TRUE(std::holds_alternative<PumpPortalMalformed>(decoder.Decode(frame))) << frame.substr(0, 300);
  }
  EXPECT_TRUE(std::holds_alternative<PumpPortalMalformed>(decoder.Decode(absl::string_view())));
  EXPECT_TRUE(std::holds_alternative<PumpPortalCreate>(decoder.Decode(kCreate))) << "one bad frame harms no later one";
}

TEST(PumpPortalTest, MessagesAreAcksOrRefusals) {
  PumpPortalDecoder decoder;
  const PumpPortalFrame ack = decoder.Decode(R"({"message":"Successfully subscribed to keys."})");
  EXPECT_EQ(std::get<PumpPortalAck>(ack).message, "Successfully subscribed to keys.");
  const PumpPortalFrame refusal = decoder.Decode(R"({"errors":["no such method"]})");
  EXPECT_EQ(std::get<PumpPortalRefusal>(refusal).message, R"(["no such method"])");
}

}  // namespace
}  // namespace tokenwatch::chain
