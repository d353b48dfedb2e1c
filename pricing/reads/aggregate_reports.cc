#include "pricing/reads/aggregate_reports.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "pricing/oracle/aggregate.h"

namespace tokenwatch::pricing {

OracleAnswer AggregateReports(std::vector<SourceReport> reports, int min_sources) {
  std::vector<Vote> votes;
  std::vector<size_t> places;
  for (size_t i = 0; i < reports.size(); ++i) {
    SourceReport& report = reports[i];
    report.used = false;
    if (!report.observation.has_value() || report.rejected == kStale) continue;
    votes.push_back({report.observation->value, report.observation->liquidity_usd});
    places.push_back(i);
  }
  const Aggregated aggregated = Aggregate(votes, min_sources);
  OracleAnswer answer;
  answer.usd = aggregated.usd;
  answer.reason = aggregated.reason;
  answer.confidence_bps = aggregated.confidence_bps;
  for (size_t i = 0; i < places.size(); ++i) {
    SourceReport& report = reports[places[i]];
    report.rejected = aggregated.rejected[i];
    report.used = aggregated.usd.has_value() && report.rejected.empty();
    if (!report.used) continue;
    const Observation& observation = *report.observation;
    answer.event_time = std::max(answer.event_time, observation.event_time.value_or(observation.heard_at));
    if (observation.liquidity_usd.has_value()) {
      answer.liquidity_usd = std::max(answer.liquidity_usd.value_or(0), *observation.liquidity_usd);
    }
  }
  std::stable_partition(reports.begin(), reports.end(), [](const SourceReport& report) { return report.used; });
  answer.sources = std::move(reports);
  return answer;
}

}  // namespace tokenwatch::pricing
