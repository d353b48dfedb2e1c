#include "cli/commands/shared.h"

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"

namespace tokenwatch::cli {

common::v1::TokenRef ParseTokenRef(const std::string& text) {
  const size_t colon = text.find(':');
  common::v1::TokenRef token;
  token.set_chain(text.substr(0, colon));
  token.set_address(text.substr(colon + 1));
  return token;
}

std::string TokenText(const common::v1::TokenRef& token) {
  if (token.chain().empty() && token.address().empty()) return "";
  return absl::StrCat(token.chain(), ":", token.address());
}

std::string EnumText(const std::string& name, absl::string_view prefix) {
  const absl::string_view word = absl::StripPrefix(name, prefix);
  return word == "UNSPECIFIED" ? "" : absl::AsciiStrToLower(word);
}

}  // namespace tokenwatch::cli
