#include "pricing/upstreams.h"

#include <stop_token>
#include <utility>

namespace tokenwatch::pricing {
namespace {

common::HttpClientOptions HttpOptions(const Config& config) {
  common::HttpClientOptions options;
  options.proxy = config.http_proxy;
  return options;
}

}  // namespace

Upstreams::Upstreams(const Config& config, common::MetricRegistry& registry, common::Clock& clock)
    : metrics_(registry, config.providers.order), loop_(clock), http_(HttpOptions(config), clock) {}

absl::StatusOr<std::unique_ptr<Upstreams>> Upstreams::Make(const Config& config, const ReferenceBook& references,
                                                           common::MetricRegistry& registry, common::Clock& clock) {
  std::unique_ptr<Upstreams> made(new Upstreams(config, registry, clock));
  const QuoteUsd quote_usd = [&references, &clock, max_age = config.reference_max_age](const chain::TokenRef& quote) {
    return references.Find(quote, clock.Now(), max_age);
  };
  auto providers = MakeProviders(config.providers, quote_usd, made->http_, clock);
  if (!providers.ok()) return providers.status();
  made->providers_ = *std::move(providers);
  std::vector<Provider*> pointers;
  for (const auto& provider : made->providers_) pointers.push_back(provider.get());
  made->chain_ = std::make_unique<OracleChain>(OracleChainOptions(), pointers, made->loop_, common::SystemRandom(),
                                               made->metrics_);
  made->sampler_ = made->metrics_.Sample(registry, *made->chain_);
  made->thread_ = std::jthread([loop = &made->loop_](const std::stop_token& stop) { loop->Run(stop); });
  return made;
}

Upstreams::~Upstreams() { Stop(); }

void Upstreams::EndCalls() { http_.Shutdown(); }

void Upstreams::Stop() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
  sampler_ = {};
  chain_.reset();
  http_.Shutdown();
}

}  // namespace tokenwatch::pricing
