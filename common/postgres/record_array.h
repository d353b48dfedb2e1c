// Many rows as one parameter of a statement: an array of a composite type, in PostgreSQL's binary format. Beside COPY
// into a temporary table the server neither writes the rows to a table nor reads them back from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tokenwatch::common {

// Not thread-safe; reuse one, for its memory stays.
class RecordArray {
 public:
  // The OIDs of the type and of its attributes in their order.
  RecordArray(uint32_t type, std::vector<uint32_t> attributes);

  // Adds a row: all its fields in their order, as CopyBuffer writes them, in any number of parts.
  void Add(absl::Span<const absl::string_view> parts);
  size_t size() const { return size_; }
  void Clear();
  // Until the next change.
  absl::string_view data();

 private:
  const uint32_t type_;
  // As they are written.
  std::vector<uint32_t> attributes_;
  std::string data_;
  size_t size_ = 0;
};

}  // namespace tokenwatch::common
