// ListHotTokens: a page of the ranking with what is known of its tokens.
#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "pricing/fold/hot_set.h"
#include "pricing/price_view.h"
#include "pricing/reads/hot_list.h"
#include "pricing/store.h"
#include "tokenwatch/pricing/v1/pricing.pb.h"

namespace tokenwatch::pricing {

// From memory, but not quick: a ranking may have to be made. INVALID_ARGUMENT names the field. Tokens that left memory
// since their ranking was made are left out of a page; their places stay empty.
absl::Status ListHotTokens(const v1::ListHotTokensRequest& request, const HotSet& hot, const PriceView& view,
                           HotList& list, const Checkpoint& position, absl::Time now,
                           v1::ListHotTokensResponse* response);

}  // namespace tokenwatch::pricing
