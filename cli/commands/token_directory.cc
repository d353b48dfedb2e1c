#include "cli/commands/token_directory.h"

#include "absl/strings/str_cat.h"
#include "cli/commands/shared.h"

namespace tokenwatch::cli {
namespace {

// Pending tokens get their names within seconds to minutes.
constexpr absl::Duration kFreshFor = absl::Minutes(1);
constexpr size_t kMaxEntries = 20'000;
// The most that BatchGetTokens takes.
constexpr int kMaxBatch = 500;

}  // namespace

void TokenDirectory::Learn(const google::protobuf::RepeatedPtrField<detector::v1::Trade>& trades) {
  std::set<std::string> tokens;
  for (const detector::v1::Trade& trade : trades) tokens.insert(absl::StrCat(trade.chain(), ":", trade.token()));
  Learn(tokens);
}

void TokenDirectory::Learn(const std::set<std::string>& tokens) {
  const absl::Time now = context_.now();
  std::set<std::string> wanted;
  for (const std::string& key : tokens) {
    const auto found = entries_.find(key);
    if (found == entries_.end() || now - found->second.asked_at > kFreshFor) wanted.insert(key);
  }
  if (entries_.size() + wanted.size() > kMaxEntries) entries_.clear();
  detector::v1::BatchGetTokensRequest request;
  const auto ask = [&] {
    const auto response = context_.clients().Call(&DetectorStub::BatchGetTokens, request);
    request.clear_tokens();
    if (!response.ok()) return false;
    for (const detector::v1::Token& token : response->tokens()) {
      Entry& entry = entries_[TokenText(token.token())];
      entry.symbol = token.symbol();
      if (token.has_decimals()) entry.decimals = token.decimals();
    }
    return true;
  };
  for (const std::string& key : wanted) {
    entries_[key].asked_at = now;
    *request.add_tokens() = ParseTokenRef(key);
    if (request.tokens_size() == kMaxBatch && !ask()) return;
  }
  if (request.tokens_size() > 0) ask();
}

TokenDirectory::Entry TokenDirectory::Find(const std::string& chain, const std::string& address) const {
  const auto found = entries_.find(absl::StrCat(chain, ":", address));
  return found == entries_.end() ? Entry() : found->second;
}

}  // namespace tokenwatch::cli
