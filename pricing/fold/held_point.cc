#include "pricing/fold/held_point.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <new>

namespace tokenwatch::pricing {
namespace {

enum Flag : uint8_t { kFromReserves = 1, kMayhem = 2, kPoolKnown = 4, kWide = 8 };

}  // namespace

// Behind it follow the two or three amounts, of one limb each or, when that is too little for one of them, of four;
// then the venue and the transaction.
struct HeldPoint::Packed {
  mutable std::atomic<uint32_t> holders{0};
  uint8_t flags = 0;
  uint8_t venue_size = 0;
  uint8_t transaction_size = 0;
  Moment at;

  bool Is(Flag flag) const { return (flags & flag) != 0; }
  size_t amounts() const { return Is(kPoolKnown) ? 3 : 2; }
  size_t limbs() const { return Is(kWide) ? 4 : 1; }
  size_t texts_at() const { return sizeof(Packed) + amounts() * limbs() * sizeof(uint64_t); }
  size_t size() const { return texts_at() + venue_size + transaction_size; }

  char* bytes() { return reinterpret_cast<char*>(this); }
  const char* bytes() const { return reinterpret_cast<const char*>(this); }

  void SetAmount(size_t place, const chain::Amount& amount) {
    char* const to = bytes() + sizeof(Packed) + place * limbs() * sizeof(uint64_t);
    if (Is(kWide)) {
      std::memcpy(to, amount.limbs().data(), sizeof amount.limbs());
    } else {
      const uint64_t value = amount.Uint64Value();
      std::memcpy(to, &value, sizeof value);
    }
  }
  chain::Amount AmountAt(size_t place) const {
    const char* const from = bytes() + sizeof(Packed) + place * limbs() * sizeof(uint64_t);
    if (Is(kWide)) {
      std::array<uint64_t, 4> limbs{};
      std::memcpy(limbs.data(), from, sizeof limbs);
      return chain::Amount(limbs);
    }
    uint64_t value = 0;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
};

// NOLINTNEXTLINE: Boost names it
void intrusive_ptr_add_ref(const HeldPoint::Packed* packed) { packed->holders.fetch_add(1, std::memory_order_relaxed); }

// NOLINTNEXTLINE: Boost names it
void intrusive_ptr_release(const HeldPoint::Packed* packed) {
  if (packed->holders.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
  packed->~Packed();
  ::operator delete(const_cast<HeldPoint::Packed*>(packed));
}

// `Source` has the members that a point and a trade share.
template <typename Source>
const HeldPoint::Packed* HeldPoint::Pack(const Ratio& ratio, bool from_reserves, const Moment& at,
                                         const Source& source) {
  const bool is_wide = !ratio.quote_units.FitsUint64() || !ratio.token_units.FitsUint64() ||
                       (source.pool_quote.has_value() && !source.pool_quote->FitsUint64());
  const absl::string_view venue = source.venue.text();
  const absl::string_view transaction = source.transaction.text();
  Packed head;
  head.flags = static_cast<uint8_t>((from_reserves ? kFromReserves : 0) | (source.is_mayhem ? kMayhem : 0) |
                                    (source.pool_quote.has_value() ? kPoolKnown : 0) | (is_wide ? kWide : 0));
  head.venue_size = static_cast<uint8_t>(venue.size());
  head.transaction_size = static_cast<uint8_t>(transaction.size());

  auto* const packed = new (::operator new(head.size())) Packed;
  packed->flags = head.flags;
  packed->venue_size = head.venue_size;
  packed->transaction_size = head.transaction_size;
  packed->at = at;
  packed->SetAmount(0, ratio.quote_units);
  packed->SetAmount(1, ratio.token_units);
  if (source.pool_quote.has_value()) packed->SetAmount(2, *source.pool_quote);
  char* const texts = packed->bytes() + packed->texts_at();
  venue.copy(texts, venue.size());
  transaction.copy(texts + venue.size(), transaction.size());
  return packed;
}

HeldPoint::HeldPoint(const PricePoint& point) : packed_(Pack(point.ratio, point.from_reserves, point.at, point)) {}

HeldPoint::HeldPoint(const Trade& trade, const TradePrice& price)
    : packed_(Pack(price.ratio, price.from_reserves, MomentOf(trade), trade)) {}

Ratio HeldPoint::ratio() const { return {packed_->AmountAt(0), packed_->AmountAt(1)}; }

const Moment& HeldPoint::at() const { return packed_->at; }

PricePoint HeldPoint::operator*() const {
  const char* const texts = packed_->bytes() + packed_->texts_at();
  PricePoint point;
  point.ratio = ratio();
  point.from_reserves = packed_->Is(kFromReserves);
  point.at = packed_->at;
  // What it was packed from fits.
  point.transaction = *chain::TransactionId::FromCanonical({texts + packed_->venue_size, packed_->transaction_size});
  point.venue = Word(absl::string_view(texts, packed_->venue_size));
  point.is_mayhem = packed_->Is(kMayhem);
  if (packed_->Is(kPoolKnown)) point.pool_quote = packed_->AmountAt(2);
  return point;
}

size_t HeldPoint::memory() const { return packed_ == nullptr ? 0 : packed_->size(); }

bool operator==(const HeldPoint& a, const HeldPoint& b) {
  if (a.packed_ == b.packed_) return true;
  return a.has_value() && b.has_value() && *a == *b;
}

}  // namespace tokenwatch::pricing
