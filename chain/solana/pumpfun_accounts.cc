#include "chain/solana/pumpfun_accounts.h"

#include "absl/strings/str_cat.h"
#include "chain/byte_reader.h"

namespace tokenwatch::chain {
namespace {

constexpr uint64_t kBondingCurve = __builtin_bswap64(0x17b7f83760d8ac60);
constexpr size_t kFirstLayoutBytes = 49;

bool HasKey(const ByteReader& in) { return in.remaining() >= 32; }

Pubkey ReadKey(ByteReader& in) {
  Pubkey key;
  in.Copy(key.bytes.data(), key.bytes.size());
  return key;
}

}  // namespace

absl::StatusOr<BondingCurveAccount> DecodeBondingCurve(absl::Span<const uint8_t> data) {
  if (data.size() < kFirstLayoutBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("bonding curve account: ", data.size(), " bytes, at least ", kFirstLayoutBytes, " expected"));
  }
  ByteReader in(data);
  if (in.Read<uint64_t>() != kBondingCurve) {
    return absl::InvalidArgumentError("bonding curve account: the discriminator is another account's");
  }
  BondingCurveAccount account;
  account.reserves.virtual_tokens = in.Read<uint64_t>();
  account.reserves.virtual_lamports = in.Read<uint64_t>();
  account.reserves.real_tokens = in.Read<uint64_t>();
  account.reserves.real_lamports = in.Read<uint64_t>();
  account.token_total_supply = in.Read<uint64_t>();
  account.complete = in.Read<uint8_t>() != 0;
  if (HasKey(in)) account.creator = ReadKey(in);
  if (account.creator && in.remaining() >= 1) account.is_mayhem_mode = in.Read<uint8_t>() != 0;
  if (account.is_mayhem_mode && in.remaining() >= 1) account.is_cashback_enabled = in.Read<uint8_t>() != 0;
  if (account.is_cashback_enabled && HasKey(in)) account.quote_mint = ReadKey(in);
  if (account.quote_mint && in.remaining() >= 8) account.creator_fee_basis_points = in.Read<uint64_t>();
  return account;
}

}  // namespace tokenwatch::chain
