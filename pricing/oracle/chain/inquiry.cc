#include "pricing/oracle/chain/inquiry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "pricing/oracle/aggregate.h"
#include "pricing/oracle/oracle_answer.h"

namespace tokenwatch::pricing {
namespace {

bool MayPass(Outcome outcome) {
  return outcome == Outcome::kTimeout || outcome == Outcome::kUnavailable || outcome == Outcome::kBadAnswer;
}

}  // namespace

Inquiry::Inquiry(const InquiryContext& context, const OracleQuestion& question, Concluded concluded)
    : context_(context), question_(question), concluded_(std::move(concluded)) {}

Inquiry::~Inquiry() { CancelTimers(); }

void Inquiry::Start() {
  for (const std::shared_ptr<Lane>& lane : context_.lanes) {
    if (lane->Serves(question_.token)) slots_.emplace_back(lane);
  }
  Order();
  context_.hedge_credit.Earn();
  limit_timer_ = context_.loop.At(context_.loop.Now() + context_.options.limit, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      self->limit_timer_ = 0;
      self->Conclude();
    }
  });
  Advance();
}

// A source that is slow lately goes behind the next that is not.
void Inquiry::Order() {
  if (question_.policy != Policy::kFirstGood) return;
  for (size_t i = 0; i + 1 < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    const auto faster =
        std::find_if(slots_.begin() + static_cast<std::ptrdiff_t>(i) + 1, slots_.end(), [&](Slot& next) {
          return next.lane->Look(question_.token, question_.refresh).kind == Lane::Standing::Kind::kReady &&
                 slot.lane->IsSlowBeside(*next.lane);
        });
    if (faster == slots_.end()) continue;
    // A probe keeps its place: it is not waited for.
    slot.is_probe = slot.lane->TakeSlowProbe();
    if (!slot.is_probe) std::rotate(slots_.begin() + static_cast<std::ptrdiff_t>(i), faster, faster + 1);
  }
}

int Inquiry::Count(Slot::Step step) const {
  return static_cast<int>(
      std::count_if(slots_.begin(), slots_.end(), [&](const Slot& slot) { return slot.step == step; }));
}

bool Inquiry::WaitsForSomebody() const {
  return std::any_of(slots_.begin(), slots_.end(),
                     [](const Slot& slot) { return slot.step == Slot::Step::kAsking && !slot.is_probe; });
}

// Asks the next source that may be asked, and with it the probes before it. False when there is none.
bool Inquiry::AskNext(bool is_hedge) {
  for (size_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (slot.step != Slot::Step::kUnasked) continue;
    const Lane::Standing standing = slot.lane->Look(question_.token, question_.refresh);
    if (standing.kind == Lane::Standing::Kind::kShut) {
      slot.step = Slot::Step::kDone;
      slot.report.source = Word(slot.lane->name());
      slot.report.outcome = standing.outcome;
      slot.report.detail = standing.detail;
      if (standing.outcome == Outcome::kNotFound) {
        context_.observer.OnSpared(slot.lane->index());
      } else {
        context_.observer.OnOutcome(slot.lane->index(), standing.outcome);
      }
      continue;
    }
    slot.is_probe |= standing.kind == Lane::Standing::Kind::kProbe;
    slot.is_hedge = is_hedge;
    if (is_hedge) context_.observer.OnHedge(slot.lane->index());
    Ask(slot);
    if (slot.is_probe) continue;
    if (question_.policy == Policy::kFirstGood) {
      if (!is_hedge) ArmHedge(i);
      return true;
    }
  }
  return false;
}

void Inquiry::Ask(Slot& slot) {
  slot.step = Slot::Step::kAsking;
  ++slot.attempts;
  slot.answer_expected = context_.loop.Now() + slot.lane->ExpectedTime();
  const auto index = static_cast<size_t>(&slot - slots_.data());
  // The lane tells nobody whose interest has ended.
  slot.lane->Ask(question_.token, weak_from_this(),
                 [this, index](const SourceReport& report) { Receive(index, report); });
}

void Inquiry::Advance() {
  if (is_over_ || WaitsForSomebody()) return;
  if (AskNext(false) || Count(Slot::Step::kAsking) > 0 || Count(Slot::Step::kToRetry) > 0) return;
  // A source is tried again when the others have nothing: while there are others, they are quicker.
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (ScheduleRetry(i)) return;
  }
  Conclude();
}

void Inquiry::ArmHedge(size_t index) {
  if (hedge_timer_ != 0) context_.loop.Cancel(hedge_timer_);
  hedge_timer_ = context_.loop.At(slots_[index].answer_expected, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      self->hedge_timer_ = 0;
      self->Hedge();
    }
  });
}

void Inquiry::Hedge() {
  if (is_over_ || !WaitsForSomebody()) return;
  const bool has_next = std::any_of(slots_.begin(), slots_.end(), [&](const Slot& slot) {
    return slot.step == Slot::Step::kUnasked &&
           slot.lane->Look(question_.token, question_.refresh).kind == Lane::Standing::Kind::kReady;
  });
  if (!has_next) return;
  // A question that still waits for a busy source, and will not be sent once there is an answer, costs nothing extra.
  const bool is_extra = std::any_of(slots_.begin(), slots_.end(), [&](const Slot& slot) {
    return slot.step == Slot::Step::kAsking && slot.lane->IsInFlight(question_.token);
  });
  if (!is_extra || context_.hedge_credit.TrySpend()) AskNext(true);
}

