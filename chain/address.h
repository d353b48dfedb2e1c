// Addresses and transaction ids in canonical form: base58 of 32 or 64 bytes on Solana, lower-case 0x hex of 20 or 32
// bytes on EVM chains. Values are plain bytes without heap; all functions may be called from any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "chain/chain.h"
#include "chain/inline_text.h"

namespace tokenwatch::chain {

// A token, wallet, program or pool address. A default-made one is empty; all others are canonical.
class Address : public InlineText<44> {
 public:
  constexpr Address() = default;

  // The base58 text of a 32-byte key.
  static Address FromSolanaBytes(const std::array<uint8_t, 32>& bytes);

  // Base58 that decodes to exactly 32 bytes, in its one canonical spelling; nullopt for anything else.
  static std::optional<Address> ParseSolana(absl::string_view text);

  // "0x" and 40 hex digits of any case, stored in lower case; nullopt for anything else. The mixed-case checksum of
  // EIP-55 is not verified, because sources spell addresses in every way.
  static std::optional<Address> ParseEvm(absl::string_view text);

  // Takes a text that is canonical already, such as one read back from an own table, without checking it beyond its
  // length: nullopt when it does not fit.
  static std::optional<Address> FromCanonical(absl::string_view text);

 private:
  using InlineText::InlineText;
};

// Parses for a known chain; nullopt when the text is no address of that chain or the chain is kUnknown.
std::optional<Address> ParseAddress(Chain chain, absl::string_view text);

// The same for text from outside. INVALID_ARGUMENT names the field (`chain` or `address`), what it holds (cut to 80
// bytes, escaped) and what is expected.
absl::StatusOr<Address> ParseAddress(absl::string_view chain, absl::string_view text);

// A transaction: Solana's first signature, or an EVM transaction hash.
class TransactionId : public InlineText<88> {
 public:
  constexpr TransactionId() = default;

  // The base58 text of a 64-byte signature.
  static TransactionId FromSolanaBytes(const std::array<uint8_t, 64>& bytes);

  // Base58 that decodes to exactly 64 bytes, canonical; nullopt for anything else.
  static std::optional<TransactionId> ParseSolana(absl::string_view text);

  // "0x" and 64 hex digits of any case, stored in lower case; nullopt for anything else.
  static std::optional<TransactionId> ParseEvm(absl::string_view text);

  // As Address::FromCanonical.
  static std::optional<TransactionId> FromCanonical(absl::string_view text);

 private:
  using InlineText::InlineText;
};

// Parses for a known chain; nullopt when the text is no transaction of that chain or the chain is kUnknown.
std::optional<TransactionId> ParseTransactionId(Chain chain, absl::string_view text);

// The same for text from outside; INVALID_ARGUMENT names the field (`chain` or `transaction`).
absl::StatusOr<TransactionId> ParseTransactionId(absl::string_view chain, absl::string_view text);

// One token on one chain: the key of every table.
struct TokenRef {
  Chain chain = Chain::kUnknown;
  Address address;

  friend bool operator==(const TokenRef& a, const TokenRef& b) { return a.chain == b.chain && a.address == b.address; }
  friend bool operator!=(const TokenRef& a, const TokenRef& b) { return !(a == b); }
  friend bool operator<(const TokenRef& a, const TokenRef& b) {
    return a.chain != b.chain ? a.chain < b.chain : a.address < b.address;
  }
  template <typename H>
  friend H AbslHashValue(H state, const TokenRef& token) {
    return H::combine(std::move(state), token.chain, token.address);
  }
};

}  // namespace tokenwatch::chain
