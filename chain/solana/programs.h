// Ids of the Solana programs that decoders and address derivations name (pump-fun/pump-public-docs; Metaplex and SPL).
#pragma once

namespace tokenwatch::chain {

inline constexpr char kPumpProgram[] = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P";
inline constexpr char kMetaplexProgram[] = "metaqbxxUerdq28cj1RbAWkYQm3ybzjb6a8bt518x1s";
inline constexpr char kSplTokenProgram[] = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";
inline constexpr char kToken2022Program[] = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb";

}  // namespace tokenwatch::chain
