// The resolver's SQL. Batches travel as one JSON array, times as text ("infinity" included) in UTC.
#pragma once

#include "absl/types/span.h"
#include "common/postgres/statement.h"

namespace tokenwatch::resolver {

extern const common::Statement kBegin;
extern const common::Statement kGet;
extern const common::Statement kTakeDue;
extern const common::Statement kFinish;
extern const common::Statement kInsertAttempts;
extern const common::Statement kTrimAttempts;
extern const common::Statement kMarkReported;
extern const common::Statement kListUnreported;
extern const common::Statement kSaveLaunches;
extern const common::Statement kMoveCursor;
extern const common::Statement kLoadCursor;
extern const common::Statement kResetCursor;
extern const common::Statement kListAttempts;
extern const common::Statement kListUnresolved;
extern const common::Statement kCountStates;
extern const common::Statement kRetryOne;
extern const common::Statement kRetryDeadLetters;
extern const common::Statement kExchangeBudgets;
extern const common::Statement kLoadBudgets;
extern const common::Statement kPruneAttempts;

// All of them.
absl::Span<const common::Statement> Statements();

}  // namespace tokenwatch::resolver
