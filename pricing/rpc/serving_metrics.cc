#include "pricing/rpc/serving_metrics.h"

namespace tokenwatch::pricing {

ServingMetrics::ServingMetrics(common::MetricRegistry& registry)
    : from_memory(registry.Counter("pricing_price_answers_total", "GetPrice calls by where the answer was looked for.",
                                   {{"source", "memory"}})),
      from_behind(registry.Counter("pricing_price_answers_total", "GetPrice calls by where the answer was looked for.",
                                   {{"source", "behind"}})),
      batch_prices(registry.Counter("pricing_batch_prices_total", "Prices of BatchGetPrices.")),
      batch_missing(registry.Counter("pricing_batch_missing_total", "Tokens BatchGetPrices had no price for.")),
      price_streams_(MakeStreams(registry, "prices")),
      request_streams_(MakeStreams(registry, "requests")),
      changes_(registry.Counter("pricing_stream_changes_total", "Changed tokens told to streams.")),
      streamed_(registry.Counter("pricing_stream_prices_total", "Prices sent to streams.")),
      messages_(registry.Counter("pricing_stream_messages_total", "Messages sent to streams of prices.")),
      conflated_(registry.Counter("pricing_stream_conflated_total", "Prices that streams were too slow for.")) {}

ServingMetrics::Streams ServingMetrics::MakeStreams(common::MetricRegistry& registry, const std::string& kind) {
  const common::MetricLabels labels = {{"kind", kind}};
  return {registry.Gauge("pricing_streams_open", "Open streams.", labels),
          registry.Counter("pricing_streams_refused_total", "Streams refused: too many are open.", labels),
          registry.Counter("pricing_streams_cut_off_total", "Streams cut off: their reader was too slow.", labels)};
}

void ServingMetrics::Set(const Streams& streams, const common::StreamSet::Counts& counts) {
  streams.open.Set(static_cast<double>(counts.open));
  common::RaiseTo(streams.refused, static_cast<double>(counts.refused));
  common::RaiseTo(streams.cut_off, static_cast<double>(counts.cut_off));
}

common::ScopedSampler ServingMetrics::Sample(common::MetricRegistry& registry, const PriceHub& hub,
                                             const common::StreamSet& price_streams,
                                             const common::StreamSet& request_streams) {
  return registry.Sample([this, &hub, &price_streams, &request_streams] {
    Set(price_streams_, price_streams.counts());
    Set(request_streams_, request_streams.counts());
    const PriceHub::Counts counts = hub.counts();
    common::RaiseTo(changes_, static_cast<double>(counts.changes));
    common::RaiseTo(streamed_, static_cast<double>(counts.prices));
    common::RaiseTo(messages_, static_cast<double>(counts.messages));
    common::RaiseTo(conflated_, static_cast<double>(counts.conflated));
  });
}

}  // namespace tokenwatch::pricing
