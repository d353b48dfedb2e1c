#include "pricing/rpc/batch_prices.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "pricing/rpc/convert.h"
#include "pricing/rpc/price_wire.h"

namespace tokenwatch::pricing {
namespace {

constexpr size_t kMaxTokens = 1000;
// About what a price takes.
constexpr size_t kPriceBytes = 450;

// Looks at the tokens that were not found as they stand in the request: they may be spelt in another case, or not be
// tokens at all. Fills in what is found after all; the others stay empty.
absl::Status LookCloser(const std::string& text, const HotSet& hot, std::vector<chain::TokenRef>* tokens,
                        std::vector<std::optional<PriceInputs>>* inputs) {
  v1::BatchGetPricesRequest request;
  if (!request.ParseFromString(text)) return absl::InvalidArgumentError("the request is no BatchGetPricesRequest");
  for (size_t i = 0; i < tokens->size(); ++i) {
    if ((*inputs)[i].has_value()) continue;
    const auto token = FromProto(request.tokens(static_cast<int>(i)), absl::StrCat("tokens[", i, "]"));
    if (!token.ok()) return token.status();
    if (*token == (*tokens)[i]) continue;
    (*tokens)[i] = *token;
    hot.Read(*token, chain::Address(), [&](const Series& series) { (*inputs)[i] = InputsOf(series); });
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<BatchCounts> BatchPrices(const grpc::ByteBuffer& request, const HotSet& hot, const PriceView& view,
                                        absl::Time now, grpc::ByteBuffer* response) {
  const std::string text = ToText(request);
  std::vector<chain::TokenRef> tokens;
  if (!ParseTokens(text, &tokens)) {
    // Somebody else's encoder, or garbage: the generated parser knows.
    v1::BatchGetPricesRequest parsed;
    if (!parsed.ParseFromString(text)) return absl::InvalidArgumentError("the request is no BatchGetPricesRequest");
    tokens.resize(static_cast<size_t>(parsed.tokens_size()));
  }
  if (tokens.empty() || tokens.size() > kMaxTokens) {
    return Bad("tokens", absl::StrCat("has ", tokens.size(), " entries; allowed are 1 to ", kMaxTokens));
  }

  std::vector<std::optional<PriceInputs>> inputs(tokens.size());
  size_t found = 0;
  hot.ReadMany(tokens, [&](size_t index, const Series& series) {
    inputs[index] = InputsOf(series);
    found += inputs[index].has_value() ? 1 : 0;
  });
  if (found < tokens.size()) {
    if (absl::Status looked = LookCloser(text, hot, &tokens, &inputs); !looked.ok()) return looked;
  }

  std::string wire;
  wire.reserve(tokens.size() * kPriceBytes);
  BatchCounts counts;
  PriceView::Memo memo;
  for (const std::optional<PriceInputs>& each : inputs) {
    if (!each.has_value()) continue;
    AppendPriceField(view.Make(*each, now, memo), now, wire);
    ++counts.prices;
  }
  for (size_t i = 0; counts.prices < tokens.size() && i < tokens.size(); ++i) {
    if (inputs[i].has_value()) continue;
    AppendMissingField(tokens[i], wire);
    ++counts.missing;
  }
  *response = ToByteBuffer(std::move(wire));
  return counts;
}

}  // namespace tokenwatch::pricing
