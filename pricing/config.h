// Everything that can be set from outside. main fills it from flags; nothing else reads flags.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "pricing/fold/fold.h"
#include "pricing/oracle/make_providers.h"
#include "pricing/price_view.h"

namespace tokenwatch::pricing {

// Names of fields are names of flags.
struct Config {
  std::string dsn;
  std::string expected_database;
  std::string expected_role;
  // For reads and small writes; the two sessions that write what is folded come on top.
  int db_connections = 6;
  std::string detector = "127.0.0.1:7401";
  // The name under which the detector's retention knows what is still needed.
  std::string consumer = "pricing";

  // Oracle. An empty order: nobody is asked.
  ProviderSettings providers;
  std::string http_proxy;

  // References of quote assets.
  std::string reference_file;
  absl::Duration reference_interval = absl::Minutes(1);
  absl::Duration reference_max_age = absl::Minutes(30);

  // The fold, and when it is written.
  absl::Duration flush_interval = absl::Seconds(60);
  int64_t flush_rows = 5000;
  int64_t parted_series = 2000;
  absl::Duration row_interval = absl::Hours(2);
  absl::Duration idle = absl::Hours(2);
  int64_t max_hot = 100'000;
  int64_t max_hot_bytes = int64_t{128} << 20;
  int64_t max_dirty = 50'000;
  int64_t persist_trades = 10;
  double persist_usd = 100;

  // Serving.
  absl::Duration stale_after = absl::Minutes(5);
  int max_streams = 1000;
  absl::Duration stream_stall = absl::Seconds(30);

  // INVALID_ARGUMENT names the flag, the value and what is allowed.
  absl::Status Validate() const;

  FoldOptions Fold() const;
  PriceView::Options View() const { return {stale_after, reference_max_age}; }
};

}  // namespace tokenwatch::pricing
