// Series to rows of token_prices and back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <pqxx/pqxx>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/postgres/copy_binary.h"
#include "pricing/fold/series.h"

namespace tokenwatch::pricing {

// Columns of token_prices, in the order in which SeriesRow has them. Those that are steady change with a new high or
// low only, or never; those that live, with every trade.
const std::vector<std::string>& KeyColumns();
const std::vector<std::string>& SteadyColumns();
const std::vector<std::string>& LiveColumns();
// One column more: a digest of the steady ones.
inline constexpr char kDigestColumn[] = "steady_digest";

// A row in its parts, each the fields of those columns as CopyBuffer writes them. Not thread-safe; reuse one, for its
// memory stays.
class SeriesRow {
 public:
  void Encode(const Series& series);

  absl::string_view key() const { return key_.data(); }
  absl::string_view steady() const { return steady_.data(); }
  absl::string_view live() const { return live_.data(); }
  absl::string_view digest() const { return digest_.data(); }
  // Of the same digest the same; not the digest itself.
  uint64_t digest_bits() const { return digest_bits_; }

 private:
  void EncodeSteady(const Series& series);
  void EncodeLive(const Series& series);
  void AppendAmount(const chain::Amount& amount, common::CopyBuffer& fields);

  common::CopyBuffer key_;
  common::CopyBuffer steady_;
  common::CopyBuffer live_;
  common::CopyBuffer digest_;
  uint64_t digest_bits_ = 0;
  std::string scratch_;
};

// From what statements.cc calls SERIES_FIELDS. Throws what pqxx throws for a field of another type; DATA_LOSS when a
// packed column is none of this store's.
absl::StatusOr<Series> ToSeries(const pqxx::row& row);

}  // namespace tokenwatch::pricing
