#include "pricing/pg_store/values.h"

#include <boost/json.hpp>

#include "common/text/safe_text.h"
#include "pricing/pg_store/price_json.h"

namespace tokenwatch::pricing {
namespace {

constexpr common::SafeTextLimits kReasonLimits{1000, 1000};

}  // namespace

void TextArray::Add(absl::string_view text) {
  if (text_.size() > 1) text_.push_back(',');
  text_.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') text_.push_back('\\');
    text_.push_back(c);
  }
  text_.push_back('"');
}

void KeyArrays::Add(const chain::TokenRef& token) {
  chains.Add(chain::ChainName(token.chain));
  addresses.Add(token.address.text());
}

void KeyArrays::Add(const SeriesKey& key) {
  Add(key.token);
  quotes.Add(key.quote.text());
}

std::string TimeText(absl::Time time) {
  if (time == absl::InfiniteFuture()) return "infinity";
  if (time == absl::InfinitePast()) return "-infinity";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E6S%Ez", time, absl::UTCTimeZone());
}

absl::string_view TextOf(const pqxx::field& field) { return absl::string_view(field.c_str(), field.size()); }

std::string BytesOf(const pqxx::field& field) {
  const pqxx::binarystring bytes(field);
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

chain::TokenRef ToTokenRef(const pqxx::field& chain, const pqxx::field& address) {
  return {chain::ParseChain(TextOf(chain)), chain::Address::FromCanonical(TextOf(address)).value_or(chain::Address())};
}

absl::Time ToTime(const pqxx::field& field, absl::Time if_null) {
  return field.is_null() ? if_null : absl::FromUnixMicros(field.as<int64_t>());
}

Checkpoint ToCheckpoint(const pqxx::row& row) {
  return {row[0].as<uint64_t>(), row[1].as<uint64_t>(), row[2].as<uint64_t>(), ToTime(row[3], absl::InfinitePast()),
          ToTime(row[4], absl::InfinitePast())};
}

ChunkRow ToChunk(const pqxx::row& row) {
  ChunkRow chunk;
  chunk.key.token = ToTokenRef(row[0], row[1]);
  chunk.key.quote = chain::Address::FromCanonical(TextOf(row[2])).value_or(chain::Address());
  chunk.start = ToTime(row[3], absl::InfinitePast());
  chunk.packed = BytesOf(row[4]);
  chunk.minutes = row[5].as<int>();
  return chunk;
}

absl::StatusOr<PriceRequest> ToRequest(const pqxx::row& row) {
  PriceRequest request;
  request.request_id = row[0].as<std::string>();
  request.token = ToTokenRef(row[1], row[2]);
  request.state = static_cast<RequestState>(row[3].as<int>());
  request.created_at = ToTime(row[4], absl::InfinitePast());
  request.expires_at = ToTime(row[5], absl::InfiniteFuture());
  request.next_attempt_at = ToTime(row[6], absl::InfiniteFuture());
  request.attempts = row[7].as<int>();
  request.reason = row[8].as<std::string>();
  if (!row[9].is_null()) {
    auto price = ParsePriceJson(TextOf(row[9]));
    if (!price.ok()) return price.status();
    request.price = *std::move(price);
  }
  return request;
}

std::string OutcomesJson(absl::Span<const PriceRequest> requests) {
  namespace json = boost::json;
  const auto text = [](absl::string_view value) { return json::string(json::string_view(value.data(), value.size())); };
  std::string out = "[";
  for (const PriceRequest& request : requests) {
    if (out.size() > 1) out.push_back(',');
    json::object object;
    object["id"] = text(request.request_id);
    object["state"] = static_cast<int>(request.state);
    object["next_attempt_at"] = text(TimeText(request.next_attempt_at));
    object["attempts"] = request.attempts;
    object["reason"] = text(common::SafeText(request.reason, kReasonLimits).text);
    std::string one = json::serialize(object);
    if (request.state == RequestState::kAnswered && request.price.has_value()) {
      one.pop_back();
      one.append(",\"price\":").append(PriceJson(*request.price)).append("}");
    }
    out.append(one);
  }
  out.push_back(']');
  return out;
}

}  // namespace tokenwatch::pricing
