// Everything that can be set from outside. main fills it from flags; nothing else reads flags.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "resolver/cascade/cascade.h"

namespace tokenwatch::resolver {

// Names of fields are names of flags.
struct Config {
  std::string dsn;
  std::string expected_database;
  std::string expected_role;
  int db_connections = 8;
  std::string detector = "127.0.0.1:7401";
  // Unique per process.
  std::string claimant;

  // In the order of asking: any of "onchain", "uri", "dexscreener".
  std::vector<std::string> sources = {"onchain", "uri", "dexscreener"};
  std::string solana_rpc_url = "https://api.mainnet-beta.solana.com";
  std::string dexscreener_url = "https://api.dexscreener.com";
  std::string ipfs_gateway_url = "https://ipfs.io/ipfs/";
  // Literal addresses that metadata may be fetched from although they are not public.
  std::vector<std::string> uri_allowed_addresses;
  // When not empty, the only hosts metadata may be fetched from.
  std::vector<std::string> uri_only_hosts;
  absl::Duration source_timeout = absl::Seconds(3);
  int64_t uri_max_bytes = 256 * 1024;
  int64_t onchain_budget_per_minute = 240;
  int64_t uri_budget_per_minute = 600;
  int64_t dexscreener_budget_per_minute = 60;
  std::string http_proxy;

  // Cascade.
  int64_t capacity = 2000;
  int max_parallel_calls = 8;
  absl::Duration linger = absl::Milliseconds(10);
  absl::Duration linger_max = absl::Milliseconds(500);
  absl::Duration budget_patience = absl::Seconds(2);
  int max_attempts = 8;
  absl::Duration retry_initial = absl::Seconds(5);
  absl::Duration retry_cap = absl::Minutes(10);
  int64_t not_found_capacity = 100'000;
  absl::Duration not_found_initial = absl::Minutes(1);
  absl::Duration not_found_cap = absl::Hours(1);

  // Work.
  absl::Duration lease = absl::Seconds(30);
  absl::Duration poll_interval = absl::Seconds(5);
  // A dead letter is offered again by the detector after this, and refused again.
  absl::Duration dead_letter_hold = absl::Hours(24);
  int attempts_per_token = 100;
  int64_t attempts_max_rows = 1'000'000;
  absl::Duration attempts_retention = absl::Hours(24 * 7);
  int64_t resolve_waiters = 1000;

  // INVALID_ARGUMENT names the flag, the value and what is allowed.
  absl::Status Validate() const;

  CascadeOptions Cascade() const;
};

}  // namespace tokenwatch::resolver
