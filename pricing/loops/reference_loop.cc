#include "pricing/loops/reference_loop.h"

#include <algorithm>
#include <cmath>

#include "chain/solana/quote_tokens.h"
#include "common/log/log.h"
#include "common/sync/stop.h"
#include "pricing/loops/ask_and_wait.h"
#include "pricing/loops/restore.h"

namespace tokenwatch::pricing {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);
// Replicas' clocks may differ by so much.
constexpr absl::Duration kOverlap = absl::Minutes(5);

const std::vector<chain::TokenRef>& QuoteAssets() {
  static const auto& assets = *new std::vector<chain::TokenRef>([] {
    std::vector<chain::TokenRef> all;
    for (const chain::QuoteToken& token : chain::kQuoteTokens) {
      all.push_back({chain::Chain::kSolana, *chain::Address::ParseSolana(token.address)});
    }
    return all;
  }());
  return assets;
}

}  // namespace

std::optional<Reference> ReferenceFrom(const chain::TokenRef& asset, const OracleAnswer& answer) {
  if (!answer.usd.has_value()) return std::nullopt;
  // The word of one source, as it wrote it: of the used ones the nearest to what all say.
  const SourceReport* nearest = nullptr;
  for (const SourceReport& report : answer.sources) {
    if (!report.used || !report.observation.has_value() || !IsPositiveDecimal(report.observation->usd)) continue;
    if (nearest == nullptr ||
        std::abs(report.observation->value - *answer.usd) < std::abs(nearest->observation->value - *answer.usd)) {
      nearest = &report;
    }
  }
  if (nearest == nullptr) return std::nullopt;
  const Observation& observation = *nearest->observation;
  // As the database keeps times.
  const absl::Time at = absl::FromUnixMicros(absl::ToUnixMicros(observation.made_at()));
  return Reference{asset, at, observation.usd, nearest->source};
}

void ReferenceLoop::Run(const std::stop_token& stop) {
  do {
    Step(stop);
  } while (common::SleepUnlessStopped(stop, context_.config.reference_interval));
}

void ReferenceLoop::Step(const std::stop_token& stop) {
  if (context_.config.providers.order.empty()) return;
  if (!is_writer_()) {
    ReadOthers();
    return;
  }
  const std::vector<chain::TokenRef>& assets = QuoteAssets();
  const std::optional<std::vector<OracleAnswer>> answers = AskAndWait(context_.oracle, Questions(), stop);
  if (!answers.has_value()) return;
  std::vector<Reference> heard;
  for (size_t i = 0; i < assets.size(); ++i) {
    if (std::optional<Reference> reference = ReferenceFrom(assets[i], (*answers)[i])) {
      heard.push_back(*std::move(reference));
    } else {
      context_.metrics.references_missed.Increment();
      TW_LOG_EVERY(absl::Minutes(1), common::Severity::kWarning, "no reference for a quote asset",
                   {{"asset", assets[i].address.text()}, {"reason", (*answers)[i].reason}});
    }
  }
  if (heard.empty()) return;
  // Stored first: what prices here must price after a restart too.
  const absl::Status stored = context_.store.AddReferences(heard, LoopDeadline(context_));
  if (!TellDatabase(context_, stored, "store references")) return;
  for (const Reference& reference : heard) {
    if (context_.references.Add(reference)) context_.metrics.references_heard.Increment();
  }
}

std::vector<OracleQuestion> ReferenceLoop::Questions() const {
  std::vector<OracleQuestion> questions;
  for (const chain::TokenRef& asset : QuoteAssets()) {
    OracleQuestion question;
    question.token = asset;
    question.policy = Policy::kAggregate;
    question.min_sources = 1;
    question.max_age = context_.config.reference_max_age;
    question.deadline = context_.clock.Now() + kPatience;
    questions.push_back(question);
  }
  return questions;
}

void ReferenceLoop::ReadOthers() {
  const absl::Time now = context_.clock.Now();
  const absl::Time from = std::min(read_at_, now - context_.config.reference_max_age) - kOverlap;
  const absl::Status read = RestoreReferences(context_.store, context_.references, from, LoopDeadline(context_));
  if (TellDatabase(context_, read, "load references")) read_at_ = now;
}

}  // namespace tokenwatch::pricing
