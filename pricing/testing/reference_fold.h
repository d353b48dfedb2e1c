// What the tables must hold after a log was folded, computed in the plainest way from all trades at once.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "pricing/fold/fold.h"

namespace tokenwatch::pricing::testing {

struct ReferenceTables {
  absl::flat_hash_map<SeriesKey, Series> rows;
  absl::flat_hash_map<std::pair<SeriesKey, absl::Time>, std::string> chunks;
  absl::flat_hash_map<Fingerprint, std::set<uint64_t>> parked;
  Checkpoint checkpoint;
};

ReferenceTables FoldPlainly(const std::vector<Trade>& log, const FoldOptions& options, const UsdOfQuote& usd_of_quote,
                            const absl::flat_hash_set<chain::TokenRef>& watched);

}  // namespace tokenwatch::pricing::testing
