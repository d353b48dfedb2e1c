#include "pricing/oracle/aggregate.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tokenwatch::pricing {
namespace {

constexpr double kBpsPerUnit = 10'000;
// Of the normal distribution: a MAD of 0.6745 is a standard deviation of 1.
constexpr double kMadPerSigma = 0.6745;
constexpr double kMaxModifiedZ = 3.5;
constexpr double kMaxGapsOfThree = 10;
constexpr double kMaxWeightPerMedian = 2;
// Pyth's publishers state their own uncertainty; ours do not, so they all get what honest ones differ by.
constexpr double kVoteBps = 10;
// Up to so many sources are combined by three votes each.
constexpr size_t kFew = 3;

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double Bps(double value, double of) { return std::abs(value - of) / of * kBpsPerUnit; }

// Farthest from the median that is no outlier, in basis points.
double Reach(const std::vector<double>& prices, double median) {
  std::vector<double> distances;
  distances.reserve(prices.size());
  for (const double price : prices) distances.push_back(Bps(price, median));
  // Of three, one is the median itself, and the nearer of the others is what the two are apart.
  const double spread = Median(std::move(distances));
  const double reach = prices.size() == kFew ? kMaxGapsOfThree * spread : kMaxModifiedZ / kMadPerSigma * spread;
  return std::max(reach, kNeverOutlierBps);
}

double MedianOfThreeVotes(const std::vector<double>& prices) {
  const double step = Median(prices) * kVoteBps / kBpsPerUnit;
  std::vector<double> votes;
  for (const double price : prices) {
    votes.insert(votes.end(), {price - step, price, price + step});
  }
  return Median(std::move(votes));
}

double CappedWeightedMedian(const std::vector<double>& prices, const std::vector<std::optional<double>>& liquidity) {
  std::vector<double> known;
  for (const auto& weight : liquidity) {
    if (weight.has_value()) known.push_back(*weight);
  }
  const double usual = known.empty() ? 1 : Median(known);
  std::vector<double> weights;
  for (const auto& weight : liquidity) weights.push_back(weight.value_or(usual));
  const double cap = kMaxWeightPerMedian * Median(weights);
  std::vector<Weighted> weighted;
  for (size_t i = 0; i < prices.size(); ++i) weighted.push_back({prices[i], std::min(weights[i], cap)});
  return WeightedMedian(std::move(weighted));
}

}  // namespace

double WeightedMedian(std::vector<Weighted> values) {
  std::sort(values.begin(), values.end(), [](const Weighted& a, const Weighted& b) { return a.value < b.value; });
  double total = 0;
  for (const Weighted& value : values) total += value.weight;
  if (!(total > 0)) {
    for (Weighted& value : values) value.weight = 1;
    total = static_cast<double>(values.size());
  }
  double below = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    below += values[i].weight;
    if (below > total / 2) return values[i].value;
    if (below < total / 2) continue;
    size_t next = i + 1;
    while (next + 1 < values.size() && values[next].weight <= 0) ++next;
    return next < values.size() ? (values[i].value + values[next].value) / 2 : values[i].value;
  }
  return values.back().value;
}

Aggregated Aggregate(absl::Span<const Vote> votes, int min_sources) {
  Aggregated result;
  result.rejected.resize(votes.size());
  std::vector<double> prices;
  for (size_t i = 0; i < votes.size(); ++i) {
    if (std::isfinite(votes[i].usd) && votes[i].usd > 0) {
      prices.push_back(votes[i].usd);
    } else {
      result.rejected[i] = kNotPositive;
    }
  }
  const auto needed = static_cast<size_t>(std::max(min_sources, 1));
  if (prices.size() < needed) {
    result.reason = absl::StrCat(prices.size(), " of at least ", needed, " sources have a price");
    return result;
  }
  const double median = Median(prices);
  // Of two that differ nobody knows which is right; how far apart they may be is judged below.
  const double reach = prices.size() < kFew ? INFINITY : Reach(prices, median);
  prices.clear();
  std::vector<std::optional<double>> liquidity;
  for (size_t i = 0; i < votes.size(); ++i) {
    if (!result.rejected[i].empty()) continue;
    if (Bps(votes[i].usd, median) > reach) {
      result.rejected[i] = kOutlier;
      continue;
    }
    prices.push_back(votes[i].usd);
    const std::optional<double>& said = votes[i].liquidity_usd;
    liquidity.push_back(said.has_value() && std::isfinite(*said) && *said >= 0 ? said : std::nullopt);
  }
  if (prices.size() < needed) {
    result.reason = absl::StrCat(prices.size(), " of at least ", needed, " sources agree");
    return result;
  }
  const double usd = prices.size() == 1      ? prices.front()
                     : prices.size() <= kFew ? MedianOfThreeVotes(prices)
                                             : CappedWeightedMedian(prices, liquidity);
  double spread = 0;
  for (const double price : prices) spread = std::max(spread, Bps(price, usd));
  if (spread > kMaxSpreadBps) {
    result.reason = absl::StrFormat("sources differ by %.0f %%", spread / 100);
    return result;
  }
  result.usd = usd;
  if (prices.size() < 2) return result;
  result.confidence_bps = spread;
  const size_t outvoted = votes.size() - prices.size();
  result.is_quorum =
      prices.size() >= outvoted + 2 && spread <= (prices.size() == 2 ? kQuorumSpreadOfTwoBps : kQuorumSpreadBps);
  return result;
}

Aggregated Aggregate(std::vector<SourceReport>& reports, int min_sources) {
  std::vector<Vote> votes;
  std::vector<size_t> voters;
  for (size_t i = 0; i < reports.size(); ++i) {
    SourceReport& report = reports[i];
    report.used = false;
    if (report.rejected == kStale || !report.observation.has_value()) continue;
    votes.push_back({report.observation->value, report.observation->liquidity_usd});
    voters.push_back(i);
  }
  Aggregated result = Aggregate(votes, min_sources);
  for (size_t i = 0; i < voters.size(); ++i) {
    SourceReport& report = reports[voters[i]];
    report.rejected = result.rejected[i];
    report.used = result.usd.has_value() && report.rejected.empty();
  }
  std::stable_partition(reports.begin(), reports.end(), [](const SourceReport& report) { return report.used; });
  return result;
}

}  // namespace tokenwatch::pricing
