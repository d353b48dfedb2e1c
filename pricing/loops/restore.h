// What a fold begins with: the checkpoint, what has rows, what is parked, who is watched, and the references.
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "pricing/fold/fold.h"
#include "pricing/reference.h"
#include "pricing/store.h"

namespace tokenwatch::pricing {

// Into a fold that has not begun; after an error it is to be thrown away. Returns the checkpoint. Errors are the
// store's.
absl::StatusOr<Checkpoint> RestoreFold(Store& store, Fold& fold, absl::Time deadline);

// Adds the references from `from` on to the book.
absl::Status RestoreReferences(Store& store, ReferenceBook& references, absl::Time from, absl::Time deadline);

}  // namespace tokenwatch::pricing
