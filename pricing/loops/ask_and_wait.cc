#include "pricing/loops/ask_and_wait.h"

#include <memory>
#include <utility>

#include "common/sync/mutex.h"
#include "common/sync/stop.h"

namespace tokenwatch::pricing {
namespace {

// Lives on when nobody waits for it any more.
struct Answers {
  common::Mutex mutex;
  common::CondVar changed;
  std::optional<std::vector<OracleAnswer>> answers TW_GUARDED_BY(mutex);
};

}  // namespace

std::optional<std::vector<OracleAnswer>> AskAndWait(Oracle& oracle, const std::vector<OracleQuestion>& questions,
                                                    const std::stop_token& stop) {
  const auto heard = std::make_shared<Answers>();
  oracle.AskMany(questions, [heard](std::vector<OracleAnswer> answers) {
    common::MutexLock lock(heard->mutex);
    heard->answers = std::move(answers);
    heard->changed.NotifyAll();
  });
  const common::StopWaker waker(stop, heard->mutex, heard->changed);
  common::MutexLock lock(heard->mutex);
  while (!heard->answers.has_value() && !stop.stop_requested()) heard->changed.Wait(heard->mutex);
  return std::exchange(heard->answers, std::nullopt);
}

}  // namespace tokenwatch::pricing
