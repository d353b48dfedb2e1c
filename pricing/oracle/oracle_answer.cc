#include "pricing/oracle/oracle_answer.h"

#include <algorithm>
#include <utility>

#include "pricing/oracle/aggregate.h"

namespace tokenwatch::pricing {

OracleAnswer AggregateReports(std::vector<SourceReport> reports, int min_sources) {
  OracleAnswer answer;
  answer.sources = std::move(reports);
  const Aggregated aggregated = Aggregate(answer.sources, min_sources);
  answer.usd = aggregated.usd;
  answer.reason = aggregated.reason;
  answer.confidence_bps = aggregated.confidence_bps;
  answer.is_quorum = aggregated.is_quorum;
  DescribeUsed(answer);
  return answer;
}

void DescribeUsed(OracleAnswer& answer) {
  std::stable_partition(answer.sources.begin(), answer.sources.end(),
                        [](const SourceReport& report) { return report.used; });
  for (const SourceReport& report : answer.sources) {
    if (!report.used) continue;
    answer.event_time = std::max(answer.event_time, report.observation->made_at());
    const std::optional<double>& liquidity = report.observation->liquidity_usd;
    if (liquidity.has_value()) answer.liquidity_usd = std::max(answer.liquidity_usd.value_or(0), *liquidity);
  }
}

}  // namespace tokenwatch::pricing
