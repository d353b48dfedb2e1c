// Account data that says what a Solana token is: SPL and Token-2022 mints, Metaplex metadata. Bounds-checked against
// hostile bytes; pure functions, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "chain/solana/pubkey.h"

namespace tokenwatch::chain {

// Longest name, symbol or uri taken from an account; a longer one is an error.
inline constexpr size_t kMaxAccountTextBytes = 4096;
// More extensions than any mint can hold are an error (about 30 types exist).
inline constexpr size_t kMaxMintExtensions = 64;

// Texts as the account's owner chose them: attacker-chosen bytes. `is_utf8` is false when one is not valid UTF-8.
struct TokenTexts {
  std::string name;
  std::string symbol;
  std::string uri;
  bool is_utf8 = true;
};

// Token-2022 extension types with a meaning here; the walk reports every type it meets.
enum class MintExtension : uint16_t {
  kTransferFeeConfig = 1,
  kMintCloseAuthority = 3,
  kConfidentialTransferMint = 4,
  kDefaultAccountState = 6,
  kNonTransferable = 9,
  kPermanentDelegate = 12,
  kTransferHook = 14,
  kMetadataPointer = 18,
  kTokenMetadata = 19,
  kScaledUiAmount = 25,
  kPausable = 26,
};

struct MetadataPointer {
  std::optional<Pubkey> authority;
  std::optional<Pubkey> metadata_address;
};

struct TokenMetadata {
  std::optional<Pubkey> update_authority;
  Pubkey mint;
  TokenTexts texts;
};

struct MintAccount {
  std::optional<Pubkey> mint_authority;
  uint64_t supply = 0;
  uint8_t decimals = 0;
  bool is_initialized = false;
  std::optional<Pubkey> freeze_authority;
  // Token-2022 only, in the order of the account; raw type numbers.
  std::vector<uint16_t> extensions;
  std::optional<MetadataPointer> metadata_pointer;
  std::optional<TokenMetadata> metadata;
};

// A mint of either token program: 82 bytes, or the same padded to 165, an account type of 1 and extensions.
// INVALID_ARGUMENT says what is wrong (other sizes such as token accounts, a bad option tag, a cut extension).
absl::StatusOr<MintAccount> DecodeMint(absl::Span<const uint8_t> data);

struct MetaplexMetadata {
  Pubkey update_authority;
  Pubkey mint;
  TokenTexts texts;  // without the NULs and blanks that pad them
  uint16_t seller_fee_basis_points = 0;
};

// A Metaplex metadata account (key 4; 679 bytes, 607 since 2024-10, other sizes too). INVALID_ARGUMENT says what is
// wrong; editions and other accounts of the program are among those.
absl::StatusOr<MetaplexMetadata> DecodeMetaplexMetadata(absl::Span<const uint8_t> data);

}  // namespace tokenwatch::chain
