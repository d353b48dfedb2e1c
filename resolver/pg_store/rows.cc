#include "resolver/pg_store/rows.h"

#include <utility>

#include <boost/json.hpp>

namespace tokenwatch::resolver {
namespace {

namespace json = boost::json;

json::string Text(absl::string_view text) { return json::string(boost::json::string_view(text.data(), text.size())); }

void PutToken(const TokenRef& token, json::object& object) {
  object["chain"] = Text(chain::ChainName(token.chain));
  object["address"] = Text(token.address.text());
}

void PutSourced(const char* field, const SourcedText& text, json::object& object) {
  const std::string name = field;
  object[name] = Text(text.value);
  object[name + "_source"] = Text(text.source);
  object[name + "_sanitized"] = text.sanitized;
  if (!text.value.empty()) object[name + "_observed_at"] = Text(TimeText(text.observed_at));
}

json::object ToJson(const Resolution& resolution) {
  json::object object;
  PutToken(resolution.token, object);
  object["state"] = Text(StateName(resolution.state));
  PutSourced("name", resolution.name, object);
  PutSourced("symbol", resolution.symbol, object);
  PutSourced("uri", resolution.uri, object);
  if (resolution.decimals.has_value()) object["decimals"] = *resolution.decimals;
  object["decimals_source"] = Text(resolution.decimals_source);
  const bool imitates = resolution.imitates.has_value();
  object["imitates_chain"] = imitates ? Text(chain::ChainName(resolution.imitates->chain)) : json::string();
  object["imitates_address"] = imitates ? Text(resolution.imitates->address.text()) : json::string();
  object["attempts"] = resolution.attempts;
  object["next_attempt_at"] = Text(TimeText(resolution.next_attempt_at));
  object["reason"] = Text(resolution.reason);
  return object;
}

TokenRef ToToken(const pqxx::field& chain, const pqxx::field& address) {
  return {chain::ParseChain(chain.c_str()), chain::Address::FromCanonical(address.c_str()).value_or(chain::Address())};
}

SourcedText ToSourced(const pqxx::row& row, int first) {
  return {row[first].c_str(), row[first + 1].c_str(), ToTime(row[first + 3], absl::InfinitePast()),
          row[first + 2].as<bool>()};
}

}  // namespace

std::string TimeText(absl::Time time) {
  if (time == absl::InfiniteFuture()) return "infinity";
  if (time == absl::InfinitePast()) return "-infinity";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E6S%Ez", time, absl::UTCTimeZone());
}

std::string TokensJson(absl::Span<const TokenRef> tokens) {
  json::array array;
  for (const TokenRef& token : tokens) {
    json::object object;
    PutToken(token, object);
    array.push_back(std::move(object));
  }
  return json::serialize(array);
}

std::string RequestsJson(absl::Span<const BeginRequest> requests) {
  json::array array;
  for (const BeginRequest& request : requests) {
    json::object object;
    PutToken(request.token, object);
    object["uri"] = Text(request.uri);
    object["uri_source"] = Text(request.uri_source);
    if (request.decimals.has_value()) object["decimals"] = *request.decimals;
    array.push_back(std::move(object));
  }
  return json::serialize(array);
}

std::string FinishedJson(absl::Span<const Finished> finished) {
  json::array array;
  for (const Finished& one : finished) {
    json::object object = ToJson(one.resolution);
    object["named"] = one.verdict == Verdict::kNamed;
    array.push_back(std::move(object));
  }
  return json::serialize(array);
}

std::string ResolutionsJson(absl::Span<const Resolution> resolutions) {
  json::array array;
  for (const Resolution& resolution : resolutions) array.push_back(ToJson(resolution));
  return json::serialize(array);
}

std::string AttemptsJson(absl::Span<const Finished> finished) {
  json::array array;
  for (const Finished& one : finished) {
    for (const Attempt& attempt : one.attempts) {
      json::object object;
      PutToken(attempt.token, object);
      object["asked_at"] = Text(TimeText(attempt.asked_at));
      object["source"] = Text(attempt.source);
      object["outcome"] = Text(OutcomeName(attempt.outcome));
      object["detail"] = Text(attempt.detail);
      object["latency_us"] = absl::ToInt64Microseconds(attempt.latency);
      array.push_back(std::move(object));
    }
  }
  return json::serialize(array);
}

std::string BudgetsJson(absl::Span<const StoredBudget> budgets) {
  json::array array;
  for (const StoredBudget& budget : budgets) {
    array.push_back(json::object{{"source", Text(budget.source)},
                                 {"remaining", budget.state.remaining},
                                 {"limit_calls", budget.state.limit},
                                 {"used", budget.state.used},
                                 {"last_used_at", Text(TimeText(budget.state.last_used_at))},
                                 {"closed_until", Text(TimeText(budget.state.closed_until))}});
  }
  return json::serialize(array);
}

absl::Time ToTime(const pqxx::field& field, absl::Time if_null) {
  return field.is_null() ? if_null : absl::FromUnixMicros(field.as<int64_t>());
}

StoredBudget ToBudget(const pqxx::row& row) {
  StoredBudget budget{row[0].c_str(), {}};
  budget.state.remaining = row[1].as<int>();
  budget.state.limit = row[2].as<int>();
  budget.state.used = row[3].as<int>();
  budget.state.last_used_at = ToTime(row[4], absl::InfinitePast());
  budget.state.closed_until = ToTime(row[5], absl::InfinitePast());
  return budget;
}

Resolution ToResolution(const pqxx::row& row) {
  Resolution resolution;
  resolution.token = ToToken(row[0], row[1]);
  resolution.state = ParseState(row[2].c_str()).value_or(State::kPending);
  resolution.name = ToSourced(row, 3);
  resolution.symbol = ToSourced(row, 7);
  resolution.uri = ToSourced(row, 11);
  if (!row[15].is_null()) resolution.decimals = row[15].as<uint32_t>();
  resolution.decimals_source = row[16].c_str();
  if (row[17].size() > 0) resolution.imitates = ToToken(row[17], row[18]);
  resolution.attempts = row[19].as<int>();
  resolution.next_attempt_at = ToTime(row[20], absl::InfiniteFuture());
  resolution.reason = row[21].c_str();
  return resolution;
}

}  // namespace tokenwatch::resolver
