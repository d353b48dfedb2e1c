#include "pricing/pg_store/flush_parts.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace tokenwatch::pricing {
namespace {

// The index compares bytes of the address first; eight are enough.
uint64_t PlaceOf(const SeriesKey& key) {
  const absl::string_view bytes = key.token.address.text();
  uint64_t place = 0;
  for (size_t i = 0; i < sizeof place; ++i)
    place = place << 8 | (i < bytes.size() ? static_cast<uint8_t>(bytes[i]) : 0);
  return place;
}

}  // namespace

std::vector<FlushPart> CutFlush(const Flush& flush, size_t count) {
  std::vector<std::pair<uint64_t, const Series*>> places;
  places.reserve(flush.series.size());
  for (const Series& series : flush.series) places.emplace_back(PlaceOf(series.key), &series);
  std::sort(places.begin(), places.end());
  // Where each part but the first begins.
  std::vector<uint64_t> begins;
  for (size_t part = 1; part < count; ++part) {
    begins.push_back(places.empty() ? 0 : places[places.size() * part / count].first);
  }
  std::vector<FlushPart> parts(count);
  const auto part_of = [&](uint64_t place) -> FlushPart& {
    return parts[static_cast<size_t>(std::upper_bound(begins.begin(), begins.end(), place) - begins.begin())];
  };
  for (FlushPart& part : parts) part.series.reserve(places.size() / count + 1);
  for (const auto& [place, series] : places) part_of(place).series.push_back(series);
  for (const ChunkRow& chunk : flush.chunks) part_of(PlaceOf(chunk.key)).chunks.push_back(&chunk);
  return parts;
}

}  // namespace tokenwatch::pricing
