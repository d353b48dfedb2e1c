// Reads recorded fixtures for the tests, fuzz seeds and benchmark of chain/. Not for services.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tokenwatch::chain::testing {

// The root of the sources: $TOKENWATCH_SOURCE_DIR, or the directory the program was compiled from.
std::string SourceDir();

// A file below tests/fixtures. Ends the process with one line when it is not there: the repository is damaged.
std::string ReadFixture(absl::string_view path);

// A file of the recorded data that may not be copied here, below ../shared/data; nullopt when that is not there.
std::optional<std::string> ReadSharedData(absl::string_view path);

// The non-empty lines of a text.
std::vector<std::string> Lines(absl::string_view text);

// The `raw` text of every line of a recording.
std::vector<std::string> RecordedFrames(absl::string_view jsonl);

struct RecordedAccount {
  std::string pubkey;
  std::string owner;
  std::vector<uint8_t> data;
};

// Accounts of a JSON-lines file with `data: [base64, "base64"]`.
std::vector<RecordedAccount> RecordedAccounts(absl::string_view jsonl);

// The accounts of helius_curve_accounts.json.
std::vector<RecordedAccount> RecordedCurveAccounts();

// `meta.logMessages` of a recorded transaction, wherever in the document it stands.
std::vector<std::string> RecordedLogMessages(absl::string_view json);

// The bytes of a base64 text; ends the process when it is none.
std::vector<uint8_t> Base64(absl::string_view text);

}  // namespace tokenwatch::chain::testing
