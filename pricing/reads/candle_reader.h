// Candles of any length: minutes from memory and the database, longer ones merged from minutes, seconds folded from the
// log between the cursors that the minutes name.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "pricing/candles/candle.h"
#include "pricing/detector.h"
#include "pricing/reads/minutes.h"
#include "pricing/reads/series_reader.h"

namespace tokenwatch::pricing {

struct CandleQuery {
  SeriesKey key;
  Interval interval = Interval::k1m;
  // From the interval that holds `from` to the one that holds `to`.
  absl::Time from;
  absl::Time to;
  int limit = 500;
};

struct CandlePage {
  // Oldest first; at most `limit`, and fewer where a page would cost too much.
  std::vector<Candle> candles;
  // The next page begins here; nullopt when this was the last.
  std::optional<absl::Time> next;
};

// Thread-safe; calls block.
class CandleReader {
 public:
  struct Options {
    // Bounds of one page: chunks of minutes read, and trades for seconds.
    int max_chunks = 2400;
    size_t max_trades = 100'000;
  };

  CandleReader(const Options& options, const MinuteReader& minutes, const SeriesReader& series, Detector& detector)
      : options_(options), minutes_(minutes), series_(series), detector_(detector) {}

  // Errors are those of store and detector; for seconds also OUT_OF_RANGE when the log no longer keeps the trades, and
  // RESOURCE_EXHAUSTED when one minute has too many.
  absl::StatusOr<CandlePage> Read(const CandleQuery& query, absl::Time deadline) const;

 private:
  absl::StatusOr<CandlePage> ReadMerged(const CandleQuery& query, absl::Time deadline) const;
  absl::StatusOr<CandlePage> ReadSeconds(const CandleQuery& query, absl::Time deadline) const;
  absl::StatusOr<CandlePage> ReadParked(const CandleQuery& query, absl::Time deadline) const;

  const Options options_;
  const MinuteReader& minutes_;
  const SeriesReader& series_;
  Detector& detector_;
};

// The priced trades of one series in one minute, in the order of the log. OUT_OF_RANGE when the log has fewer than the
// candle says; RESOURCE_EXHAUSTED when more than `max_trades` would have to be read.
absl::StatusOr<std::vector<Trade>> ReadMinute(Detector& detector, const SeriesKey& key, const Candle& minute,
                                              size_t max_trades, absl::Time deadline);

}  // namespace tokenwatch::pricing
