// A wish for a price that is kept until some source has one, or its time is over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "chain/address.h"
#include "pricing/price.h"

namespace tokenwatch::pricing {

enum class RequestState : uint8_t { kWaiting = 1, kAnswered = 2, kExpired = 3 };

// Times are of the wall clock.
struct PriceRequest {
  std::string request_id;
  chain::TokenRef token;
  RequestState state = RequestState::kWaiting;
  absl::Time created_at;
  absl::Time expires_at;
  absl::Time next_attempt_at;
  int attempts = 0;
  // Why there is no price yet, or why it expired.
  std::string reason;
  // Set when answered.
  std::optional<Price> price;
};

}  // namespace tokenwatch::pricing
