#include "pricing/loops/restore.h"

#include <utility>
#include <vector>

namespace tokenwatch::pricing {

absl::StatusOr<Checkpoint> RestoreFold(Store& store, Fold& fold, absl::Time deadline) {
  // First of all: what is read after it may be newer, which the fold is made for, but not older.
  const absl::StatusOr<Checkpoint> checkpoint = store.ReadCheckpoint(deadline);
  if (!checkpoint.ok()) return checkpoint.status();
  fold.Begin(*checkpoint);
  absl::Status status = store.VisitPersisted([&](const SeriesKey& key) { fold.AddKept(key); }, deadline);
  if (!status.ok()) return status;
  status = store.VisitParked([&](ParkedSeries&& parked) { fold.AddParked(std::move(parked)); }, deadline);
  if (!status.ok()) return status;
  const absl::StatusOr<std::vector<chain::TokenRef>> watched = store.ListWatched(deadline);
  if (!watched.ok()) return watched.status();
  for (const chain::TokenRef& token : *watched) fold.SetWatched(token, true);
  return *checkpoint;
}

absl::Status RestoreReferences(Store& store, ReferenceBook& references, absl::Time from, absl::Time deadline) {
  const absl::StatusOr<std::vector<Reference>> stored = store.LoadReferences(from, deadline);
  if (!stored.ok()) return stored.status();
  for (const Reference& reference : *stored) references.Add(reference);
  return absl::OkStatus();
}

}  // namespace tokenwatch::pricing
