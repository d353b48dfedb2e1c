// Who wants to hear what became of price requests.
#pragma once

#include "absl/types/span.h"
#include "pricing/price_request.h"

namespace tokenwatch::pricing {

// Thread-safe; must not block.
class PriceRequestListener {
 public:
  virtual ~PriceRequestListener() = default;
  // These were stored as they stand here.
  virtual void OnRequests(absl::Span<const PriceRequest> requests) = 0;
};

}  // namespace tokenwatch::pricing
