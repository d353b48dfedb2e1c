// Brings a service's schema to the state its program knows, at start.
//
// Each migration runs in a transaction of its own, under an advisory lock of the schema, with the schema as search
// path, and is recorded in <schema>.schema_migrations with the SHA-256 of its text. So a migration may be anything that
// a transaction can hold: not CREATE INDEX CONCURRENTLY. Programs of different age may run side by side: a database
// that is ahead of the program is fine, and migrations must therefore keep what the previous program uses.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/postgres/connection.h"
#include "common/postgres/migration.h"

namespace tokenwatch::common {

// Applies what is missing, and gives the number of migrations applied: 0, after one query, when the schema was up to
// date. Makes the schema when it does not exist. `migrations` are in ascending order. Many processes may do this at
// once. FAILED_PRECONDITION, naming the file, when an applied migration has been changed since, or one is missing below
// a newer one that was applied. Errors of a migration's SQL carry its file name.
absl::StatusOr<int> ApplyMigrations(Connection& connection, absl::string_view schema,
                                    absl::Span<const Migration> migrations, absl::Time deadline);

}  // namespace tokenwatch::common
