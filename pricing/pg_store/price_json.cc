#include "pricing/pg_store/price_json.h"

#include <cstdint>
#include <optional>
#include <utility>

#include <boost/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "common/text/safe_text.h"

namespace tokenwatch::pricing {
namespace {

namespace json = boost::json;

constexpr common::SafeTextLimits kTextLimits{500, 500};

json::string Text(absl::string_view text) { return json::string(json::string_view(text.data(), text.size())); }
// From outside: PostgreSQL takes neither zero bytes nor what is no UTF-8.
json::string Safe(absl::string_view text) { return Text(common::SafeText(text, kTextLimits).text); }
json::string Real(double value) { return Text(absl::StrFormat("%.17g", value)); }

// Infinities are the ends of the range.
int64_t Micros(absl::Time time) { return absl::ToUnixMicros(time); }
absl::Time FromMicros(int64_t micros) {
  if (micros == Micros(absl::InfinitePast())) return absl::InfinitePast();
  if (micros == Micros(absl::InfiniteFuture())) return absl::InfiniteFuture();
  return absl::FromUnixMicros(micros);
}

json::object ToJson(const PricePoint& point) {
  json::object object;
  object["quote_units"] = Text(point.ratio.quote_units.ToString());
  object["token_units"] = Text(point.ratio.token_units.ToString());
  object["from_reserves"] = point.from_reserves;
  object["event_time"] = Micros(point.at.event_time);
  object["cursor"] = point.at.cursor;
  object["transaction"] = Text(point.transaction.text());
  object["venue"] = Text(point.venue.text());
  object["is_mayhem"] = point.is_mayhem;
  if (point.pool_quote.has_value()) object["pool_quote"] = Text(point.pool_quote->ToString());
  return object;
}

json::object ToJson(const Observation& observation) {
  json::object object;
  object["usd"] = Safe(observation.usd);
  object["value"] = Real(observation.value);
  if (observation.event_time.has_value()) object["event_time"] = Micros(*observation.event_time);
  object["heard_at"] = Micros(observation.heard_at);
  if (observation.liquidity_usd.has_value()) object["liquidity_usd"] = Real(*observation.liquidity_usd);
  object["venue"] = Text(observation.venue.text());
  object["pool"] = Safe(observation.pool);
  return object;
}

json::object ToJson(const SourceReport& report) {
  json::object object;
  object["source"] = Text(report.source.text());
  object["outcome"] = static_cast<int>(report.outcome);
  object["detail"] = Safe(report.detail);
  if (report.observation.has_value()) object["observation"] = ToJson(*report.observation);
  object["used"] = report.used;
  object["rejected"] = Safe(report.rejected);
  return object;
}

// Reads fields of an object; what is missing or of another type throws boost::system::system_error, which
// ParsePriceJson catches.
class Fields {
 public:
  explicit Fields(const json::value& value) : object_(value.as_object()) {}

  bool Has(const char* name) const { return object_.contains(name); }
  const json::value& At(const char* name) const { return object_.at(name); }
  std::string String(const char* name) const {
    const json::string& text = At(name).as_string();
    return std::string(text.data(), text.size());
  }
  bool Bool(const char* name) const { return At(name).as_bool(); }
  int64_t Int(const char* name) const { return At(name).to_number<int64_t>(); }
  uint64_t Uint(const char* name) const { return At(name).to_number<uint64_t>(); }
  absl::Time Time(const char* name) const { return FromMicros(Int(name)); }
  Word ToWord(const char* name) const { return Word(absl::string_view(String(name)).substr(0, Word::kMaxSize)); }
  double Double(const char* name) const {
    double value = 0;
    ok_ = absl::SimpleAtod(String(name), &value) && ok_;
    return value;
  }
  chain::Amount Amount(const char* name) const { return Checked(chain::Amount::Parse(String(name))); }
  chain::Address Address(const char* name) const { return Checked(chain::Address::FromCanonical(String(name))); }
  chain::TransactionId Transaction(const char* name) const {
    return Checked(chain::TransactionId::FromCanonical(String(name)));
  }
  std::optional<double> OptionalDouble(const char* name) const {
    return Has(name) ? std::optional<double>(Double(name)) : std::nullopt;
  }

  void Check() const {
    if (!ok_) throw boost::system::system_error(json::make_error_code(json::error::syntax));
  }

 private:
  template <typename T>
  T Checked(const std::optional<T>& value) const {
    ok_ = value.has_value() && ok_;
    return value.value_or(T());
  }

