// BatchGetPrices: hundreds of prices from memory in one answer, from wire form to wire form.
#pragma once

#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/support/byte_buffer.h"
#include "pricing/fold/hot_set.h"
#include "pricing/price_view.h"

namespace tokenwatch::pricing {

struct BatchCounts {
  size_t prices = 0;
  size_t missing = 0;
};

// Never blocks. INVALID_ARGUMENT names the field.
absl::StatusOr<BatchCounts> BatchPrices(const grpc::ByteBuffer& request, const HotSet& hot, const PriceView& view,
                                        absl::Time now, grpc::ByteBuffer* response);

}  // namespace tokenwatch::pricing
