// Domain values to the texts that statements take, and fields back to domain values.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <pqxx/pqxx>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "chain/address.h"
#include "pricing/fold/series.h"
#include "pricing/store.h"

namespace tokenwatch::pricing {

// A text[] being written: {"a","b"}. Not thread-safe.
class TextArray {
 public:
  void Add(absl::string_view text);
  std::string Take() { return std::move(text_ += "}"); }

 private:
  std::string text_ = "{";
};

// The keys of several rows, column by column, as the statements take them.
struct KeyArrays {
  TextArray chains;
  TextArray addresses;
  TextArray quotes;

  void Add(const chain::TokenRef& token);
  void Add(const SeriesKey& key);
};

// "2026-07-03T00:00:00.000000+00:00", "infinity" or "-infinity".
std::string TimeText(absl::Time time);

absl::string_view TextOf(const pqxx::field& field);
std::string BytesOf(const pqxx::field& field);
chain::TokenRef ToTokenRef(const pqxx::field& chain, const pqxx::field& address);
// From microseconds; `if_null` where the column is null.
absl::Time ToTime(const pqxx::field& field, absl::Time if_null);

Checkpoint ToCheckpoint(const pqxx::row& row);
ChunkRow ToChunk(const pqxx::row& row);
absl::StatusOr<PriceRequest> ToRequest(const pqxx::row& row);
// What kFinishRequests takes.
std::string OutcomesJson(absl::Span<const PriceRequest> requests);

}  // namespace tokenwatch::pricing
