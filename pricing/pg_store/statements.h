// Pricing's SQL. Keys travel as arrays of text, times as text ("infinity" included) in UTC.
#pragma once

#include "absl/types/span.h"
#include "common/postgres/statement.h"

namespace tokenwatch::pricing {

extern const common::Statement kReadCheckpoint;
extern const common::Statement kMoveCheckpoint;
extern const common::Statement kBeginParts;
extern const common::Statement kHoldCheckpoint;
extern const common::Statement kClearParked;
extern const common::Statement kPark;

extern const common::Statement kLoadSeries;
extern const common::Statement kLoadSeriesOf;
extern const common::Statement kLoadChunks;
extern const common::Statement kReadChunks;
extern const common::Statement kReadChunkBefore;
extern const common::Statement kReadParked;
extern const common::Statement kWatch;
extern const common::Statement kUnwatch;
extern const common::Statement kListWatched;
extern const common::Statement kAddReferences;
extern const common::Statement kLoadReferences;
extern const common::Statement kAddRequest;
extern const common::Statement kGetRequest;
extern const common::Statement kListRequests;
extern const common::Statement kTakeDueRequests;
extern const common::Statement kFinishRequests;
extern const common::Statement kCountWaiting;
extern const common::Statement kPruneRequests;

// What the writing session prepares, and what the others do.
absl::Span<const common::Statement> WriteStatements();
absl::Span<const common::Statement> StoreStatements();

}  // namespace tokenwatch::pricing