  const json::object& object_;
  mutable bool ok_ = true;
};

PricePoint ToPoint(const json::value& value) {
  const Fields fields(value);
  PricePoint point;
  point.ratio = {fields.Amount("quote_units"), fields.Amount("token_units")};
  point.from_reserves = fields.Bool("from_reserves");
  point.at = {fields.Time("event_time"), fields.Uint("cursor")};
  point.transaction = fields.Transaction("transaction");
  point.venue = fields.ToWord("venue");
  point.is_mayhem = fields.Bool("is_mayhem");
  if (fields.Has("pool_quote")) point.pool_quote = fields.Amount("pool_quote");
  fields.Check();
  return point;
}

Observation ToObservation(const json::value& value) {
  const Fields fields(value);
  Observation observation;
  observation.usd = fields.String("usd");
  observation.value = fields.Double("value");
  if (fields.Has("event_time")) observation.event_time = fields.Time("event_time");
  observation.heard_at = fields.Time("heard_at");
  observation.liquidity_usd = fields.OptionalDouble("liquidity_usd");
  observation.venue = fields.ToWord("venue");
  observation.pool = fields.String("pool");
  fields.Check();
  return observation;
}

SourceReport ToReport(const json::value& value) {
  const Fields fields(value);
  SourceReport report;
  report.source = fields.ToWord("source");
  report.outcome = static_cast<Outcome>(fields.Int("outcome"));
  report.detail = fields.String("detail");
  if (fields.Has("observation")) report.observation = ToObservation(fields.At("observation"));
  report.used = fields.Bool("used");
  report.rejected = fields.String("rejected");
  return report;
}

chain::TokenRef ToToken(const Fields& fields) {
  return {chain::ParseChain(fields.String("chain")), fields.Address("address")};
}

Price ToPrice(const json::value& value) {
  const Fields fields(value);
  Price price;
  price.token = ToToken(fields);
  price.basis = static_cast<Basis>(fields.Int("basis"));
  price.grade = static_cast<Grade>(fields.Int("grade"));
  price.quote = fields.Address("quote");
  if (fields.Has("point")) price.point = ToPoint(fields.At("point"));
  price.in_quote = fields.OptionalDouble("in_quote");
  price.usd = fields.OptionalDouble("usd");
  if (fields.Has("reference")) {
    const Fields reference(fields.At("reference"));
    price.reference = Reference{ToToken(reference), reference.Time("event_time"), reference.String("usd"),
                                reference.ToWord("source")};
    reference.Check();
  }
  for (const json::value& report : fields.At("sources").as_array()) price.sources.push_back(ToReport(report));
  price.event_time = fields.Time("event_time");
  price.confidence_bps = fields.OptionalDouble("confidence_bps");
  price.unknown_reason = fields.String("unknown_reason");
  fields.Check();
  return price;
}

void PutToken(const chain::TokenRef& token, json::object& object) {
  object["chain"] = Text(chain::ChainName(token.chain));
  object["address"] = Text(token.address.text());
}

}  // namespace

std::string PriceJson(const Price& price) {
  json::object object;
  PutToken(price.token, object);
  object["basis"] = static_cast<int>(price.basis);
  object["grade"] = static_cast<int>(price.grade);
  object["quote"] = Text(price.quote.text());
  if (price.point.has_value()) object["point"] = ToJson(*price.point);
  if (price.in_quote.has_value()) object["in_quote"] = Real(*price.in_quote);
  if (price.usd.has_value()) object["usd"] = Real(*price.usd);
  if (price.reference.has_value()) {
    json::object reference;
    PutToken(price.reference->asset, reference);
    reference["event_time"] = Micros(price.reference->event_time);
    reference["usd"] = Text(price.reference->usd);
    reference["source"] = Text(price.reference->source.text());
    object["reference"] = std::move(reference);
  }
  json::array sources;
  for (const SourceReport& report : price.sources) sources.push_back(ToJson(report));
  object["sources"] = std::move(sources);
  object["event_time"] = Micros(price.event_time);
  if (price.confidence_bps.has_value()) object["confidence_bps"] = Real(*price.confidence_bps);
  object["unknown_reason"] = Safe(price.unknown_reason);
  return json::serialize(object);
}

absl::StatusOr<Price> ParsePriceJson(absl::string_view text) {
  try {
    return ToPrice(json::parse(json::string_view(text.data(), text.size())));
  } catch (const std::exception&) {
    // boost::json reports by exceptions of several types; whatever is wrong, the text is none of ours.
    return absl::DataLossError("a stored price is damaged");
  }
}

}  // namespace tokenwatch::pricing
