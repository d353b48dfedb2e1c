#include "common/postgres/dsn.h"

#include <memory>

#include <libpq-fe.h>

#include "absl/strings/str_cat.h"

namespace tokenwatch::common {

absl::StatusOr<std::map<std::string, std::string>> ParseDsn(absl::string_view dsn) {
  char* raw_error = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(std::string(dsn).c_str(), &raw_error), &PQconninfoFree);
  const std::unique_ptr<char, decltype(&PQfreemem)> error(raw_error, &PQfreemem);
  if (options == nullptr) {
    // libpq's own message may quote the string, and with it a password.
    return absl::InvalidArgumentError(
        "the connection string cannot be read: write it as \"host=... port=... dbname=... user=...\" or as "
        "postgresql://user@host:port/database");
  }
  std::map<std::string, std::string> settings;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) settings[option->keyword] = option->val;
  }
  return settings;
}

std::string FormatDsn(const std::map<std::string, std::string>& settings) {
  std::string dsn;
  for (const auto& [key, value] : settings) {
    absl::StrAppend(&dsn, dsn.empty() ? "" : " ", key, "='");
    for (const char c : value) {
      if (c == '\'' || c == '\\') dsn += '\\';
      dsn += c;
    }
    dsn += '\'';
  }
  return dsn;
}

std::string RedactDsn(absl::string_view dsn) {
  auto settings = ParseDsn(dsn);
  if (!settings.ok()) return "(unreadable connection string)";
  for (const char* secret : {"password", "sslpassword"}) {
    if (settings->contains(secret)) (*settings)[secret] = "***";
  }
  return FormatDsn(*settings);
}

}  // namespace tokenwatch::common
