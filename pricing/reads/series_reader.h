// The series of a token wherever they are: in memory, in the database, or parked in the log.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "pricing/detector.h"
#include "pricing/fold/hot_set.h"
#include "pricing/fold/series.h"
#include "pricing/store.h"

namespace tokenwatch::pricing {

// The cursors of a series that is not in memory and not worth rows; empty when it is not parked. Thread-safe.
using ParkedLookup = std::function<std::vector<uint64_t>(const SeriesKey&)>;

// The point that a trade leaves behind; nullopt when the trade is no price.
std::optional<PricePoint> PointOf(const Trade& trade);

// Thread-safe; calls block. Errors are those of the store and the detector.
class SeriesReader {
 public:
  // All of it outlives this.
  SeriesReader(const HotSet& hot, Store& store, Detector& detector, ParkedLookup parked)
      : hot_(hot), store_(store), detector_(detector), parked_(std::move(parked)) {}

  // The series of a token, or the one against `quote` when that is not empty; the newest first. A parked series is
  // found only against `quote` or one of the well-known quote assets: what is parked is known by its fingerprint alone.
  absl::StatusOr<std::vector<Series>> Read(const chain::TokenRef& token, const chain::Address& quote,
                                           absl::Time deadline) const;
  // The one of those that traded last; nullopt when there is none. Asks no further when memory knows: what has left it
  // was idle for longer than what is in it.
  absl::StatusOr<std::optional<Series>> Newest(const chain::TokenRef& token, const chain::Address& quote,
                                               absl::Time deadline) const;
  // The trades of a parked series that the log still has, in order; none when it is not parked.
  absl::StatusOr<std::vector<Trade>> ParkedTrades(const SeriesKey& key, absl::Time deadline) const;

 private:
  // The newest first.
  std::vector<Series> InMemory(const chain::TokenRef& token, const chain::Address& quote) const;
  absl::Status AddParked(const SeriesKey& key, absl::Time deadline, std::vector<Series>* found) const;

  const HotSet& hot_;
  Store& store_;
  Detector& detector_;
  const ParkedLookup parked_;
};

}  // namespace tokenwatch::pricing
