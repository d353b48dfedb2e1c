#include "pricing/pg_store/part_writer.h"

namespace tokenwatch::pricing {

absl::StatusOr<std::unique_ptr<PartWriter>> PartWriter::Make(std::unique_ptr<common::Connection> connection,
                                                             absl::Time deadline) {
  const auto made = connection->QuerySql("make the staging table", ChunkMerge::kMakeStaging, deadline);
  if (!made.ok()) return made.status();
  auto series = SeriesMerge::Open(*connection, deadline);
  if (!series.ok()) return series.status();
  return std::unique_ptr<PartWriter>(new PartWriter(std::move(connection), *std::move(series)));
}

absl::Status PartWriter::Write(common::Transaction& transaction, const FlushPart& part) {
  if (absl::Status status = series_->Write(transaction, part.series); !status.ok()) return status;
  return chunks_.Write(transaction, part.chunks);
}

}  // namespace tokenwatch::pricing
