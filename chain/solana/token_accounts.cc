#include "chain/solana/token_accounts.h"

#include <simdjson.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "chain/byte_reader.h"

namespace tokenwatch::chain {
namespace {

constexpr size_t kMintBytes = 82;
// Token-2022 pads a mint to the size of a token account, so that the account type stands at the same place in both.
constexpr size_t kTokenAccountBytes = 165;
constexpr uint8_t kAccountTypeMint = 1;
constexpr size_t kTlvHeaderBytes = 4;
constexpr uint8_t kMetadataV1Key = 4;

absl::Status Invalid(absl::string_view what) { return absl::InvalidArgumentError(what); }

Pubkey ReadKey(ByteReader& in) {
  Pubkey key;
  in.Copy(key.bytes.data(), key.bytes.size());
  return key;
}

// A key whose zeros mean "none".
std::optional<Pubkey> ReadOptionalKey(ByteReader& in) {
  const Pubkey key = ReadKey(in);
  if (key.IsZero()) return std::nullopt;
  return key;
}

// COption<Pubkey>: a u32 tag, then always 32 bytes. False for a tag that is neither 0 nor 1.
bool ReadTaggedKey(ByteReader& in, std::optional<Pubkey>& key) {
  const uint32_t tag = in.Read<uint32_t>();
  const Pubkey value = ReadKey(in);
  if (tag == 1) key = value;
  return tag <= 1;
}

// Reads name, symbol and uri; false when one is cut or too long.
bool ReadTexts(ByteReader& in, TokenTexts& texts) {
  for (std::string* text : {&texts.name, &texts.symbol, &texts.uri}) {
    const absl::string_view bytes = in.TakeText();
    if (in.failed() || bytes.size() > kMaxAccountTextBytes) return false;
    text->assign(bytes.data(), bytes.size());
    texts.is_utf8 = texts.is_utf8 && simdjson::validate_utf8(bytes.data(), bytes.size());
  }
  return true;
}

absl::Status ReadExtension(uint16_t type, absl::Span<const uint8_t> value, MintAccount& account) {
  ByteReader in(value);
  if (type == static_cast<uint16_t>(MintExtension::kMetadataPointer)) {
    MetadataPointer pointer;
    pointer.authority = ReadOptionalKey(in);
    pointer.metadata_address = ReadOptionalKey(in);
    if (in.failed()) return Invalid("mint: the metadata pointer is cut");
    if (!account.metadata_pointer) account.metadata_pointer = pointer;
  } else if (type == static_cast<uint16_t>(MintExtension::kTokenMetadata)) {
    TokenMetadata metadata;
    metadata.update_authority = ReadOptionalKey(in);
    metadata.mint = ReadKey(in);
    if (!ReadTexts(in, metadata.texts)) return Invalid("mint: the token metadata is cut or a text is too long");
    if (!account.metadata) account.metadata = std::move(metadata);
  }
  return absl::OkStatus();
}

// Entries of u16 type, u16 length, value. A type of 0, or fewer bytes than a header, is the unused rest.
absl::Status ReadExtensions(ByteReader& in, MintAccount& account) {
  while (in.remaining() >= kTlvHeaderBytes) {
    const uint16_t type = in.Read<uint16_t>();
    const uint16_t length = in.Read<uint16_t>();
    if (type == 0) return absl::OkStatus();
    const absl::Span<const uint8_t> value = in.Take(length);
    if (in.failed()) {
      return Invalid(absl::StrCat("mint: extension ", type, " of ", length, " bytes reaches past the account"));
    }
    if (account.extensions.size() == kMaxMintExtensions) return Invalid("mint: more extensions than there are types");
    account.extensions.push_back(type);
    if (absl::Status status = ReadExtension(type, value, account); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::string_view Trim(absl::string_view text) {
  // Everything from the first NUL on is padding; blanks before it are of those who padded by hand.
  text = text.substr(0, text.find('\0'));
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return text;
}

}  // namespace

absl::StatusOr<MintAccount> DecodeMint(absl::Span<const uint8_t> data) {
  const bool extended = data.size() > kTokenAccountBytes;
  if (data.size() != kMintBytes && !extended) {
    return Invalid(
        absl::StrCat("mint: ", data.size(), " bytes, ", kMintBytes, " or more than ", kTokenAccountBytes, " expected"));
  }
  ByteReader in(data);
  MintAccount account;
  bool tags_ok = ReadTaggedKey(in, account.mint_authority);
  account.supply = in.Read<uint64_t>();
  account.decimals = in.Read<uint8_t>();
  account.is_initialized = in.Read<uint8_t>() != 0;
  tags_ok = ReadTaggedKey(in, account.freeze_authority) && tags_ok;
  if (!tags_ok) return Invalid("mint: the tag of an optional authority is neither 0 nor 1");
  if (!extended) return account;
  in.Take(kTokenAccountBytes - kMintBytes);
  if (in.Read<uint8_t>() != kAccountTypeMint) return Invalid("mint: the account type is another one");
  if (absl::Status status = ReadExtensions(in, account); !status.ok()) return status;
  return account;
}

absl::StatusOr<MetaplexMetadata> DecodeMetaplexMetadata(absl::Span<const uint8_t> data) {
  ByteReader in(data);
  if (in.Read<uint8_t>() != kMetadataV1Key || in.failed()) {
    return Invalid("metadata account: the first byte is not 4, so it is another kind of account");
  }
  MetaplexMetadata metadata;
  metadata.update_authority = ReadKey(in);
  metadata.mint = ReadKey(in);
  if (!ReadTexts(in, metadata.texts)) return Invalid("metadata account: it is cut, or a text is too long");
  metadata.seller_fee_basis_points = in.Read<uint16_t>();
  if (in.failed()) return Invalid("metadata account: it is cut");
  for (std::string* text : {&metadata.texts.name, &metadata.texts.symbol, &metadata.texts.uri}) {
    const absl::string_view trimmed = Trim(*text);
    *text = std::string(trimmed.data(), trimmed.size());
  }
  return metadata;
}

}  // namespace tokenwatch::chain
