#include "pricing/pg_store/chunk_merge.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/postgres/copy.h"

namespace tokenwatch::pricing {
namespace {

// Rows are handed to the connection in pieces of about this size.
constexpr size_t kCopyPieceBytes = 256 * 1024;

const std::vector<std::string>& Columns() {
  static const auto* columns = new std::vector<std::string>{"chain", "address", "quote", "start", "minutes", "packed"};
  return *columns;
}

// The newest chunks first: they have few minutes and are written again when they are complete. Side by side they share
// pages, of which each costs the log a whole one then.
constexpr char kMerge[] =
    "INSERT INTO pricing.candles (chain, address, quote, start, minutes, packed) "
    "SELECT chain, address, quote, start, minutes, packed FROM staged_candles "
    "ORDER BY start DESC, address, quote, chain "
    "ON CONFLICT (address, quote, start, chain) DO UPDATE SET minutes = excluded.minutes, packed = excluded.packed";

}  // namespace

// With the server's default for temp_buffers the rows of a large flush would be written to a file and read back.
const char ChunkMerge::kMakeStaging[] =
    "SET temp_buffers = '32MB'; "
    "CREATE TEMPORARY TABLE staged_candles (LIKE pricing.candles) ON COMMIT DELETE ROWS";

absl::Status ChunkMerge::Write(common::Transaction& transaction, absl::Span<const ChunkRow* const> chunks) {
  if (chunks.empty()) return absl::OkStatus();
  auto copy = common::CopyIn::Begin(transaction, "staged_candles", Columns());
  if (!copy.ok()) return copy.status();
  rows_.Clear();
  for (const ChunkRow* const row : chunks) {
    const ChunkRow& chunk = *row;
    rows_.BeginRow(static_cast<int16_t>(Columns().size()));
    rows_.Text(chain::ChainName(chunk.key.token.chain)).Text(chunk.key.token.address.text());
    rows_.Text(chunk.key.quote.text()).Time(chunk.start).Int4(chunk.minutes).Bytes(chunk.packed);
    if (rows_.data().size() < kCopyPieceBytes) continue;
    if (absl::Status status = copy->Write(rows_.data()); !status.ok()) return status;
    rows_.Clear();
  }
  if (absl::Status status = copy->Write(rows_.data()); !status.ok()) return status;
  if (absl::Status status = copy->Finish().status(); !status.ok()) return status;
  transaction.ExecSql(kMerge);
  return absl::OkStatus();
}

}  // namespace tokenwatch::pricing
