#include "pricing/reference.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace tokenwatch::pricing {
namespace {

constexpr size_t kMaxDecimalBytes = 64;

bool IsEarlier(const Reference& reference, absl::Time time) { return reference.event_time < time; }

}  // namespace

bool IsPositiveDecimal(absl::string_view text) {
  if (text.empty() || text.size() > kMaxDecimalBytes) return false;
  int points = 0;
  bool digit = false;
  bool positive = false;
  for (const char c : text) {
    if (c == '.') {
      ++points;
    } else if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) {
      return false;
    } else {
      digit = true;
      positive = positive || c != '0';
    }
  }
  return digit && positive && points <= 1;
}

ReferenceBook::ReferenceBook(size_t capacity) : capacity_(std::max<size_t>(capacity, 1)) {}

bool ReferenceBook::Add(const Reference& reference) {
  if (!IsPositiveDecimal(reference.usd)) return false;
  common::MutexLock lock(mutex_);
  std::deque<Reference>& known = by_asset_[reference.asset];
  const auto place = std::lower_bound(known.begin(), known.end(), reference.event_time, IsEarlier);
  if (place != known.end() && place->event_time == reference.event_time) {
    if (!(reference.source < place->source)) return false;
    *place = reference;
    return true;
  }
  if (known.size() >= capacity_) {
    // What is older than everything that is kept has no place.
    if (place == known.begin()) return false;
    known.insert(place, reference);
    known.pop_front();
    return true;
  }
  known.insert(place, reference);
  return true;
}

std::optional<Reference> ReferenceBook::Find(const chain::TokenRef& asset, absl::Time at,
                                             absl::Duration max_age) const {
  return FindSpan(asset, at, max_age).reference;
}

ReferenceBook::Span ReferenceBook::FindSpan(const chain::TokenRef& asset, absl::Time at, absl::Duration max_age) const {
  common::MutexLock lock(mutex_);
  Span span{std::nullopt, absl::InfinitePast(), absl::InfiniteFuture()};
  const auto known = by_asset_.find(asset);
  if (known == by_asset_.end()) return span;
  // The first after `at`.
  auto place = std::upper_bound(known->second.begin(), known->second.end(), at,
                                [](absl::Time time, const Reference& each) { return time < each.event_time; });
  if (place != known->second.end()) span.until = place->event_time;
  if (place == known->second.begin()) return span;
  --place;
  // Still good at this age, and no longer right after it.
  const absl::Time too_old = place->event_time + max_age + absl::Nanoseconds(1);
  if (at >= too_old) {
    span.from = too_old;
    return span;
  }
  span.from = place->event_time;
  span.until = std::min(span.until, too_old);
  span.reference = *place;
  return span;
}

std::vector<Reference> ReferenceBook::Newest() const {
  std::vector<Reference> newest;
  {
    common::MutexLock lock(mutex_);
    for (const auto& [asset, known] : by_asset_) newest.push_back(known.back());
  }
  std::sort(newest.begin(), newest.end(), [](const Reference& a, const Reference& b) { return a.asset < b.asset; });
  return newest;
}

}  // namespace tokenwatch::pricing
