#include "chain/solana/pda.h"

#include <sodium.h>

#include "chain/solana/edwards25519.h"
#include "chain/solana/programs.h"

namespace tokenwatch::chain {
namespace {

constexpr size_t kMaxSeeds = 15;
constexpr size_t kMaxSeedBytes = 32;
constexpr absl::string_view kMarker = "ProgramDerivedAddress";

void Update(crypto_hash_sha256_state& state, absl::string_view bytes) {
  crypto_hash_sha256_update(&state, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

}  // namespace

std::optional<ProgramAddress> FindProgramAddress(absl::Span<const absl::string_view> seeds, const Pubkey& program) {
  if (seeds.size() > kMaxSeeds) return std::nullopt;
  crypto_hash_sha256_state seeded;
  crypto_hash_sha256_init(&seeded);
  for (absl::string_view seed : seeds) {
    if (seed.size() > kMaxSeedBytes) return std::nullopt;
    Update(seeded, seed);
  }
  for (int bump = 255; bump >= 0; --bump) {
    ProgramAddress found;
    found.bump = static_cast<uint8_t>(bump);
    crypto_hash_sha256_state state = seeded;
    crypto_hash_sha256_update(&state, &found.bump, 1);
    Update(state, SeedOf(program));
    Update(state, kMarker);
    crypto_hash_sha256_final(&state, found.address.bytes.data());
    if (!IsOnEdwards25519(found.address.bytes)) return found;
  }
  return std::nullopt;
}

Pubkey BondingCurveAddress(const Pubkey& mint) {
  static const Pubkey program = PubkeyFromConstant(kPumpProgram);
  // Seeds within the limits always have an address but for odds of 2^-256; zeros then, which match nothing.
  return FindProgramAddress({"bonding-curve", SeedOf(mint)}, program).value_or(ProgramAddress{}).address;
}

Pubkey MetadataAddress(const Pubkey& mint) {
  static const Pubkey program = PubkeyFromConstant(kMetaplexProgram);
  return FindProgramAddress({"metadata", SeedOf(program), SeedOf(mint)}, program).value_or(ProgramAddress{}).address;
}

}  // namespace tokenwatch::chain
