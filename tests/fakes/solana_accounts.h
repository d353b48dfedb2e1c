// Account data of Solana tokens as the chain holds it, for fakes that answer getMultipleAccounts. Pure functions.
//
// Layouts: https://github.com/solana-program/token-2022 (mint, extensions, spl-token-metadata-interface) and
// https://developers.metaplex.com/token-metadata (metadata account, as created before 2024-10).
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "chain/solana/pubkey.h"

namespace tokenwatch::fakes {

// What a metadata account can hold of each text, in bytes.
inline constexpr size_t kMetaplexNameBytes = 32;
inline constexpr size_t kMetaplexSymbolBytes = 10;
inline constexpr size_t kMetaplexUriBytes = 200;

// A mint of the first token program: 82 bytes, six decimals, no authorities.
std::string SplMintData();

// A Token-2022 mint that carries its own metadata: the pointer to itself and the texts.
std::string Token2022MintData(const chain::Pubkey& mint, absl::string_view name, absl::string_view symbol,
                              absl::string_view uri);

// A Metaplex metadata account of 679 bytes. Texts are padded with NULs to the sizes above; longer ones are a bug of the
// caller.
std::string MetaplexData(const chain::Pubkey& mint, absl::string_view name, absl::string_view symbol,
                         absl::string_view uri);

}  // namespace tokenwatch::fakes
