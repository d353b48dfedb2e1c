#include "tests/fakes/solana_accounts.h"

#include <cassert>
#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "chain/solana/pda.h"
#include "chain/solana/token_accounts.h"

namespace tokenwatch::fakes {
namespace {

constexpr std::uint64_t kSupply = 1'000'000'000'000'000;
constexpr std::uint8_t kDecimals = 6;
// Where the account type of a Token-2022 account stands, whatever the size of the base.
constexpr std::size_t kAccountTypeOffset = 165;
constexpr char kMintAccountType = 1;
constexpr std::uint8_t kMetaplexMetadataKey = 4;
constexpr std::size_t kMetaplexAccountBytes = 679;

// Little-endian, as everything on Solana.
void AppendNumber(std::uint64_t value, std::size_t size, std::string& out) {
  for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

void AppendKey(const chain::Pubkey& key, std::string& out) {
  const absl::string_view bytes = chain::SeedOf(key);
  out.append(bytes.data(), bytes.size());
}

void AppendText(absl::string_view text, std::size_t padded_size, std::string& out) {
  assert(text.size() <= padded_size);
  AppendNumber(padded_size, 4, out);
  out.append(text.data(), text.size());
  out.append(padded_size - text.size(), '\0');
}

void AppendExtension(chain::MintExtension type, const std::string& value, std::string& out) {
  AppendNumber(static_cast<std::uint16_t>(type), 2, out);
  AppendNumber(value.size(), 2, out);
  out += value;
}

}  // namespace

std::string SplMintData() {
  std::string data;
  AppendNumber(0, 4, data);  // no mint authority
  AppendKey(chain::Pubkey(), data);
  AppendNumber(kSupply, 8, data);
  AppendNumber(kDecimals, 1, data);
  AppendNumber(1, 1, data);  // initialised
  AppendNumber(0, 4, data);  // no freeze authority
  AppendKey(chain::Pubkey(), data);
  return data;
}

std::string Token2022MintData(const chain::Pubkey& mint, absl::string_view name, absl::string_view symbol,
                              absl::string_view uri) {
  std::string pointer;
  AppendKey(chain::Pubkey(), pointer);  // no authority
  AppendKey(mint, pointer);
  std::string metadata;
  AppendKey(chain::Pubkey(), metadata);  // no update authority
  AppendKey(mint, metadata);
  for (const absl::string_view text : {name, symbol, uri}) AppendText(text, text.size(), metadata);
  AppendNumber(0, 4, metadata);  // no additional fields

  std::string data = SplMintData();
  data.resize(kAccountTypeOffset);
  data.push_back(kMintAccountType);
  AppendExtension(chain::MintExtension::kMetadataPointer, pointer, data);
  AppendExtension(chain::MintExtension::kTokenMetadata, metadata, data);
  return data;
}

std::string MetaplexData(const chain::Pubkey& mint, absl::string_view name, absl::string_view symbol,
                         absl::string_view uri) {
  std::string data;
  AppendNumber(kMetaplexMetadataKey, 1, data);
  AppendKey(chain::Pubkey(), data);  // update authority
  AppendKey(mint, data);
  AppendText(name, kMetaplexNameBytes, data);
  AppendText(symbol, kMetaplexSymbolBytes, data);
  AppendText(uri, kMetaplexUriBytes, data);
  AppendNumber(0, 2, data);  // seller fee
  data.resize(kMetaplexAccountBytes);
  return data;
}

}  // namespace tokenwatch::fakes
