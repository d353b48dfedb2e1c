// A price point as series hold it, or none. A series has three or more of them for as long as it is in memory, so one
// takes about 150 bytes instead of 256, and the same point held twice (the newest of a series is that of one of its
// venues) is there once.
//
// What it points to never changes and is shared by copies. As with a shared_ptr, different objects may be used by
// different threads, whatever they share.
#pragma once

#include <cstddef>
#include <optional>

#include <boost/smart_ptr/intrusive_ptr.hpp>

#include "pricing/price_point.h"

namespace tokenwatch::pricing {

class HeldPoint {
 public:
  HeldPoint() = default;
  HeldPoint(std::nullopt_t) {}         // NOLINT: as an optional
  HeldPoint(const PricePoint& point);  // NOLINT: as an optional
  // The point that a trade leaves; `price` is what PriceOf says of it.
  HeldPoint(const Trade& trade, const TradePrice& price);

  bool has_value() const { return packed_ != nullptr; }
  explicit operator bool() const { return has_value(); }

  // Preconditions of all: has_value(). The point is put together at each call; the first two are cheap.
  Ratio ratio() const;
  const Moment& at() const;
  PricePoint operator*() const;

  // So that a member of the value can be read as one of an optional's can.
  class Arrow {
   public:
    explicit Arrow(const PricePoint& point) : point_(point) {}
    const PricePoint* operator->() const { return &point_; }

   private:
    PricePoint point_;
  };
  Arrow operator->() const { return Arrow(**this); }

  // Heap bytes held, by all copies together.
  size_t memory() const;
  bool shares_with(const HeldPoint& other) const { return packed_ == other.packed_; }

  // By value.
  friend bool operator==(const HeldPoint& a, const HeldPoint& b);

 private:
  struct Packed;
  template <typename Source>
  static const Packed* Pack(const Ratio& ratio, bool from_reserves, const Moment& at, const Source& source);
  friend void intrusive_ptr_add_ref(const Packed* packed);  // NOLINT: Boost names it
  friend void intrusive_ptr_release(const Packed* packed);  // NOLINT: Boost names it

  boost::intrusive_ptr<const Packed> packed_;
};

}  // namespace tokenwatch::pricing