void Inquiry::Receive(size_t index, const SourceReport& report) {
  if (is_over_) return;
  // Concluding drops the last owner.
  const auto keep = shared_from_this();
  Slot& slot = slots_[index];
  slot.report = report;
  slot.step = Slot::Step::kDone;
  if (report.observation.has_value() && context_.loop.Now() - report.observation->made_at() > question_.max_age) {
    slot.report.rejected = kStale;
  }
  if (question_.policy == Policy::kFirstGood && slot.IsGood()) {
    if (slot.is_hedge) context_.observer.OnHedgeWon(slot.lane->index());
    return Conclude();
  }
  if (question_.policy == Policy::kFirstGood) return Advance();
  if (!ScheduleRetry(index)) Settle();
}

bool Inquiry::ScheduleRetry(size_t index) {
  Slot& slot = slots_[index];
  if (slot.attempts == 0 || slot.attempts >= context_.options.max_attempts || !MayPass(slot.report.outcome))
    return false;
  if (!slot.lane->TryRetry()) return false;
  slot.step = Slot::Step::kToRetry;
  absl::Duration bound = context_.options.retry_initial;
  for (int i = 1; i < slot.attempts && bound < context_.options.retry_cap; ++i) bound *= 2;
  const absl::Duration delay = std::min(bound, context_.options.retry_cap) * context_.random();
  context_.loop.At(context_.loop.Now() + delay, [weak = weak_from_this(), index] {
    const auto self = weak.lock();
    if (self == nullptr || self->is_over_) return;
    Slot& again = self->slots_[index];
    const Lane::Standing standing = again.lane->Look(self->question_.token, self->question_.refresh);
    if (standing.kind != Lane::Standing::Kind::kShut) return self->Ask(again);
    // It keeps what it said when it was asked.
    again.step = Slot::Step::kDone;
    if (self->question_.policy == Policy::kAggregate) return self->Settle();
    self->Advance();
  });
  return true;
}

// Whether an aggregate is complete, or complete enough to wait for the rest only as long as they usually take.
void Inquiry::Settle() {
  const int open = Count(Slot::Step::kAsking) + Count(Slot::Step::kToRetry);
  if (open == 0) return Conclude();
  const auto good = std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.IsGood(); });
  if (good < std::max(question_.min_sources, 1) || settle_timer_ != 0) return;
  absl::Time until = context_.loop.Now();
  for (const Slot& slot : slots_) {
    if (slot.step == Slot::Step::kAsking && !slot.is_probe) until = std::max(until, slot.answer_expected);
  }
  settle_timer_ = context_.loop.At(until, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      self->settle_timer_ = 0;
      // Where those that answered do not agree, the others are waited for.
      if (self->Compose().usd.has_value()) self->Conclude();
    }
  });
}

void Inquiry::Conclude() {
  if (is_over_) return;
  is_over_ = true;
  CancelTimers();
  const auto keep = weak_from_this().lock();
  concluded_(Compose());
}

void Inquiry::CancelTimers() {
  for (common::EventLoop::TimerId* timer : {&limit_timer_, &hedge_timer_, &settle_timer_}) {
    if (*timer != 0) context_.loop.Cancel(*timer);
    *timer = 0;
  }
}

OracleAnswer Inquiry::Compose() const {
  OracleAnswer answer = question_.policy == Policy::kAggregate ? ComposeAggregate() : ComposeFirst();
  if (!answer.usd.has_value() && slots_.empty()) {
    answer.reason = absl::StrCat("no source serves ", chain::ChainName(question_.token.chain));
  }
  return answer;
}

// A source that is asked again has said something before.
SourceReport Inquiry::ReportOf(const Slot& slot) const {
  if (slot.step != Slot::Step::kAsking || slot.attempts > 1) return slot.report;
  SourceReport report;
  report.source = Word(slot.lane->name());
  report.outcome = Outcome::kTimeout;
  report.detail = "no answer yet";
  return report;
}

OracleAnswer Inquiry::ComposeFirst() const {
  OracleAnswer answer;
  std::vector<std::string> why;
  for (const Slot& slot : slots_) {
    if (slot.step == Slot::Step::kUnasked) continue;
    SourceReport report = ReportOf(slot);
    if (slot.IsGood() && !answer.usd.has_value()) {
      report.used = true;
      answer.usd = report.observation->value;
    }
    why.push_back(absl::StrCat(report.source.text(), ": ",
                               report.rejected.empty() ? ToWord(report.outcome) : report.rejected,
                               report.detail.empty() ? "" : absl::StrCat(" (", report.detail, ")")));
    answer.sources.push_back(std::move(report));
  }
  if (!answer.usd.has_value()) answer.reason = absl::StrJoin(why, "; ");
  DescribeUsed(answer);
  return answer;
}

OracleAnswer Inquiry::ComposeAggregate() const {
  std::vector<SourceReport> reports;
  for (const Slot& slot : slots_) reports.push_back(ReportOf(slot));
  return AggregateReports(std::move(reports), question_.min_sources);
}

}  // namespace tokenwatch::pricing
