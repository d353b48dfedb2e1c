#include "tests/fakes/fake_solana_rpc.h"

#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace tokenwatch::fakes {
namespace {

namespace json = boost::json;
using common::MutexLock;

constexpr std::size_t kMaxKeys = 100;
// Error codes of JSON-RPC 2.0.
constexpr int kParseError = -32700;
constexpr int kMethodNotFound = -32601;
constexpr int kInvalidParams = -32602;

FakeReply Reply(const json::object& message) {
  return {.body = json::serialize(message), .headers = {{"Content-Type", "application/json"}}};
}

FakeReply Error(const json::value& id, int code, absl::string_view message) {
  return Reply({{"jsonrpc", "2.0"},
                {"error", {{"code", code}, {"message", json::string_view(message.data(), message.size())}}},
                {"id", id}});
}

json::value ToJson(const FakeAccount& account) {
  return {{"data", json::array({absl::Base64Escape(account.data), "base64"})},
          {"executable", false},
          {"lamports", account.lamports},
          {"owner", account.owner},
          {"rentEpoch", 18446744073709551615ULL},
          {"space", account.data.size()}};
}

// The keys a call asks for; INVALID ones are the caller's to find. Nothing when the parameters are malformed or the
// encoding asked for is not base64.
bool ReadKeys(const json::object& call, bool many, std::vector<std::string>& keys) {
  const json::value* params = call.if_contains("params");
  if (params == nullptr || !params->is_array() || params->get_array().empty()) return false;
  const json::array& list = params->get_array();
  if (many) {
    if (!list[0].is_array() || list[0].get_array().size() > kMaxKeys) return false;
    for (const json::value& key : list[0].get_array()) {
      if (!key.is_string()) return false;
      keys.emplace_back(key.get_string());
    }
  } else {
    if (!list[0].is_string()) return false;
    keys.emplace_back(list[0].get_string());
  }
  if (list.size() < 2 || !list[1].is_object()) return false;
  const json::value* encoding = list[1].get_object().if_contains("encoding");
  return encoding != nullptr && *encoding == "base64";
}

}  // namespace

FakeSolanaRpc::FakeSolanaRpc() {
  server_.Route("/", [this](const RecordedRequest& request) { return Handle(request); });
}

void FakeSolanaRpc::SetAccount(absl::string_view pubkey, FakeAccount account) {
  MutexLock lock(mutex_);
  accounts_[std::string(pubkey)] = std::move(account);
}

void FakeSolanaRpc::RemoveAccount(absl::string_view pubkey) {
  MutexLock lock(mutex_);
  accounts_.erase(std::string(pubkey));
}

void FakeSolanaRpc::SetDelay(absl::Duration delay) {
  MutexLock lock(mutex_);
  delay_ = delay;
}

void FakeSolanaRpc::FailCalls(int times, int code, absl::string_view message) {
  MutexLock lock(mutex_);
  failures_left_ = times;
  failure_code_ = code;
  failure_message_ = std::string(message);
}

void FakeSolanaRpc::SetSlot(std::uint64_t slot) {
  MutexLock lock(mutex_);
  slot_ = slot;
}

int FakeSolanaRpc::calls() const {
  MutexLock lock(mutex_);
  return calls_;
}

int FakeSolanaRpc::keys_asked() const {
  MutexLock lock(mutex_);
  return keys_asked_;
}

FakeReply FakeSolanaRpc::Handle(const RecordedRequest& request) {
  MutexLock lock(mutex_);
  boost::system::error_code error;
  const json::value parsed = json::parse(request.body, error);
  if (error || request.method != "POST" || !parsed.is_object()) return Error(nullptr, kParseError, "Parse error");
  const json::object& call = parsed.get_object();
  const json::value* id = call.if_contains("id");
  const json::value answer_id = id != nullptr ? *id : json::value(nullptr);
  if (failures_left_ > 0) {
    --failures_left_;
    return Error(answer_id, failure_code_, failure_message_);
  }
  const json::value* method = call.if_contains("method");
  const bool many = method != nullptr && *method == "getMultipleAccounts";
  const bool one = method != nullptr && *method == "getAccountInfo";
  if (!many && !one) return Error(answer_id, kMethodNotFound, "Method not found");
  std::vector<std::string> keys;
  if (!ReadKeys(call, many, keys)) {
    return Error(answer_id, kInvalidParams,
                 absl::StrCat("Invalid params: at most ", kMaxKeys, " keys, and base64 encoding"));
  }
  ++calls_;
  keys_asked_ += static_cast<int>(keys.size());
  json::array values;
  for (const std::string& key : keys) {
    const auto account = accounts_.find(key);
    values.push_back(account == accounts_.end() ? json::value(nullptr) : ToJson(account->second));
  }
  json::value value = many ? json::value(std::move(values)) : values[0];
  FakeReply reply =
      Reply({{"jsonrpc", "2.0"},
             {"result", {{"context", {{"apiVersion", "2.0.0"}, {"slot", slot_++}}}, {"value", std::move(value)}}},
             {"id", answer_id}});
  reply.delay = delay_;
  return reply;
}

}  // namespace tokenwatch::fakes
