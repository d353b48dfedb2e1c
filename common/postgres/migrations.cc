#include "common/postgres/migrations.h"

#include <array>
#include <map>
#include <string>

#include <openssl/evp.h>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/postgres/copy.h"

namespace tokenwatch::common {
namespace {

// What is recorded, by version.
using Applied = std::map<int, std::string>;

std::string Sha256Hex(absl::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest.data()), size));
}

// Throws pqxx::undefined_table when no migration was ever applied.
Applied ReadApplied(Transaction& transaction, absl::string_view schema) {
  Applied applied;
  for (const auto& row : transaction.ExecSql(
           absl::StrCat("SELECT version, checksum FROM ", QuoteIdentifier(schema), ".schema_migrations"))) {
    applied.emplace(row[0].as<int>(), row[1].as<std::string>());
  }
  return applied;
}

// The first migration that is missing, null when none is.
absl::StatusOr<const Migration*> FirstMissing(const Applied& applied, absl::string_view schema,
                                              absl::Span<const Migration> migrations) {
  const Migration* missing = nullptr;
  for (const Migration& migration : migrations) {
    const auto found = applied.find(migration.version);
    if (found == applied.end()) {
      if (missing == nullptr) missing = &migration;
      continue;
    }
    if (missing != nullptr) {
      return absl::FailedPreconditionError(absl::StrCat("migration ", missing->file, " of schema ", schema,
                                                        " was never applied although ", migration.file,
                                                        " was: give it a number above those that were applied"));
    }
    if (found->second != Sha256Hex(migration.sql)) {
      return absl::FailedPreconditionError(
          absl::StrCat("migration ", migration.file, " of schema ", schema,
                       " was changed after it had been applied: restore it, and put the change into a new migration"));
    }
  }
  if (missing != nullptr && !applied.empty() && applied.rbegin()->first > missing->version) {
    return absl::FailedPreconditionError(absl::StrCat("migration ", missing->file, " of schema ", schema,
                                                      " was never applied although version ", applied.rbegin()->first,
                                                      " was: give it a number above those that were applied"));
  }
  return missing;
}

void MakeTable(Transaction& transaction, absl::string_view schema) {
  const std::string name = transaction.base().quote(std::string(schema));
  // Not CREATE SCHEMA IF NOT EXISTS: that asks for the right to create one even when it exists.
  if (transaction.ExecSql(absl::StrCat("SELECT 1 FROM pg_namespace WHERE nspname = ", name)).empty()) {
    transaction.ExecSql(absl::StrCat("CREATE SCHEMA ", QuoteIdentifier(schema)));
  }
  transaction.ExecSql(absl::StrCat("CREATE TABLE IF NOT EXISTS ", QuoteIdentifier(schema),
                                   ".schema_migrations (version int PRIMARY KEY, file text NOT NULL, checksum text "
                                   "NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"));
}

// Applies the first missing migration, as seen under the lock; false when there is none.
absl::StatusOr<bool> ApplyNext(Transaction& transaction, absl::string_view schema,
                               absl::Span<const Migration> migrations) {
  const std::string lock = transaction.base().quote(absl::StrCat("schema_migrations ", schema));
  transaction.ExecSql(absl::StrCat("SELECT pg_advisory_xact_lock(hashtextextended(", lock, ", 0))"));
  MakeTable(transaction, schema);
  auto missing = FirstMissing(ReadApplied(transaction, schema), schema, migrations);
  if (!missing.ok()) return missing.status();
  if (*missing == nullptr) return false;
  const Migration& migration = **missing;
  transaction.ExecSql(absl::StrCat("SET LOCAL search_path = ", QuoteIdentifier(schema)));
  absl::Status status = Guard(absl::StrCat("apply migration ", migration.file, " to schema ", schema),
                              [&] { transaction.ExecSql(std::string(migration.sql)); });
  if (!status.ok()) return status;
  transaction.ExecSql(absl::StrCat("INSERT INTO ", QuoteIdentifier(schema), ".schema_migrations VALUES (",
                                   migration.version, ", ", transaction.base().quote(std::string(migration.file)),
                                   ", '", Sha256Hex(migration.sql), "')"));
  return true;
}

}  // namespace

absl::StatusOr<int> ApplyMigrations(Connection& connection, absl::string_view schema,
                                    absl::Span<const Migration> migrations, absl::Time deadline) {
  const std::string what = absl::StrCat("migrate schema ", schema);
  const absl::StatusOr<Applied> applied =
      connection.Transact(what, deadline, [&](Transaction& transaction) -> absl::StatusOr<Applied> {
        try {
          return ReadApplied(transaction, schema);
        } catch (const pqxx::undefined_table&) {
          return absl::NotFoundError("");
        }
      });
  if (applied.ok()) {
    const auto missing = FirstMissing(*applied, schema, migrations);
    if (!missing.ok()) return missing.status();
    if (*missing == nullptr) return 0;
  } else if (!absl::IsNotFound(applied.status())) {
    return applied.status();
  }
  int count = 0;
  for (;; ++count) {
    const absl::StatusOr<bool> more = connection.Transact(
        what, deadline, [&](Transaction& transaction) { return ApplyNext(transaction, schema, migrations); });
    if (!more.ok()) return more.status();
    if (!*more) return count;
  }
}

}  // namespace tokenwatch::common
