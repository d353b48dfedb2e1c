// Solana's JSON-RPC as far as reading accounts goes, over the fake HTTP server.
//
// Format: https://solana.com/docs/rpc/http/getmultipleaccounts. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/sync/mutex.h"
#include "tests/fakes/fake_http_server.h"

namespace tokenwatch::fakes {

struct FakeAccount {
  // Base58 of the owning program.
  std::string owner = {};
  // Raw bytes.
  std::string data = {};
  std::uint64_t lamports = 1;
};

class FakeSolanaRpc {
 public:
  FakeSolanaRpc();

  // The endpoint for a client.
  std::string Url() const { return server_.Url("/"); }
  // For faults of transport (Inject) and the record of requests.
  FakeHttpServer& server() { return server_; }

  void SetAccount(absl::string_view pubkey, FakeAccount account);
  void RemoveAccount(absl::string_view pubkey);
  // Before each answer.
  void SetDelay(absl::Duration delay);
  // The next `times` calls are answered with a JSON-RPC error.
  void FailCalls(int times, int code, absl::string_view message);
  // The slot in answers' context; rises with each call.
  void SetSlot(std::uint64_t slot);

  // Answered calls of getMultipleAccounts and getAccountInfo, and the keys they asked for.
  int calls() const;
  int keys_asked() const;

 private:
  FakeReply Handle(const RecordedRequest& request);

  mutable common::Mutex mutex_;
  std::map<std::string, FakeAccount> accounts_ TW_GUARDED_BY(mutex_);
  absl::Duration delay_ TW_GUARDED_BY(mutex_);
  int failures_left_ TW_GUARDED_BY(mutex_) = 0;
  int failure_code_ TW_GUARDED_BY(mutex_) = 0;
  std::string failure_message_ TW_GUARDED_BY(mutex_);
  std::uint64_t slot_ TW_GUARDED_BY(mutex_) = 300'000'000;
  int calls_ TW_GUARDED_BY(mutex_) = 0;
  int keys_asked_ TW_GUARDED_BY(mutex_) = 0;
  // Last: its threads use what is above.
  FakeHttpServer server_;
};

}  // namespace tokenwatch::fakes
