#include "pricing/rpc/list_hot_tokens.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "pricing/rpc/convert.h"

namespace tokenwatch::pricing {
namespace {

constexpr int kDefaultPage = 50;
constexpr int kMaxPage = 1000;
constexpr char kPageKind[] = "hot";

// What is copied of a series while its shard is locked.
struct Facts {
  std::optional<PriceInputs> inputs;
  uint64_t trades = 0;
  uint64_t traders = 0;
  bool traders_estimated = false;
  chain::Amount quote_volume;
  HeldPoint high;
  absl::Time first_trade;
  bool is_partial = false;
};

std::optional<Facts> Read(const HotSet& hot, const SeriesKey& key) {
  std::optional<Facts> facts;
  hot.Read(key.token, key.quote, [&](const Series& series) {
    facts = Facts{InputsOf(series),    series.trades, series.traders.count(),  series.traders.is_estimate(),
                  series.quote_volume, series.high,   series.first.event_time, series.is_partial};
  });
  return facts;
}

void ToProto(const Facts& facts, const PriceView& view, absl::Time now, v1::HotToken* out) {
  if (facts.inputs.has_value()) ToProto(view.Make(*facts.inputs, now), now, out->mutable_price());
  out->set_trades(static_cast<int64_t>(facts.trades));
  out->set_traders(static_cast<int64_t>(facts.traders));
  out->set_traders_estimated(facts.traders_estimated);
  out->set_quote_volume(facts.quote_volume.ToString());
  *out->mutable_first_trade_at() = ToTimestamp(facts.first_trade);
  out->set_is_partial(facts.is_partial);
  if (!facts.high.has_value()) return;
  ToProto(facts.high->ratio, out->mutable_high());
  *out->mutable_high_at() = ToTimestamp(facts.high->at.event_time);
  out->set_high_transaction(std::string(facts.high->transaction.text()));
}

}  // namespace

absl::Status ListHotTokens(const v1::ListHotTokensRequest& request, const HotSet& hot, const PriceView& view,
                           HotList& list, const Checkpoint& position, absl::Time now,
                           v1::ListHotTokensResponse* response) {
  const auto page_size = PageSize(request.page_size(), kDefaultPage, kMaxPage);
  if (!page_size.ok()) return page_size.status();
  chain::Chain chain = chain::Chain::kUnknown;
  if (!request.chain().empty()) {
    chain = chain::ParseChain(request.chain());
    if (chain == chain::Chain::kUnknown) return Bad("chain", "is none of solana, ethereum, base, bsc");
  }
  std::shared_ptr<const HotRanking> ranking;
  size_t offset = 0;
  if (!request.page_token().empty()) {
    const auto token = FromPageToken(kPageKind, request.page_token());
    if (!token.ok()) return token.status();
    uint64_t cursor = 0;
    if (token->first < 0 || !absl::SimpleAtoi(token->second, &cursor)) return Bad("page_token", "is not valid");
    offset = static_cast<size_t>(token->first);
    ranking = list.Find(chain, cursor);
  }
  // A ranking that is forgotten is continued with the present one.
  if (ranking == nullptr) ranking = list.Newest(chain, position);

  const size_t end = std::min(ranking->ranks.size(), offset + static_cast<size_t>(*page_size));
  for (size_t i = offset; i < end; ++i) {
    const HotRank& rank = ranking->ranks[i];
    const std::optional<Facts> facts = Read(hot, rank.key);
    if (!facts.has_value()) continue;
    v1::HotToken* out = response->add_tokens();
    out->set_rank(static_cast<int32_t>(i + 1));
    out->set_score(rank.score);
    ToProto(*facts, view, now, out);
  }
  if (ranking->as_of != absl::InfinitePast()) *response->mutable_as_of() = ToTimestamp(ranking->as_of);
  if (end < ranking->ranks.size()) {
    response->set_next_page_token(ToPageToken(kPageKind, static_cast<int64_t>(end), absl::StrCat(ranking->cursor)));
  }
  return absl::OkStatus();
}

}  // namespace tokenwatch::pricing
