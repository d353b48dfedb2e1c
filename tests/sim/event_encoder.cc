#include "tests/sim/event_encoder.h"

#include <cstddef>
#include <cstdint>

namespace tokenwatch::sim {
namespace {

// First 8 bytes of sha256("event:" + name), most significant byte first.
constexpr uint64_t kCreateEvent = 0x1b72a94ddeeb6376;
constexpr uint64_t kTradeEvent = 0xbddb7fd34ee661ee;
constexpr uint64_t kCompleteEvent = 0x5f72619cd42e9808;
constexpr uint64_t kMigrationEvent = 0xbde95db95c94ea94;
constexpr uint64_t kMayhemReservesEvent = 0x757be4b6a1a8dcd6;

// Appends little-endian fields on machines of either byte order.
class FieldWriter {
 public:
  FieldWriter(uint64_t discriminator, std::string* out) : out_(out) {
    out_->clear();
    for (int shift = 56; shift >= 0; shift -= 8) out_->push_back(static_cast<char>(discriminator >> shift));
  }

  FieldWriter& Unsigned64(uint64_t value) { return Bytes<8>(value); }
  FieldWriter& Unsigned32(uint32_t value) { return Bytes<4>(value); }
  FieldWriter& Signed64(int64_t value) { return Bytes<8>(static_cast<uint64_t>(value)); }
  FieldWriter& Bool(bool value) {
    out_->push_back(value ? '\1' : '\0');
    return *this;
  }
  FieldWriter& Key(const chain::Pubkey& key) {
    out_->append(reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size());
    return *this;
  }
  FieldWriter& Text(absl::string_view text) {
    Unsigned32(static_cast<uint32_t>(text.size()));
    out_->append(text.data(), text.size());
    return *this;
  }
  FieldWriter& Raw(const uint8_t* bytes, size_t size) {
    out_->append(reinterpret_cast<const char*>(bytes), size);
    return *this;
  }

 private:
  template <size_t kSize>
  FieldWriter& Bytes(uint64_t value) {
    char bytes[kSize];
    for (size_t i = 0; i < kSize; ++i) bytes[i] = static_cast<char>(value >> (8 * i));
    out_->append(bytes, kSize);
    return *this;
  }

