// DexScreener's /tokens/v1/{chain}/{addresses} over the fake HTTP server, with its bounds.
//
// Format: https://docs.dexscreener.com/api/reference. Thread-safe.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"
#include "tests/fakes/fake_http_server.h"

namespace tokenwatch::fakes {

struct FakeToken {
  std::string address = {};
  std::string name = {};
  std::string symbol = {};
};

struct FakePair {
  std::string dex_id = "raydium";
  std::string pair_address = {};
  FakeToken base = {};
  FakeToken quote = {"So11111111111111111111111111111111111111112", "Wrapped SOL", "SOL"};
  // Decimal strings, as the API has them.
  std::string price_native = "0.000001";
  std::string price_usd = "0.0001";
  double liquidity_usd = 10'000;
};

class FakeDexScreener {
 public:
  // `clock` paces the rate limit; it must outlive the fake.
  explicit FakeDexScreener(common::Clock& clock = common::SystemClock::Instance());

  // The base for a client: scheme, host and port, without a slash at the end.
  std::string Url() const { return server_.Url(""); }
  // For faults of transport (Inject) and the record of requests.
  FakeHttpServer& server() { return server_; }

  // Answered to whoever asks for its base or for its quote token, as the API does.
  void AddPair(absl::string_view chain, FakePair pair);
  // Before each answer.
  void SetDelay(absl::Duration delay);
  // At most `requests` in any `window`; more are answered 429 with Retry-After. 0 requests: no limit.
  void SetRateLimit(int requests, absl::Duration window);

  // Calls of /tokens/v1 that were within the limit, those that were not, and addresses asked for.
  int calls() const;
  int over_limit() const;
  int addresses_asked() const;

 private:
  FakeReply Handle(const RecordedRequest& request);
  // OK to go on: zero; else seconds to wait.
  int SecondsOverLimit() TW_REQUIRES(mutex_);

  common::Clock& clock_;
  mutable common::Mutex mutex_;
  std::map<std::string, std::vector<FakePair>> pairs_ TW_GUARDED_BY(mutex_);
  absl::Duration delay_ TW_GUARDED_BY(mutex_);
  int limit_ TW_GUARDED_BY(mutex_) = 0;
  absl::Duration window_ TW_GUARDED_BY(mutex_) = absl::Minutes(1);
  std::deque<absl::Time> recent_ TW_GUARDED_BY(mutex_);
  int calls_ TW_GUARDED_BY(mutex_) = 0;
  int over_limit_ TW_GUARDED_BY(mutex_) = 0;
  int addresses_asked_ TW_GUARDED_BY(mutex_) = 0;
  // Last: its threads use what is above.
  FakeHttpServer server_;
};

}  // namespace tokenwatch::fakes
