#include "tests/fuzz/seeds.h"

#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "chain/testing/fixtures.h"
#include "pricing/candles/candle_chunk.h"
#include "pricing/testing/trades.h"

namespace tokenwatch::fuzz {
namespace {

namespace fixtures = chain::testing;

std::string Raw(const std::vector<uint8_t>& bytes) { return std::string(bytes.begin(), bytes.end()); }

std::vector<std::string> LogsSeeds() {
  std::vector<std::string> seeds =
      fixtures::RecordedFrames(fixtures::ReadFixture("solana_rpc/logs_subscribe_pumpfun_a.jsonl"));
  seeds.push_back(R"({"jsonrpc":"2.0","error":{"code":-32602,"message":"Invalid \"params\""},"id":1})");
  return seeds;
}

std::vector<std::string> EventSeeds() {
  std::vector<std::string> seeds;
  for (const char* file :
       {"chainstack_raw_create_tx_from_gettransaction.json", "chainstack_raw_create_tx_from_blocksubscribe.json",
        "chainstack_raw_buy_tx_from_gettransaction.json"}) {
    for (const std::string& line :
         fixtures::RecordedLogMessages(fixtures::ReadFixture(absl::StrCat("solana_rpc/", file)))) {
      constexpr absl::string_view prefix = "Program data: ";
      if (absl::StartsWith(line, prefix)) seeds.push_back(Raw(fixtures::Base64(line.substr(prefix.size()))));
    }
  }
  // Events that no recorded transaction holds: the discriminator and counting bytes.
  for (absl::string_view discriminator : {absl::string_view("\x5f\x72\x61\x9c\xd4\x2e\x98\x08", 8),
                                          absl::string_view("\xbd\xe9\x5d\xb9\x5c\x94\xea\x94", 8),
                                          absl::string_view("\x75\x7b\xe4\xb6\xa1\xa8\xdc\xd6", 8)}) {
    std::string seed(discriminator);
    for (int i = 0; i < 192; ++i) seed += static_cast<char>(i);
    seeds.push_back(std::move(seed));
  }
  return seeds;
}

std::vector<std::string> PumpPortalSeeds() {
  std::vector<std::string> seeds =
      fixtures::RecordedFrames(fixtures::ReadFixture("pumpportal/pumpportal_session_part1.jsonl"));
  seeds.push_back(
      R"({"signature":"2tYAkDU3ASp8XC4msyutpMawuPELfsD2qirgSPsKr5i7FZr8H1AqFUZASscudwotapuZRY5ZTPmKntsMyGixkGZg",)"
      R"("mint":"4B9s9NbiaU4Nnq7FAWKxBy8S1FU8g1U56Xvfcd5kpump","traderPublicKey":)"
      R"("GGQghMkPRe2e3k4Gr2nBntBXJvRYPHFsugXTQPCoYiE5","txType":"sell","tokenAmount":48380145.811616,)"
      R"("solAmount":1.490000292,"tokensInPool":null,"solInPool":null,"marketCapSol":29.37441752096924,"pool":"pump"})");
  return seeds;
}

std::vector<std::string> AccountSeeds() {
  std::vector<std::string> seeds;
  for (const fixtures::RecordedAccount& account : fixtures::RecordedCurveAccounts()) seeds.push_back(Raw(account.data));
  std::string mint(82, '\1');
  seeds.push_back(mint);
  // A Token-2022 mint with a metadata pointer and metadata, all of whose texts are "\1" repeated.
  mint.assign(82, '\0');
  mint.resize(165);
  mint +=
      std::string("\1\x12\0\x40\0", 5) + std::string(64, '\1') + std::string("\x13\0\x52\0", 4) + std::string(64, '\1');
  for (int i = 0; i < 3; ++i) mint += std::string("\2\0\0\0ab", 6);
  seeds.push_back(mint);
  std::string metadata = "\4" + std::string(64, '\1');
  for (int i = 0; i < 3; ++i) metadata += std::string("\4\0\0\0ab\0\0", 8);
  seeds.push_back(metadata + std::string(100, '\0'));
  return seeds;
}

std::vector<std::string> Erc20Seeds() {
  std::vector<std::string> seeds;
  for (const std::string& line : fixtures::Lines(fixtures::ReadFixture("evm/eth_call_token_metadata_a.jsonl"))) {
    const size_t begin = line.find("\"result\": \"") + 11;
    seeds.push_back(line.substr(begin, line.find('"', begin) - begin));
  }
  std::string abi(96, '\0');
  abi[31] = 32;
  abi[63] = 3;
  abi.replace(64, 3, "ETH");
  seeds.push_back(abi);
  return seeds;
}

std::vector<std::string> AddressSeeds() {
  return {"EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
          "11111111111111111111111111111111",
          "55oY4Pe8WHGFxwZqyw5FE5j97pNGjEDAc2wxLXk9Ezafs4cWh1VHT3UbdfxDG9iMsB9KF9YunagvAb2HyJzVapxn",
          "0x9f8f72aa9304c8b593d555f12ef6589cc3a579a2",
          absl::StrCat("0x", std::string(64, 'a')),
          std::string(64, '\xff'),
          "115792089237316195423570985008687907853269984665640564039457584007913129639935",
          "30.04950690863592",
          "9.98e-7",
          "Zm9vYmE="};
}

std::vector<std::string> CandleChunkSeeds() {
  namespace samples = pricing::testing;
  const auto chunk_of = [](const std::vector<pricing::Trade>& trades) {
    pricing::CandleChunk chunk(samples::Start());
    for (const pricing::Trade& trade : trades) {
      const auto price = pricing::PriceOf(trade);
      if (!price || pricing::ChunkStart(trade.event_time) != chunk.start()) continue;
      chunk.Add(pricing::CandleOf(trade, price->ratio, pricing::Interval::k1m));
    }
    return chunk.Encode();
  };
  // The first is the empty chunk. A curve's minutes are written as differences, messy ones also as they are.
  std::vector<std::string> seeds = {chunk_of({}), chunk_of({samples::SomeTrade(1, 1)})};
  samples::Curve curve(1, 1);
  std::vector<pricing::Trade> trades;
  for (uint64_t i = 0; i < 40; ++i) {
    trades.push_back(curve.Next(5'000'000 + 3 * i, samples::Start() + absl::Milliseconds(37'501 * i)));
    if (i % 13 == 0) seeds.push_back(chunk_of(trades));
  }
  for (uint64_t seed = 0; seed < 6; ++seed) seeds.push_back(chunk_of(samples::MessyTrades(seed, 60 + 60 * seed)));
  return seeds;
}

}  // namespace

std::vector<std::string> Seeds(absl::string_view target) {
  if (target == "LogsNotification") return LogsSeeds();
  if (target == "PumpEvents") return EventSeeds();
  if (target == "PumpPortal") return PumpPortalSeeds();
  if (target == "TokenAccounts") return AccountSeeds();
  if (target == "Erc20") return Erc20Seeds();
  if (target == "Addresses") return AddressSeeds();
  if (target == "CandleChunk") return CandleChunkSeeds();
  return {};
}

}  // namespace tokenwatch::fuzz
