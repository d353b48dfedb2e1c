#include "common/postgres/errors.h"

#include <atomic>
#include <exception>

#include <pqxx/except>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace tokenwatch::common {
namespace {

std::atomic<PostgresBugHook> bug_hook{nullptr};

// The server's message without the excerpt of the SQL ("LINE 1: ...") and the caret under it.
std::string OneLine(absl::string_view message) {
  std::string line;
  for (absl::string_view part : absl::StrSplit(message, '\n', absl::SkipWhitespace())) {
    part = absl::StripAsciiWhitespace(part);
    if (absl::StartsWith(part, "LINE ") || part == "^") continue;
    absl::ConsumePrefix(&part, "ERROR:");
    absl::ConsumePrefix(&part, "FATAL:");
    absl::StrAppend(&line, line.empty() ? "" : "; ", absl::StripLeadingAsciiWhitespace(part));
  }
  return line;
}

absl::Status Make(absl::StatusCode code, absl::string_view what, absl::string_view message) {
  const std::string line = OneLine(message);
  if (code == absl::StatusCode::kInternal) {
    if (PostgresBugHook hook = bug_hook.load()) hook(what, line);
  }
  return absl::Status(code, absl::StrCat(what, ": ", line));
}

absl::StatusCode CodeOf(absl::string_view state) {
  using absl::StatusCode;
  if (state.empty()) return StatusCode::kUnavailable;
  if (state == "23505") return StatusCode::kAlreadyExists;
  if (state == "40001" || state == "40P01") return StatusCode::kAborted;
  if (state == "40003") return StatusCode::kUnknown;
  if (state == "57014" || state == "55P03" || state == "25P03") return StatusCode::kDeadlineExceeded;
  if (state == "42501") return StatusCode::kPermissionDenied;
  if (state == "57P01" || state == "57P02" || state == "57P03" || state == "57P05") return StatusCode::kUnavailable;
  if (state == "25006") return StatusCode::kUnavailable;  // a replica: another host may be the primary
  const absl::string_view family = state.substr(0, 2);
  if (family == "08") return StatusCode::kUnavailable;
  if (family == "22") return StatusCode::kInvalidArgument;
  if (family == "23") return StatusCode::kFailedPrecondition;
  if (family == "28") return StatusCode::kPermissionDenied;
  if (family == "40") return StatusCode::kAborted;
  if (family == "53") return StatusCode::kResourceExhausted;
  return StatusCode::kInternal;
}

// What the server says when it refuses a connection; libpq gives these no SQLSTATE, only text.
absl::StatusCode ConnectCodeOf(absl::string_view message) {
  using absl::StatusCode;
  if (absl::StrContains(message, "too many") || absl::StrContains(message, "remaining connection slots")) {
    return StatusCode::kResourceExhausted;
  }
  if (absl::StrContains(message, "authentication failed") || absl::StrContains(message, "no pg_hba.conf entry") ||
      absl::StrContains(message, "no password supplied") || absl::StrContains(message, "permission denied for")) {
    return StatusCode::kPermissionDenied;
  }
  if (absl::StrContains(message, "FATAL:") && absl::StrContains(message, "does not exist")) {
    return StatusCode::kFailedPrecondition;
  }
  if (absl::StartsWith(message, "invalid ")) return StatusCode::kInvalidArgument;  // libpq: a setting's value
  if (absl::StrContains(message, "deadline passed")) return StatusCode::kDeadlineExceeded;
  return StatusCode::kUnavailable;
}

struct Classified {
  absl::StatusCode code;
  std::string message;
};

// The exception being handled. Most derived first: these classes carry no SQLSTATE in libpqxx 6.4.5, or one that
// matters less than the class.
Classified Classify() {
  using absl::StatusCode;
  try {
    throw;
  } catch (const pqxx::in_doubt_error& e) {
    return {StatusCode::kUnknown, e.what()};
  } catch (const pqxx::statement_completion_unknown& e) {
    return {StatusCode::kUnknown, e.what()};
  } catch (const pqxx::transaction_rollback& e) {
    return {StatusCode::kAborted, e.what()};
  } catch (const pqxx::too_many_connections& e) {
    return {StatusCode::kResourceExhausted, e.what()};
  } catch (const pqxx::broken_connection& e) {
    return {ConnectCodeOf(e.what()), e.what()};
  } catch (const pqxx::unique_violation& e) {
    return {StatusCode::kAlreadyExists, e.what()};
  } catch (const pqxx::integrity_constraint_violation& e) {
    return {StatusCode::kFailedPrecondition, e.what()};
  } catch (const pqxx::data_exception& e) {
    return {StatusCode::kInvalidArgument, e.what()};
  } catch (const pqxx::insufficient_resources& e) {
    return {StatusCode::kResourceExhausted, e.what()};
  } catch (const pqxx::insufficient_privilege& e) {
    return {StatusCode::kPermissionDenied, e.what()};
  } catch (const pqxx::syntax_error& e) {
    return {StatusCode::kInternal, e.what()};
  } catch (const pqxx::sql_error& e) {
    return {CodeOf(e.sqlstate()), e.what()};
  } catch (const std::exception& e) {
    return {StatusCode::kInternal, e.what()};
  } catch (...) {
    return {StatusCode::kInternal, "an exception of an unknown type"};
  }
}

}  // namespace

void SetPostgresBugHook(PostgresBugHook hook) { bug_hook.store(hook); }

absl::Status FromSqlState(absl::string_view what, absl::string_view sqlstate, absl::string_view message) {
  return Make(CodeOf(sqlstate), what, message);
}

absl::StatusCode CodeOfException() { return Classify().code; }

absl::Status FromException(absl::string_view what) {
  const Classified found = Classify();
  return Make(found.code, what, found.message);
}

}  // namespace tokenwatch::common
