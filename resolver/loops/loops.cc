#include "resolver/loops/loops.h"

namespace tokenwatch::resolver {

Loops::Loops(const LoopContext& context)
    : context_(context),
      claims_(context),
      finishes_(context, [this] { claims_.WakeIfStarved(); }),
      follows_(context, [this] { claims_.Wake(); }),
      upkeep_(context) {}

Loops::~Loops() { Stop(); }

absl::Status Loops::Start(absl::Time deadline) {
  if (absl::Status status = upkeep_.RestoreBudgets(deadline); !status.ok()) return status;
  workers_.emplace_back([this] { Pump(no_more_rounds_.get_token()); });
  workers_.emplace_back([this] { finishes_.Run(no_more_work_.get_token()); });
  bringers_.emplace_back([this] { claims_.Run(no_more_work_.get_token()); });
  bringers_.emplace_back([this] { follows_.Follow(no_more_work_.get_token()); });
  bringers_.emplace_back([this] { follows_.Save(no_more_work_.get_token()); });
  bringers_.emplace_back([this] { upkeep_.Run(no_more_work_.get_token()); });
  return absl::OkStatus();
}

void Loops::Pump(const std::stop_token& stop) {
  while (!stop.stop_requested()) context_.cascade.WaitForWork(context_.cascade.Pump(), stop);
}

void Loops::Stop() {
  context_.cascade.Drain();
  no_more_work_.request_stop();
  for (std::thread& thread : bringers_) thread.join();
  bringers_.clear();
  // The finishing loop ends when the cascade is idle; until then calls that run are pumped to their end.
  if (!workers_.empty()) workers_.back().join();
  no_more_rounds_.request_stop();
  if (!workers_.empty()) workers_.front().join();
  workers_.clear();
  context_.cascade.DismissWaiters();
}

}  // namespace tokenwatch::resolver
