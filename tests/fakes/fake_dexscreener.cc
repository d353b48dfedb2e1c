#include "tests/fakes/fake_dexscreener.h"

#include <set>
#include <utility>

#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace tokenwatch::fakes {
namespace {

namespace json = boost::json;
using common::MutexLock;

constexpr std::size_t kMaxAddresses = 30;
constexpr absl::string_view kPrefix = "/tokens/v1/";

json::value ToJson(const FakeToken& token) {
  return {{"address", token.address}, {"name", token.name}, {"symbol", token.symbol}};
}

json::value ToJson(absl::string_view chain, const FakePair& pair) {
  const std::string chain_id(chain);
  return {{"chainId", chain_id},
          {"dexId", pair.dex_id},
          {"url", absl::StrCat("https://dexscreener.com/", chain_id, "/", pair.pair_address)},
          {"pairAddress", pair.pair_address},
          {"baseToken", ToJson(pair.base)},
          {"quoteToken", ToJson(pair.quote)},
          {"priceNative", pair.price_native},
          {"priceUsd", pair.price_usd},
          {"liquidity", {{"usd", pair.liquidity_usd}, {"base", 0}, {"quote", 0}}}};
}

}  // namespace

FakeDexScreener::FakeDexScreener(common::Clock& clock) : clock_(clock) {
  server_.RoutePrefix(kPrefix, [this](const RecordedRequest& request) { return Handle(request); });
}

void FakeDexScreener::AddPair(absl::string_view chain, FakePair pair) {
  MutexLock lock(mutex_);
  pairs_[std::string(chain)].push_back(std::move(pair));
}

void FakeDexScreener::SetDelay(absl::Duration delay) {
  MutexLock lock(mutex_);
  delay_ = delay;
}

void FakeDexScreener::SetRateLimit(int requests, absl::Duration window) {
  MutexLock lock(mutex_);
  limit_ = requests;
  window_ = window;
}

int FakeDexScreener::calls() const {
  MutexLock lock(mutex_);
  return calls_;
}

int FakeDexScreener::over_limit() const {
  MutexLock lock(mutex_);
  return over_limit_;
}

int FakeDexScreener::addresses_asked() const {
  MutexLock lock(mutex_);
  return addresses_asked_;
}

int FakeDexScreener::SecondsOverLimit() {
  const absl::Time now = clock_.Now();
  while (!recent_.empty() && recent_.front() + window_ <= now) recent_.pop_front();
  if (limit_ > 0 && static_cast<int>(recent_.size()) >= limit_) {
    return 1 + static_cast<int>(absl::ToInt64Seconds(recent_.front() + window_ - now));
  }
  recent_.push_back(now);
  return 0;
}

FakeReply FakeDexScreener::Handle(const RecordedRequest& request) {
  MutexLock lock(mutex_);
  if (const int seconds = SecondsOverLimit(); seconds > 0) {
    ++over_limit_;
    return {.status = 429, .headers = {{"Retry-After", absl::StrCat(seconds)}}};
  }
  ++calls_;
  const std::string path = request.Path();
  const std::vector<std::string> parts = absl::StrSplit(path.substr(kPrefix.size()), '/');
  if (parts.size() != 2) return {.status = 404};
  const std::vector<std::string> addresses = absl::StrSplit(parts[1], ',', absl::SkipEmpty());
  if (addresses.empty() || addresses.size() > kMaxAddresses) {
    return {.status = 400, .body = absl::StrCat("between 1 and ", kMaxAddresses, " addresses")};
  }
  addresses_asked_ += static_cast<int>(addresses.size());
  const std::set<std::string> asked(addresses.begin(), addresses.end());
  json::array answer;
  for (const FakePair& pair : pairs_[parts[0]]) {
    if (asked.contains(pair.base.address) || asked.contains(pair.quote.address)) {
      answer.push_back(ToJson(parts[0], pair));
    }
  }
  return {.body = json::serialize(answer), .headers = {{"Content-Type", "application/json"}}, .delay = delay_};
}

}  // namespace tokenwatch::fakes
