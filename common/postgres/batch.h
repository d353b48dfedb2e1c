// Statements of the catalogue that are sent together and cost one round trip, however many they are.
//
// Why libpq and not pqxx::pipeline: that one joins SQL texts, and takes neither prepared statements nor parameters.
// libpq's pipeline mode takes both.
//
// A batch is plain data: nothing of it refers to a connection. Not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/postgres/statement.h"

namespace tokenwatch::common {

class Batch {
 public:
  struct Entry {
    const Statement* statement;
    // In PostgreSQL's text format, nullopt for NULL.
    std::vector<std::optional<std::string>> parameters;
  };

  // Adds a statement, which must outlive the batch; its rows, if it yields any, are not kept. Parameters: numbers,
  // texts without zero bytes, optionals of them.
  template <typename... Args>
  void Add(const Statement& statement, Args&&... parameters) {
    Entry& entry = entries_.emplace_back(Entry{&statement, {}});
    entry.parameters.reserve(sizeof...(parameters));
    (entry.parameters.push_back(ToParameter(std::forward<Args>(parameters))), ...);
  }

  const std::vector<Entry>& entries() const { return entries_; }
  bool empty() const { return entries_.empty(); }

 private:
  static std::optional<std::string> ToParameter(std::string text) { return text; }
  template <typename T>
  static std::optional<std::string> ToParameter(const std::optional<T>& value) {
    return value.has_value() ? ToParameter(*value) : std::nullopt;
  }
  template <typename T>
  requires std::is_integral_v<T>
  static std::optional<std::string> ToParameter(T value) {
    static_assert(!std::is_same_v<T, bool>);
    return absl::StrCat(value);
  }

  std::vector<Entry> entries_;
};

}  // namespace tokenwatch::common
