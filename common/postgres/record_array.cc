#include "common/postgres/record_array.h"

#include <array>
#include <cstring>
#include <utility>

namespace tokenwatch::common {
namespace {

// A count of dimensions, a flag for nulls, the type of the elements; and of the one dimension its size and first index.
constexpr size_t kHeaderWords = 5;
constexpr size_t kWord = sizeof(uint32_t);

uint32_t Turned(uint32_t value) { return __builtin_bswap32(value); }

uint32_t WordAt(const char* at) {
  uint32_t word;
  std::memcpy(&word, at, kWord);
  return Turned(word);
}

void PutWord(uint32_t value, char* at) {
  value = Turned(value);
  std::memcpy(at, &value, kWord);
}

}  // namespace

RecordArray::RecordArray(uint32_t type, std::vector<uint32_t> attributes)
    : type_(type), attributes_(std::move(attributes)) {
  for (uint32_t& attribute : attributes_) attribute = Turned(attribute);
  Clear();
}

void RecordArray::Clear() {
  data_.assign(kHeaderWords * kWord, '\0');
  size_ = 0;
}

// A record is its length and its count of fields, and of each field its type, its length (of a null -1) and its bytes.
void RecordArray::Add(absl::Span<const absl::string_view> parts) {
  const size_t begin = data_.size();
  size_t fields_size = 0;
  for (const absl::string_view part : parts) fields_size += part.size();
  data_.resize(begin + 2 * kWord + fields_size + attributes_.size() * kWord);
  char* to = data_.data() + begin;
  PutWord(static_cast<uint32_t>(data_.size() - begin - kWord), to);
  PutWord(static_cast<uint32_t>(attributes_.size()), to + kWord);
  to += 2 * kWord;
  size_t field = 0;
  for (const absl::string_view part : parts) {
    // The server refuses a row of another number of fields.
    for (size_t at = 0; at < part.size() && field < attributes_.size(); ++field) {
      const auto length = static_cast<int32_t>(WordAt(part.data() + at));
      const size_t size = kWord + (length > 0 ? static_cast<size_t>(length) : 0);
      std::memcpy(to, &attributes_[field], kWord);
      std::memcpy(to + kWord, part.data() + at, size);
      to += kWord + size;
      at += size;
    }
  }
  ++size_;
}

absl::string_view RecordArray::data() {
  const std::array<uint32_t, kHeaderWords> header = {1, 0, type_, static_cast<uint32_t>(size_), 1};
  for (size_t i = 0; i < header.size(); ++i) PutWord(header[i], data_.data() + i * kWord);
  return data_;
}

}  // namespace tokenwatch::common
