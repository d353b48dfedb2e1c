// Domain values to the JSON that statements take, and rows back to domain values.
#pragma once

#include <string>

#include <pqxx/pqxx>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "resolver/store.h"

namespace tokenwatch::resolver {

// "2026-07-03T00:00:00.000000+00:00", "infinity" or "-infinity".
std::string TimeText(absl::Time time);

std::string TokensJson(absl::Span<const TokenRef> tokens);
std::string RequestsJson(absl::Span<const BeginRequest> requests);
// With "named": whether the round brought the name.
std::string FinishedJson(absl::Span<const Finished> finished);
std::string ResolutionsJson(absl::Span<const Resolution> resolutions);
std::string AttemptsJson(absl::Span<const Finished> finished);
std::string BudgetsJson(absl::Span<const StoredBudget> budgets);

// Columns that ToResolution reads; those of a statement's own follow them.
inline constexpr int kResolutionColumns = 22;
Resolution ToResolution(const pqxx::row& row);
StoredBudget ToBudget(const pqxx::row& row);
// From microseconds; `if_null` where the column is null.
absl::Time ToTime(const pqxx::field& field, absl::Time if_null);

}  // namespace tokenwatch::resolver
