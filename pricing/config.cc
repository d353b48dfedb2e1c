#include "pricing/config.h"

#include "absl/strings/str_cat.h"
#include "common/config/check.h"

namespace tokenwatch::pricing {
namespace {

using common::CheckNotEmpty;
using common::CheckRange;

// Its messages begin with the name of the flag.
absl::Status CheckProviders(const ProviderSettings& providers) {
  const absl::Status status = providers.Validate();
  return status.ok() ? status : absl::Status(status.code(), absl::StrCat("--", status.message()));
}

}  // namespace

absl::Status Config::Validate() const {
  return common::FirstError({
      dsn.empty() ? absl::InvalidArgumentError(
                        "--dsn_file (or --dsn) is missing; set it to the platform database's connection string")
                  : absl::OkStatus(),
      CheckRange("db_connections", db_connections, 2, 64),
      CheckNotEmpty("detector", detector),
      CheckNotEmpty("consumer", consumer),
      CheckProviders(providers),
      CheckRange("reference_interval", reference_interval, absl::Seconds(1), absl::Hours(24)),
      CheckRange("reference_max_age", reference_max_age, absl::Seconds(1), absl::Hours(24 * 7)),
      CheckRange("flush_interval", flush_interval, absl::Milliseconds(1), absl::Hours(1)),
      CheckRange("flush_rows", flush_rows, 1, 100'000),
      CheckRange("parted_series", parted_series, 2, 1'000'000),
      CheckRange("row_interval", row_interval, absl::Seconds(1), absl::Hours(24)),
      CheckRange("idle", idle, absl::Seconds(1), absl::Hours(24 * 7)),
      CheckRange("max_hot", max_hot, 1, 10'000'000),
      CheckRange("max_hot_bytes", max_hot_bytes, int64_t{1} << 20, int64_t{1} << 40),
      CheckRange("max_dirty", max_dirty, 1, 10'000'000),
      CheckRange("persist_trades", persist_trades, 1, 1'000'000),
      CheckRange("persist_usd", persist_usd, 0.01, 1e12),
      CheckRange("stale_after", stale_after, absl::Milliseconds(1), absl::Hours(24 * 365)),
      CheckRange("max_streams", max_streams, 1, 100'000),
      CheckRange("stream_stall", stream_stall, absl::Milliseconds(100), absl::Hours(1)),
  });
}

FoldOptions Config::Fold() const {
  FoldOptions options;
  options.persist_trades = static_cast<uint64_t>(persist_trades);
  options.persist_usd = persist_usd;
  options.row_interval = row_interval;
  options.idle = idle;
  options.max_hot = static_cast<size_t>(max_hot);
  options.max_bytes = static_cast<size_t>(max_hot_bytes);
  options.max_dirty = static_cast<size_t>(max_dirty);
  return options;
}

}  // namespace tokenwatch::pricing
