// What becomes of one question: which sources are asked, when, and what is made of what they say.
//
// FIRST_GOOD asks in order and takes the first price. A source that takes longer than it usually does is hedged: the
// next is asked besides. AGGREGATE asks all at once, and waits for those that have not answered no longer than they
// usually take once enough have. A source that failed is tried again after a delay with full jitter, where its credit
// allows; one whose breaker is half open is asked but not waited for.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/time/backoff.h"
#include "common/time/event_loop.h"
#include "pricing/oracle/chain/lane.h"
#include "pricing/oracle/gate/credit.h"
#include "pricing/oracle/oracle.h"

namespace tokenwatch::pricing {

struct InquiryOptions {
  // From its beginning; whatever is known then is the answer.
  absl::Duration limit = absl::Seconds(8);
  // How often one source is asked, with the first time.
  int max_attempts = 2;
  absl::Duration retry_initial = absl::Milliseconds(200);
  absl::Duration retry_cap = absl::Seconds(2);
};

// What all inquiries of a chain share. Used on the loop.
struct InquiryContext {
  const InquiryOptions& options;
  common::EventLoop& loop;
  // In the order of asking.
  const std::vector<std::shared_ptr<Lane>>& lanes;
  // Hedges, as a share of inquiries.
  ExtraCallCredit& hedge_credit;
  common::UniformRandom& random;
  OracleObserver& observer;
};

// On the loop; owned by a shared_ptr. Dropping it ends it without a conclusion.
class Inquiry : public std::enable_shared_from_this<Inquiry> {
 public:
  using Concluded = std::function<void(OracleAnswer)>;

  // `concluded` is called once, on the loop, possibly from inside Start.
  Inquiry(const InquiryContext& context, const OracleQuestion& question, Concluded concluded);
  ~Inquiry();
  Inquiry(const Inquiry&) = delete;
  Inquiry& operator=(const Inquiry&) = delete;

  void Start();
  // What could be answered now.
  OracleAnswer Compose() const;

 private:
  struct Slot {
    explicit Slot(std::shared_ptr<Lane> of) : lane(std::move(of)) {}
    std::shared_ptr<Lane> lane;
    enum class Step { kUnasked, kAsking, kToRetry, kDone } step = Step::kUnasked;
    // Asked, but not waited for while there are others to ask.
    bool is_probe = false;
    bool is_hedge = false;
    int attempts = 0;
    absl::Time answer_expected;
    SourceReport report;
    // A price that is no use is as good as none.
    bool IsGood() const { return step == Step::kDone && report.observation.has_value() && report.rejected.empty(); }
  };

  void Order();
  void Advance();
  bool AskNext(bool is_hedge);
  void Ask(Slot& slot);
  void Receive(size_t index, const SourceReport& report);
  bool ScheduleRetry(size_t index);
  void ArmHedge(size_t index);
  void Hedge();
  void Settle();
  void Conclude();
  void CancelTimers();
  int Count(Slot::Step step) const;
  bool WaitsForSomebody() const;
  SourceReport ReportOf(const Slot& slot) const;
  OracleAnswer ComposeFirst() const;
  OracleAnswer ComposeAggregate() const;

  const InquiryContext context_;
  const OracleQuestion question_;
  Concluded concluded_;
  std::vector<Slot> slots_;
  common::EventLoop::TimerId limit_timer_ = 0;
  common::EventLoop::TimerId hedge_timer_ = 0;
  common::EventLoop::TimerId settle_timer_ = 0;
  bool is_over_ = false;
};

}  // namespace tokenwatch::pricing
