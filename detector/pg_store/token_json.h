// A token as JSON whose keys are the columns of the token tables: the form in which tokens go to and come from the
// database, both as rows (jsonb_populate_recordset, to_jsonb) and as the snapshot in token_events.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "detector/token.h"

namespace tokenwatch::detector {

// Appends the JSON object. The state is not part of it: a row's state is the table it is in.
void AppendTokenJson(const Token& token, std::string& out);

// Reads it back. INTERNAL, naming the key, when it is not what AppendTokenJson writes: the database was changed by
// hand.
absl::StatusOr<Token> ParseTokenJson(absl::string_view json, TokenState state);

// Appends a JSON string with all it needs escaped. `text` is valid UTF-8.
void AppendJsonText(absl::string_view text, std::string& out);

// "2026-07-03T14:45:30.123456Z", as PostgreSQL reads it.
void AppendTimeText(absl::Time time, std::string& out);

}  // namespace tokenwatch::detector
