// The commands. Each reads its checked arguments from the context, prints its answer, and returns the exit code or the
// error that explains itself in one line.
#pragma once

#include "absl/status/statusor.h"
#include "cli/context.h"

namespace tokenwatch::cli {

absl::StatusOr<int> ListTokens(Context& context);
absl::StatusOr<int> WatchTokens(Context& context);
absl::StatusOr<int> GetTokens(Context& context);
absl::StatusOr<int> SearchTokens(Context& context);

absl::StatusOr<int> TailTrades(Context& context);

absl::StatusOr<int> ShowPrice(Context& context);
absl::StatusOr<int> WatchPrices(Context& context);
absl::StatusOr<int> ShowMarkets(Context& context);
absl::StatusOr<int> ShowHistory(Context& context);
absl::StatusOr<int> ListCandles(Context& context);
absl::StatusOr<int> ListHotTokens(Context& context);
absl::StatusOr<int> ListPriceRequests(Context& context);
absl::StatusOr<int> AddPriceRequest(Context& context);

absl::StatusOr<int> GetResolution(Context& context);
absl::StatusOr<int> ListResolutions(Context& context);
absl::StatusOr<int> RetryResolutions(Context& context);

absl::StatusOr<int> ListQuarantine(Context& context);
absl::StatusOr<int> RedecodeQuarantine(Context& context);

absl::StatusOr<int> ListConsumers(Context& context);
absl::StatusOr<int> RegisterConsumer(Context& context);
absl::StatusOr<int> DeleteConsumer(Context& context);

absl::StatusOr<int> ShowStatus(Context& context);
absl::StatusOr<int> ShowSummary(Context& context);
absl::StatusOr<int> RunDoctor(Context& context);
absl::StatusOr<int> PrintCompletion(Context& context);

}  // namespace tokenwatch::cli
