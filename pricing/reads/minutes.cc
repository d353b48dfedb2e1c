#include "pricing/reads/minutes.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tokenwatch::pricing {
namespace {

absl::StatusOr<CandleChunk> Decoded(const ChunkRow& row) {
  auto chunk = CandleChunk::Decode(row.start, row.packed);
  if (chunk.ok()) return chunk;
  return absl::DataLossError(absl::StrCat("the candles of ", row.key.token.address.text(), " from ",
                                          absl::FormatTime(row.start, absl::UTCTimeZone()),
                                          " cannot be read: ", chunk.status().message()));
}

}  // namespace

absl::StatusOr<MinuteReader::Part> MinuteReader::Read(const SeriesKey& key, absl::Time from, absl::Time to, int limit,
                                                      absl::Time deadline) const {
  const absl::Time first = ChunkStart(from);
  const absl::Time last = ChunkStart(to);
  // Memory first: a chunk that leaves memory afterwards is in the database by then.
  std::map<absl::Time, CandleChunk> chunks;
  hot_.ReadChunks(key, first, last, [&](const CandleChunk& chunk) { chunks.insert_or_assign(chunk.start(), chunk); });
  const auto rows = store_.ReadChunks(key, first, last, limit, deadline);
  if (!rows.ok()) return rows.status();
  Part part;
  if (static_cast<int>(rows->size()) >= limit) {
    part.next = rows->back().start + kChunkLength;
    // Between those of the database that come next there may be more.
    chunks.erase(chunks.lower_bound(*part.next), chunks.end());
  }
  for (const ChunkRow& row : *rows) {
    if (chunks.contains(row.start)) continue;
    auto chunk = Decoded(row);
    if (!chunk.ok()) return chunk.status();
    chunks.emplace(row.start, *std::move(chunk));
  }
  for (auto& [start, chunk] : chunks) part.chunks.push_back(std::move(chunk));
  return part;
}

absl::StatusOr<std::optional<CandleChunk>> MinuteReader::Before(const SeriesKey& key, absl::Time before,
                                                                absl::Time deadline) const {
  std::optional<CandleChunk> newest;
  hot_.ReadChunks(key, absl::InfinitePast(), before - absl::Nanoseconds(1), [&](const CandleChunk& chunk) {
    if (!chunk.empty()) newest = chunk;
  });
  const auto row = store_.ReadChunkBefore(key, before, deadline);
  if (!row.ok()) return row.status();
  if (!row->has_value() || (newest.has_value() && newest->start() >= (*row)->start)) return newest;
  auto chunk = Decoded(**row);
  if (!chunk.ok()) return chunk.status();
  return *std::move(chunk);
}

}  // namespace tokenwatch::pricing
