// Symbols and decimals of the tokens that trades speak of, asked from the detector and remembered for a while.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include <google/protobuf/repeated_field.h>

#include "absl/time/time.h"
#include "cli/context.h"

namespace tokenwatch::cli {

// Not thread-safe.
class TokenDirectory {
 public:
  struct Entry {
    std::string symbol;
    std::optional<uint32_t> decimals;
    absl::Time asked_at;
  };

  explicit TokenDirectory(Context& context) : context_(context) {}

  // Asks for the tokens of `trades` that are not known or were asked for a while ago. What cannot be asked stays
  // unknown: trades are worth showing without.
  void Learn(const google::protobuf::RepeatedPtrField<detector::v1::Trade>& trades);
  // The same for tokens, each "<chain>:<address>".
  void Learn(const std::set<std::string>& tokens);

  // What is known of a token; an empty entry when nothing is.
  Entry Find(const std::string& chain, const std::string& address) const;

 private:
  Context& context_;
  std::map<std::string, Entry> entries_;
};

}  // namespace tokenwatch::cli
