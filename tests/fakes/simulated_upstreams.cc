#include "tests/fakes/simulated_upstreams.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "chain/solana/pda.h"
#include "chain/solana/programs.h"
#include "chain/solana/pubkey.h"
#include "tests/fakes/solana_accounts.h"

namespace tokenwatch::fakes {
namespace {

namespace json = boost::json;

std::string Base58(const chain::Pubkey& key) { return std::string(key.ToAddress().text()); }

absl::Status Malformed(const std::string& path, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(path, " is no truth file of tokenwatch-sim (", what, "): write it with --truth"));
}

}  // namespace

NameKeeper NameKeeperOf(std::size_t index) {
  constexpr NameKeeper kOutOfTen[] = {NameKeeper::kToken2022,   NameKeeper::kMetaplex,  NameKeeper::kToken2022,
                                      NameKeeper::kUri,         NameKeeper::kToken2022, NameKeeper::kToken2022,
                                      NameKeeper::kDexScreener, NameKeeper::kMetaplex,  NameKeeper::kToken2022,
                                      NameKeeper::kNobody};
  return kOutOfTen[index % std::size(kOutOfTen)];
}

SimulatedUpstreams::SimulatedUpstreams(absl::Duration latency) : latency_(latency) {
  solana_.SetDelay(latency);
  dexscreener_.SetDelay(latency);
}

absl::Status SimulatedUpstreams::Load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, " cannot be read: ", std::strerror(errno)));
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  boost::system::error_code error;
  const json::value document = json::parse(text, error);
  if (error) return Malformed(path, "it is no JSON");
  const json::object* object = document.if_object();
  const json::value* list = object != nullptr ? object->if_contains("tokens") : nullptr;
  if (list == nullptr || !list->is_array()) return Malformed(path, "it lists no tokens");
  std::size_t index = 0;
  for (const json::value& entry : list->get_array()) {
    Token token;
    const std::pair<const char*, std::string*> members[] = {
        {"mint", &token.mint}, {"name", &token.name}, {"symbol", &token.symbol}, {"uri", &token.uri}};
    for (const auto& [key, value] : members) {
      const json::value* member = entry.is_object() ? entry.get_object().if_contains(key) : nullptr;
      if (member == nullptr || !member->is_string()) return Malformed(path, absl::StrCat("a token without ", key));
      value->assign(member->get_string().data(), member->get_string().size());
    }
    if (absl::Status status = Add(token, NameKeeperOf(index++)); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status SimulatedUpstreams::Add(const Token& token, NameKeeper keeper) {
  const std::optional<chain::Pubkey> mint = chain::ParsePubkey(token.mint);
  if (!mint.has_value()) return absl::InvalidArgumentError(absl::StrCat(token.mint, " is no Solana address"));
  // What does not fit Metaplex's fixed fields lives in an extension, as on the chain.
  if (keeper == NameKeeper::kMetaplex &&
      (token.name.size() > kMetaplexNameBytes || token.symbol.size() > kMetaplexSymbolBytes ||
       token.uri.size() > kMetaplexUriBytes)) {
    keeper = NameKeeper::kToken2022;
  }
  ++tokens_[static_cast<std::size_t>(keeper)];
  switch (keeper) {
    case NameKeeper::kToken2022:
      solana_.SetAccount(token.mint, {.owner = chain::kToken2022Program,
                                      .data = Token2022MintData(*mint, token.name, token.symbol, token.uri)});
      break;
    case NameKeeper::kMetaplex:
      solana_.SetAccount(token.mint, {.owner = chain::kSplTokenProgram, .data = SplMintData()});
      solana_.SetAccount(
          Base58(chain::MetadataAddress(*mint)),
          {.owner = chain::kMetaplexProgram, .data = MetaplexData(*mint, token.name, token.symbol, token.uri)});
      break;
    case NameKeeper::kUri: {
      const std::string place = absl::StrCat(token.mint, "/metadata.json");
      solana_.SetAccount(token.mint, {.owner = chain::kToken2022Program,
                                      .data = Token2022MintData(*mint, "", "", absl::StrCat("ipfs://", place))});
      ipfs_.Route(absl::StrCat("/ipfs/", place),
                  FakeReply{.body = json::serialize(json::object{{"name", token.name}, {"symbol", token.symbol}}),
                            .headers = {{"Content-Type", "application/json"}},
                            .delay = latency_});
      break;
    }
    case NameKeeper::kDexScreener:
      dexscreener_.AddPair("solana", {.dex_id = "pumpfun",
                                      .pair_address = Base58(chain::BondingCurveAddress(*mint)),
                                      .base = {token.mint, token.name, token.symbol}});
      break;
    case NameKeeper::kNobody:
      break;
  }
  return absl::OkStatus();
}

}  // namespace tokenwatch::fakes