  std::string* out_;
};

constexpr size_t kShareholderSize = 34;

}  // namespace

void EncodeEvent(const chain::CreateEvent& event, std::string* out) {
  FieldWriter writer(kCreateEvent, out);
  writer.Text(event.name).Text(event.symbol).Text(event.uri).Key(event.mint).Key(event.bonding_curve).Key(event.user);
  if (!event.reserves.has_value()) return;
  const auto& reserves = *event.reserves;
  writer.Key(reserves.creator).Signed64(reserves.timestamp_s);
  writer.Unsigned64(reserves.virtual_token_reserves).Unsigned64(reserves.virtual_sol_reserves);
  writer.Unsigned64(reserves.real_token_reserves).Unsigned64(reserves.token_total_supply);
  if (!event.modes.has_value()) return;
  const auto& modes = *event.modes;
  writer.Key(modes.token_program).Bool(modes.is_mayhem_mode).Bool(modes.is_cashback_enabled);
  writer.Key(modes.quote_mint).Unsigned64(modes.virtual_quote_reserves);
}

void EncodeEvent(const chain::TradeEvent& event, std::string* out) {
  FieldWriter writer(kTradeEvent, out);
  writer.Key(event.mint).Unsigned64(event.sol_amount).Unsigned64(event.token_amount).Bool(event.is_buy);
  writer.Key(event.user).Signed64(event.timestamp_s);
  writer.Unsigned64(event.virtual_sol_reserves).Unsigned64(event.virtual_token_reserves);
  writer.Unsigned64(event.real_sol_reserves).Unsigned64(event.real_token_reserves);
  if (!event.fees.has_value()) return;
  const auto& fees = *event.fees;
  writer.Key(fees.fee_recipient).Unsigned64(fees.fee_basis_points).Unsigned64(fees.fee);
  writer.Key(fees.creator).Unsigned64(fees.creator_fee_basis_points).Unsigned64(fees.creator_fee);
  if (!event.volume.has_value()) return;
  const auto& volume = *event.volume;
  writer.Bool(volume.track_volume).Unsigned64(volume.total_unclaimed_tokens).Unsigned64(volume.total_claimed_tokens);
  writer.Unsigned64(volume.current_sol_volume).Signed64(volume.last_update_timestamp_s).Text(volume.instruction_name);
  if (!event.cashback.has_value()) return;
  const auto& cashback = *event.cashback;
  writer.Bool(cashback.mayhem_mode).Unsigned64(cashback.cashback_fee_basis_points).Unsigned64(cashback.cashback);
  if (!event.buyback.has_value()) return;
  const auto& buyback = *event.buyback;
  writer.Unsigned64(buyback.buyback_fee_basis_points).Unsigned64(buyback.buyback_fee);
  writer.Unsigned32(static_cast<uint32_t>(buyback.shareholders.size() / kShareholderSize));
  writer.Raw(buyback.shareholders.data(), buyback.shareholders.size() / kShareholderSize * kShareholderSize);
  writer.Key(buyback.quote_mint).Unsigned64(buyback.quote_amount);
  writer.Unsigned64(buyback.virtual_quote_reserves).Unsigned64(buyback.real_quote_reserves);
}

void EncodeEvent(const chain::CompleteEvent& event, std::string* out) {
  FieldWriter writer(kCompleteEvent, out);
  writer.Key(event.user).Key(event.mint).Key(event.bonding_curve).Signed64(event.timestamp_s);
  if (event.quote_mint.has_value()) writer.Key(*event.quote_mint);
}

void EncodeEvent(const chain::MigrationEvent& event, std::string* out) {
  FieldWriter writer(kMigrationEvent, out);
  writer.Key(event.user).Key(event.mint).Unsigned64(event.mint_amount).Unsigned64(event.sol_amount);
  writer.Unsigned64(event.pool_migration_fee).Key(event.bonding_curve).Signed64(event.timestamp_s).Key(event.pool);
  if (event.quote_mint.has_value()) writer.Key(*event.quote_mint);
}

void EncodeEvent(const chain::MayhemReservesEvent& event, std::string* out) {
  FieldWriter writer(kMayhemReservesEvent, out);
  writer.Signed64(event.timestamp_s).Key(event.mint);
  writer.Unsigned64(event.virtual_token_reserves).Unsigned64(event.virtual_sol_reserves);
  writer.Unsigned64(event.new_virtual_token_reserves).Unsigned64(event.new_virtual_sol_reserves);
  writer.Unsigned64(event.real_token_reserves).Unsigned64(event.real_sol_reserves);
}

void AppendBase64(absl::string_view bytes, std::string* out) {
  constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const size_t start = out->size();
  out->resize(start + (bytes.size() + 2) / 3 * 4);
  char* to = out->data() + start;
  const auto* from = reinterpret_cast<const uint8_t*>(bytes.data());
  size_t left = bytes.size();
  for (; left >= 3; left -= 3, from += 3) {
    const uint32_t group = uint32_t{from[0]} << 16 | uint32_t{from[1]} << 8 | from[2];
    *to++ = kAlphabet[group >> 18];
    *to++ = kAlphabet[group >> 12 & 63];
    *to++ = kAlphabet[group >> 6 & 63];
    *to++ = kAlphabet[group & 63];
  }
  if (left == 0) return;
  const uint32_t group = uint32_t{from[0]} << 16 | (left == 2 ? uint32_t{from[1]} << 8 : 0);
  *to++ = kAlphabet[group >> 18];
  *to++ = kAlphabet[group >> 12 & 63];
  *to++ = left == 2 ? kAlphabet[group >> 6 & 63] : '=';
  *to = '=';
}

}  // namespace tokenwatch::sim
