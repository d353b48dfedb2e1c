// The public sources of token names, as they would answer about the tokens of a simulated market (tests/sim): the
// market's truth file says what the tokens are called, and each source knows its share of them.
//
// Thread-safe once loaded.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/fakes/fake_dexscreener.h"
#include "tests/fakes/fake_http_server.h"
#include "tests/fakes/fake_solana_rpc.h"

namespace tokenwatch::fakes {

// Who knows a token's name, and alone.
enum class NameKeeper : std::uint8_t {
  kToken2022,    // metadata extension of the mint
  kMetaplex,     // metadata account beside the mint
  kUri,          // document at an ipfs:// address that the mint's metadata, which has no name, leads to
  kDexScreener,  // a pair; the chain knows no such account
  kNobody,
};
inline constexpr std::size_t kNameKeepers = 5;

// Of the token at `index` of the truth file. Out of ten: five, two, one, one and one.
NameKeeper NameKeeperOf(std::size_t index);

class SimulatedUpstreams {
 public:
  // Every answer comes after `latency`. All three listen on loopback, on ports of the system's choice.
  explicit SimulatedUpstreams(absl::Duration latency);

  // Takes the tokens of a truth file that tokenwatch-sim wrote, before the first request. NOT_FOUND when it cannot be
  // read, INVALID_ARGUMENT when it is no truth file.
  absl::Status Load(const std::string& path);

  // Tokens loaded, by NameKeeper.
  const std::array<std::size_t, kNameKeepers>& tokens() const { return tokens_; }
  std::uint16_t solana_port() { return solana_.server().port(); }
  std::uint16_t dexscreener_port() { return dexscreener_.server().port(); }
  std::uint16_t ipfs_port() const { return ipfs_.port(); }

 private:
  struct Token {
    std::string mint;
    std::string name;
    std::string symbol;
    std::string uri;
  };

  absl::Status Add(const Token& token, NameKeeper keeper);

  const absl::Duration latency_;
  std::array<std::size_t, kNameKeepers> tokens_ = {};
  FakeSolanaRpc solana_;
  FakeDexScreener dexscreener_;
  FakeHttpServer ipfs_;
};

}  // namespace tokenwatch::fakes
