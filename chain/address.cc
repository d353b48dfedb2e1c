#include "chain/address.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "chain/base58.h"

namespace tokenwatch::chain {
namespace {

constexpr size_t kMaxShownBytes = 80;

// "0x" and `kDigits` hex digits to lower case in `out`; false for anything else.
template <size_t kDigits>
bool CanonicalHex(absl::string_view text, char (&out)[kDigits + 2]) {
  if (text.size() != kDigits + 2 || text[0] != '0' || (text[1] != 'x' && text[1] != 'X')) return false;
  out[0] = '0';
  out[1] = 'x';
  for (size_t i = 2; i < text.size(); ++i) {
    char c = text[i];
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
    out[i] = c;
  }
  return true;
}

absl::Status UnknownChain(absl::string_view chain) {
  return absl::InvalidArgumentError(absl::StrCat("chain: \"", absl::CHexEscape(chain.substr(0, kMaxShownBytes)),
                                                 "\" is not one of solana, ethereum, base, bsc"));
}

absl::Status BadText(absl::string_view field, absl::string_view text, Chain chain, absl::string_view solana_form,
                     absl::string_view evm_form) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": \"", absl::CHexEscape(text.substr(0, kMaxShownBytes)),
                                                 "\" is not ", IsEvm(chain) ? evm_form : solana_form, " as ",
                                                 ChainName(chain), " has"));
}

}  // namespace

Address Address::FromSolanaBytes(const std::array<uint8_t, 32>& bytes) {
  char text[kMaxBase58Size32];
  return Address(absl::string_view(text, EncodeBase58(bytes, text)));
}

std::optional<Address> Address::ParseSolana(absl::string_view text) {
  std::array<uint8_t, 32> bytes;
  if (!DecodeBase58(text, bytes)) return std::nullopt;
  return Address(text);
}

std::optional<Address> Address::ParseEvm(absl::string_view text) {
  char canonical[42];
  if (!CanonicalHex<40>(text, canonical)) return std::nullopt;
  return Address(absl::string_view(canonical, sizeof(canonical)));
}

std::optional<Address> Address::FromCanonical(absl::string_view text) {
  if (text.size() > kMaxSize) return std::nullopt;
  return Address(text);
}

TransactionId TransactionId::FromSolanaBytes(const std::array<uint8_t, 64>& bytes) {
  char text[kMaxBase58Size64];
  return TransactionId(absl::string_view(text, EncodeBase58(bytes, text)));
}

std::optional<TransactionId> TransactionId::ParseSolana(absl::string_view text) {
  std::array<uint8_t, 64> bytes;
  if (!DecodeBase58(text, bytes)) return std::nullopt;
  return TransactionId(text);
}

std::optional<TransactionId> TransactionId::ParseEvm(absl::string_view text) {
  char canonical[66];
  if (!CanonicalHex<64>(text, canonical)) return std::nullopt;
  return TransactionId(absl::string_view(canonical, sizeof(canonical)));
}

std::optional<TransactionId> TransactionId::FromCanonical(absl::string_view text) {
  if (text.size() > kMaxSize) return std::nullopt;
  return TransactionId(text);
}

std::optional<Address> ParseAddress(Chain chain, absl::string_view text) {
  if (chain == Chain::kSolana) return Address::ParseSolana(text);
  if (IsEvm(chain)) return Address::ParseEvm(text);
  return std::nullopt;
}

absl::StatusOr<Address> ParseAddress(absl::string_view chain, absl::string_view text) {
  const Chain known = ParseChain(chain);
  if (known == Chain::kUnknown) return UnknownChain(chain);
  std::optional<Address> address = ParseAddress(known, text);
  if (!address) return BadText("address", text, known, "base58 of 32 bytes", "0x and 40 hex digits");
  return *address;
}

std::optional<TransactionId> ParseTransactionId(Chain chain, absl::string_view text) {
  if (chain == Chain::kSolana) return TransactionId::ParseSolana(text);
  if (IsEvm(chain)) return TransactionId::ParseEvm(text);
  return std::nullopt;
}

absl::StatusOr<TransactionId> ParseTransactionId(absl::string_view chain, absl::string_view text) {
  const Chain known = ParseChain(chain);
  if (known == Chain::kUnknown) return UnknownChain(chain);
  std::optional<TransactionId> id = ParseTransactionId(known, text);
  if (!id) return BadText("transaction", text, known, "base58 of 64 bytes", "0x and 64 hex digits");
  return *id;
}

}  // namespace tokenwatch::chain
