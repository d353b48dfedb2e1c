#include "common/rpc/pull_stream.h"

namespace tokenwatch::common {

bool StreamSet::Add(const std::shared_ptr<OpenStream>& stream) {
  MutexLock lock(mutex_);
  if (ended_ || streams_.size() >= options_.max_streams) {
    ++counts_.refused;
    return false;
  }
  streams_.push_back(stream);
  return true;
}

void StreamSet::Remove(const OpenStream* stream) {
  MutexLock lock(mutex_);
  std::erase_if(streams_, [stream](const std::weak_ptr<OpenStream>& each) {
    const std::shared_ptr<OpenStream> open = each.lock();
    return open == nullptr || open.get() == stream;
  });
}

void StreamSet::CountCutOff() {
  MutexLock lock(mutex_);
  ++counts_.cut_off;
}

std::vector<std::shared_ptr<OpenStream>> StreamSet::All() const {
  std::vector<std::shared_ptr<OpenStream>> all;
  MutexLock lock(mutex_);
  for (const std::weak_ptr<OpenStream>& each : streams_) {
    if (std::shared_ptr<OpenStream> open = each.lock()) all.push_back(std::move(open));
  }
  return all;
}

void StreamSet::CutOffStalled(absl::Time now) {
  const absl::Time limit = now - options_.stall_limit;
  for (const auto& stream : All()) stream->CutOffIfStalled(limit, limit - options_.stall_limit);
}

void StreamSet::EndAll(const absl::Status& status) {
  {
    MutexLock lock(mutex_);
    ended_ = true;
  }
  for (const auto& stream : All()) stream->End(status);
}

StreamSet::Counts StreamSet::counts() const {
  MutexLock lock(mutex_);
  Counts counts = counts_;
  counts.open = streams_.size();
  return counts;
}

}  // namespace tokenwatch::common
