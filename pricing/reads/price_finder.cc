#include "pricing/reads/price_finder.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "pricing/decimal_text.h"
#include "pricing/oracle/oracle_answer.h"

namespace tokenwatch::pricing {
namespace {

// A call without a deadline waits no longer for oracles.
constexpr absl::Duration kOracleTimeout = absl::Seconds(10);

const Word kLog("log");

std::string NameOf(const chain::TokenRef& token) {
  return absl::StrCat(chain::ChainName(token.chain), ":", token.address.text());
}

absl::Status TooOld(const PriceQuestion& question, const Price& price, absl::Time as_of) {
  return absl::FailedPreconditionError(
      absl::StrCat("max_age: the newest price of ", NameOf(question.token), " is ",
                   absl::FormatDuration(absl::Trunc(as_of - price.event_time, absl::Seconds(1))), " old, made at ",
                   absl::FormatTime(absl::RFC3339_sec, price.event_time, absl::UTCTimeZone()), "; allowed are ",
                   absl::FormatDuration(*question.max_age)));
}

absl::StatusOr<Price> Checked(const PriceQuestion& question, const Price& price, absl::Time as_of) {
  if (question.max_age.has_value() && as_of - price.event_time > *question.max_age) {
    return TooOld(question, price, as_of);
  }
  return price;
}

// What each source said, for an error.
std::string Heard(const std::vector<SourceReport>& reports) {
  std::string text;
  for (const SourceReport& report : reports) {
    const absl::string_view said =
        !report.rejected.empty() ? absl::string_view(report.rejected) : ToWord(report.outcome);
    absl::StrAppend(&text, "; ", report.source.text(), ": ", said,
                    report.detail.empty() ? "" : absl::StrCat(" (", report.detail, ")"));
  }
  return text;
}

absl::Status NothingFound(const PriceQuestion& question, const absl::StatusOr<std::optional<Price>>& from_log,
                          const std::vector<SourceReport>& reports) {
  // With the log's own failure it is not known that there is no price.
  if (!from_log.ok()) return from_log.status();
  return absl::NotFoundError(
      absl::StrCat("token: ", NameOf(question.token), " has no price; log: ",
                   question.quote.empty() ? "no trade seen" : "no trade against quote_address seen", Heard(reports)));
}

// The log's price as one source among others; nullopt where USD is not known.
std::optional<SourceReport> AsSource(const Price& price, const PriceView& view, bool good, absl::Time now) {
  if (!price.usd.has_value()) return std::nullopt;
  SourceReport report;
  report.source = kLog;
  report.outcome = Outcome::kFound;
  Observation& observation = report.observation.emplace();
  observation.usd = DecimalText(*price.usd);
  observation.value = *price.usd;
  observation.event_time = price.event_time;
  observation.heard_at = now;
  observation.liquidity_usd = PoolUsd(price, view);
  observation.venue = price.point->venue;
  if (!good) report.rejected = "stale";
  return report;
}

}  // namespace

bool PriceFinder::IsGood(const PriceQuestion& question, const Price& price) const {
  return parts_.clock.Now() - price.event_time <= question.max_age.value_or(parts_.view.options().stale_after);
}

std::optional<Price> PriceFinder::FindInMemory(const PriceQuestion& question) const {
  if (question.at.has_value() || question.policy == FindPolicy::kAggregate) return std::nullopt;
  std::optional<Price> price = parts_.view.Find(question.token, question.quote, parts_.clock.Now());
  // Without decimals the registry has to be asked, and what is not good may be better elsewhere.
  if (!price.has_value() || !price->in_quote.has_value()) return std::nullopt;
  const bool any_age =
      !question.max_age.has_value() && (question.policy == FindPolicy::kLogOnly || !question.quote.empty());
  return any_age || IsGood(question, *price) ? price : std::nullopt;
}

void PriceFinder::Find(const PriceQuestion& question, absl::Time deadline, Done done) const {
  if (question.at.has_value()) return done(FindPast(question, deadline));
  absl::StatusOr<std::optional<Price>> from_log = FindInLog(question, deadline);
  const bool found = from_log.ok() && from_log->has_value();
  if (question.policy == FindPolicy::kLogOnly || !question.quote.empty()) {
    return done(found ? Checked(question, **from_log, parts_.clock.Now()) : NothingFound(question, from_log, {}));
  }
  if (question.policy == FindPolicy::kFirstGood && found && IsGood(question, **from_log)) return done(**from_log);
  AskOracle(question, std::move(from_log), deadline, std::move(done));
}

absl::StatusOr<std::optional<Price>> PriceFinder::FindInLog(const PriceQuestion& question, absl::Time deadline) const {
  const absl::Time now = parts_.clock.Now();
  if (std::optional<Price> price = parts_.view.Find(question.token, question.quote, now)) {
    if (price->in_quote.has_value()) return price;
  }
  const auto all = parts_.series.Read(question.token, question.quote, deadline);
  if (!all.ok()) return all.status();
  std::optional<PriceInputs> newest;
  for (const Series& series : *all) {
    const std::optional<PriceInputs> inputs = InputsOf(series);
    if (!inputs.has_value() || (newest.has_value() && !(newest->point.at < inputs->point.at))) continue;
    newest = inputs;
  }
  if (!newest.has_value()) return std::optional<Price>();
  return Complete(*newest, now, deadline);
}

absl::StatusOr<Price> PriceFinder::FindPast(const PriceQuestion& question, absl::Time deadline) const {
  const auto found = parts_.history.FindAt(question.token, question.quote, *question.at, deadline);
  if (!found.ok()) return found.status();
  if (!found->has_value()) {
    return absl::NotFoundError(absl::StrCat("token: ", NameOf(question.token), " has no price at or before ",
                                            absl::FormatTime(absl::RFC3339_full, *question.at, absl::UTCTimeZone()),
                                            question.quote.empty() ? "" : " against quote_address"));
  }
  return Checked(question, Complete(**found, *question.at, deadline), *question.at);
}

Price PriceFinder::Complete(const PriceInputs& inputs, absl::Time as_of, absl::Time deadline) const {
  Price price = parts_.view.Make(inputs, as_of);
  if (price.in_quote.has_value()) return price;
  // A registry that cannot be asked leaves the price without decimals, which it says.
  for (const chain::TokenRef& asset : {price.token, chain::TokenRef{price.token.chain, price.quote}}) {
    parts_.view.decimals().Fetch(asset, deadline).IgnoreError();
  }
  return parts_.view.Make(inputs, as_of);
}

void PriceFinder::AskOracle(const PriceQuestion& question, absl::StatusOr<std::optional<Price>> from_log,
                            absl::Time deadline, Done done) const {
  OracleQuestion asked;
  asked.token = question.token;
  asked.policy = question.policy == FindPolicy::kAggregate ? Policy::kAggregate : Policy::kFirstGood;
  // The log may be one of the sources, so the oracle's own are enough only together with it.
  asked.min_sources = 1;
  asked.max_age = question.max_age.value_or(absl::InfiniteDuration());
  asked.deadline = std::min(deadline, parts_.clock.Now() + kOracleTimeout);
  parts_.oracle.Ask(
      asked, [this, question, from_log = std::move(from_log), done = std::move(done)](const OracleAnswer& answer) {
        parts_.memory.Remember(question.token, answer.sources);
        done(Choose(question, from_log, answer));
      });
}

absl::StatusOr<Price> PriceFinder::Choose(const PriceQuestion& question,
                                          const absl::StatusOr<std::optional<Price>>& from_log,
                                          const OracleAnswer& answer) const {
  const absl::Time now = parts_.clock.Now();
  const bool logged = from_log.ok() && from_log->has_value();
  if (question.policy == FindPolicy::kAggregate) {
    std::vector<SourceReport> reports = answer.sources;
    if (logged) {
      // The oracle may have heard the log, too, some time ago.
      std::erase_if(reports, [](const SourceReport& report) { return report.source == kLog; });
      if (auto log = AsSource(**from_log, parts_.view, IsGood(question, **from_log), now)) {
        reports.insert(reports.begin(), *std::move(log));
      }
    }
    OracleAnswer together = AggregateReports(std::move(reports), question.min_sources);
    together.is_stale = answer.is_stale;
    if (const auto price = parts_.view.Make(question.token, together, now)) return Checked(question, *price, now);
    const bool found = std::any_of(together.sources.begin(), together.sources.end(),
                                   [](const SourceReport& report) { return report.observation.has_value(); });
    if (!found) return NothingFound(question, from_log, together.sources);
    return absl::FailedPreconditionError(absl::StrCat("min_sources: ", NameOf(question.token), " has no price that ",
                                                      question.min_sources, " sources agree on: ", together.reason,
                                                      Heard(together.sources)));
  }
  const auto price = parts_.view.Make(question.token, answer, now);
  // A price of the log that is not good is still a price, when nobody has a newer one.
  if (price.has_value() && (!logged || (*from_log)->event_time <= price->event_time)) {
    return Checked(question, *price, now);
  }
  if (logged) return Checked(question, **from_log, now);
  return NothingFound(question, from_log, answer.sources);
}

}  // namespace tokenwatch::pricing
