#include "chain/solana/pumpfun_events.h"

#include <cstring>

#include <simdjson.h>

#include "chain/byte_reader.h"

namespace tokenwatch::chain {
namespace {

constexpr size_t kShareholderBytes = 34;

// A ByteReader that also knows the event's own kinds of damage.
class EventReader : public ByteReader {
 public:
  using ByteReader::ByteReader;

  Pubkey ReadKey() {
    Pubkey key;
    Copy(key.bytes.data(), key.bytes.size());
    return key;
  }
  bool ReadBool() {
    const uint8_t value = Read<uint8_t>();
    if (value > 1) SetError(EventError::kBadBool);
    return value == 1;
  }
  absl::string_view ReadText() {
    const absl::string_view text = TakeText();
    if (text.size() > kMaxEventTextSize) SetError(EventError::kTextTooLong);
    return text;
  }
  // The next group of fields exists when there is anything left at all; if it is then incomplete, the data was cut.
  bool HasGroup() const { return !failed() && !error_ && remaining() > 0; }

  std::optional<EventError> error() const {
    if (failed()) return EventError::kCutInGroup;
    return error_;
  }

 private:
  void SetError(EventError error) {
    if (!error_) error_ = error;
  }

  std::optional<EventError> error_;
};

void Read(EventReader& in, CreateEvent& event) {
  event.name = in.ReadText();
  event.symbol = in.ReadText();
  event.uri = in.ReadText();
  event.mint = in.ReadKey();
  event.bonding_curve = in.ReadKey();
  event.user = in.ReadKey();
  if (in.HasGroup()) {
    CreateEvent::Reserves& group = event.reserves.emplace();
    group.creator = in.ReadKey();
    group.timestamp_s = in.Read<int64_t>();
    group.virtual_token_reserves = in.Read<uint64_t>();
    group.virtual_sol_reserves = in.Read<uint64_t>();
    group.real_token_reserves = in.Read<uint64_t>();
    group.token_total_supply = in.Read<uint64_t>();
  }
  if (in.HasGroup()) {
    CreateEvent::Modes& group = event.modes.emplace();
    group.token_program = in.ReadKey();
    group.is_mayhem_mode = in.ReadBool();
    group.is_cashback_enabled = in.ReadBool();
    group.quote_mint = in.ReadKey();
    group.virtual_quote_reserves = in.Read<uint64_t>();
  }
  for (absl::string_view text : {event.name, event.symbol, event.uri}) {
    event.texts_are_utf8 = event.texts_are_utf8 && simdjson::validate_utf8(text.data(), text.size());
  }
}

void Read(EventReader& in, TradeEvent& event) {
  event.mint = in.ReadKey();
  event.sol_amount = in.Read<uint64_t>();
  event.token_amount = in.Read<uint64_t>();
  event.is_buy = in.ReadBool();
  event.user = in.ReadKey();
  event.timestamp_s = in.Read<int64_t>();
  event.virtual_sol_reserves = in.Read<uint64_t>();
  event.virtual_token_reserves = in.Read<uint64_t>();
  event.real_sol_reserves = in.Read<uint64_t>();
  event.real_token_reserves = in.Read<uint64_t>();
  if (in.HasGroup()) {
    TradeEvent::Fees& group = event.fees.emplace();
    group.fee_recipient = in.ReadKey();
    group.fee_basis_points = in.Read<uint64_t>();
    group.fee = in.Read<uint64_t>();
    group.creator = in.ReadKey();
    group.creator_fee_basis_points = in.Read<uint64_t>();
    group.creator_fee = in.Read<uint64_t>();
  }
  if (in.HasGroup()) {
    TradeEvent::Volume& group = event.volume.emplace();
    group.track_volume = in.ReadBool();
    group.total_unclaimed_tokens = in.Read<uint64_t>();
    group.total_claimed_tokens = in.Read<uint64_t>();
    group.current_sol_volume = in.Read<uint64_t>();
    group.last_update_timestamp_s = in.Read<int64_t>();
    group.instruction_name = in.ReadText();
  }
  if (in.HasGroup()) {
    TradeEvent::Cashback& group = event.cashback.emplace();
    group.mayhem_mode = in.ReadBool();
    group.cashback_fee_basis_points = in.Read<uint64_t>();
    group.cashback = in.Read<uint64_t>();
  }
  if (in.HasGroup()) {
    TradeEvent::Buyback& group = event.buyback.emplace();
    group.buyback_fee_basis_points = in.Read<uint64_t>();
    group.buyback_fee = in.Read<uint64_t>();
    group.shareholders = in.Take(size_t{in.Read<uint32_t>()} * kShareholderBytes);
    group.quote_mint = in.ReadKey();
    group.quote_amount = in.Read<uint64_t>();
    group.virtual_quote_reserves = in.Read<uint64_t>();
    group.real_quote_reserves = in.Read<uint64_t>();
  }
}

void Read(EventReader& in, CompleteEvent& event) {
  event.user = in.ReadKey();
  event.mint = in.ReadKey();
  event.bonding_curve = in.ReadKey();
  event.timestamp_s = in.Read<int64_t>();
  if (in.HasGroup()) event.quote_mint = in.ReadKey();
}

void Read(EventReader& in, MigrationEvent& event) {
  event.user = in.ReadKey();
  event.mint = in.ReadKey();
  event.mint_amount = in.Read<uint64_t>();
  event.sol_amount = in.Read<uint64_t>();
  event.pool_migration_fee = in.Read<uint64_t>();
  event.bonding_curve = in.ReadKey();
  event.timestamp_s = in.Read<int64_t>();
  event.pool = in.ReadKey();
  if (in.HasGroup()) event.quote_mint = in.ReadKey();
}

void Read(EventReader& in, MayhemReservesEvent& event) {
  event.timestamp_s = in.Read<int64_t>();
  event.mint = in.ReadKey();
  event.virtual_token_reserves = in.Read<uint64_t>();
  event.virtual_sol_reserves = in.Read<uint64_t>();
  event.new_virtual_token_reserves = in.Read<uint64_t>();
  event.new_virtual_sol_reserves = in.Read<uint64_t>();
  event.real_token_reserves = in.Read<uint64_t>();
  event.real_sol_reserves = in.Read<uint64_t>();
}

template <typename Event>
void Decode(absl::Span<const uint8_t> fields, PumpEvent& out) {
  EventReader in(fields);
  Event& event = out.emplace<Event>();
  Read(in, event);
  event.unknown_tail_bytes = in.remaining();
  if (const std::optional<EventError> error = in.error()) out = BadEvent{*error};
}

// sha256("event:" + name)[:8] of each event, as the integer those bytes are.
constexpr uint64_t Discriminator(uint64_t big_endian) { return __builtin_bswap64(big_endian); }
constexpr uint64_t kCreate = Discriminator(0x1b72a94ddeeb6376);
constexpr uint64_t kTrade = Discriminator(0xbddb7fd34ee661ee);
constexpr uint64_t kComplete = Discriminator(0x5f72619cd42e9808);
constexpr uint64_t kMigration = Discriminator(0xbde95db95c94ea94);
constexpr uint64_t kMayhemReserves = Discriminator(0x757be4b6a1a8dcd6);

}  // namespace

PumpEvent DecodePumpEvent(absl::Span<const uint8_t> data) {
  PumpEvent out;
  UnknownEvent unknown;
  if (data.size() < unknown.discriminator.size()) return BadEvent{EventError::kNoDiscriminator};
  std::memcpy(unknown.discriminator.data(), data.data(), unknown.discriminator.size());
  const absl::Span<const uint8_t> fields = data.subspan(unknown.discriminator.size());
  switch (std::bit_cast<uint64_t>(unknown.discriminator)) {
    case kTrade:
      Decode<TradeEvent>(fields, out);
      break;
    case kCreate:
      Decode<CreateEvent>(fields, out);
      break;
    case kComplete:
      Decode<CompleteEvent>(fields, out);
      break;
    case kMigration:
      Decode<MigrationEvent>(fields, out);
      break;
    case kMayhemReserves:
      Decode<MayhemReservesEvent>(fields, out);
      break;
    default:
      out = unknown;
  }
  return out;
}

absl::string_view EventErrorName(EventError error) {
  switch (error) {
    case EventError::kNoDiscriminator:
      return "no_discriminator";
    case EventError::kCutInGroup:
      return "cut_in_group";
    case EventError::kTextTooLong:
      return "text_too_long";
    case EventError::kBadBool:
      return "bad_bool";
    case EventError::kBadEncoding:
      return "bad_encoding";
  }
  return "unknown";
}

}  // namespace tokenwatch::chain
