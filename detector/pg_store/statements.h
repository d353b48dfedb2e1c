// The SQL of the detector, by name. Sessions run in UTC (see SessionDsn).
#pragma once

#include "absl/types/span.h"
#include "common/postgres/statement.h"

namespace tokenwatch::detector {

inline constexpr const char* kTokenColumns =
    "chain, address, first_cursor, origin, name, symbol, uri, name_source, name_sanitized, creator, venue, pool, "
    "quote_address, decimals, supply, is_mayhem, is_cashback, launch_transaction, launch_slot, launched_at, "
    "first_seen_at, named_at, completed_at, migrated_to, migrated_at, migration_transaction, feeds, imitates_chain, "
    "imitates_address";

// Statements of the writer.
extern const common::Statement kReadHeads;
extern const common::Statement kMoveHeads;
extern const common::Statement kListPartitions;
extern const common::Statement kFindTrades;
extern const common::Statement kLoadTokens;
extern const common::Statement kDeletePending;
extern const common::Statement kUpsertDetected;
extern const common::Statement kUpsertPending;
extern const common::Statement kInsertEvents;
extern const common::Statement kInsertQuarantine;
extern const common::Statement kReleaseQuarantine;
extern const common::Statement kSavePosition;
extern const common::Statement kReturnClaim;
absl::Span<const common::Statement> LogStatements();

// Statements of everybody.
extern const common::Statement kOldestTrade;
extern const common::Statement kReadEvents;
extern const common::Statement kListTokens;
extern const common::Statement kSearchTokens;
extern const common::Statement kClaimPending;
extern const common::Statement kSaveConsumer;
extern const common::Statement kListConsumers;
extern const common::Statement kDeleteConsumer;
extern const common::Statement kListQuarantine;
extern const common::Statement kLoadQuarantine;
extern const common::Statement kLoadPosition;
extern const common::Statement kCountTokens;
extern const common::Statement kCountQuarantine;
extern const common::Statement kTrimQuarantine;
extern const common::Statement kSlowestConsumer;
absl::Span<const common::Statement> StoreStatements();

}  // namespace tokenwatch::detector
