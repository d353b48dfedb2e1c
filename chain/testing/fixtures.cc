#include "chain/testing/fixtures.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include <simdjson.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "chain/base64.h"

namespace tokenwatch::chain::testing {
namespace {

namespace dom = simdjson::dom;

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "fixtures: %s\n", what.c_str());
  std::exit(1);
}

std::optional<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

dom::element Parse(dom::parser& parser, absl::string_view json) {
  dom::element element;
  if (parser.parse(json.data(), json.size()).get(element) != simdjson::SUCCESS) Fail("a recorded file is not JSON");
  return element;
}

std::string Text(dom::element element, const char* key) {
  std::string_view text;
  if (element[key].get_string().get(text) != simdjson::SUCCESS) Fail(absl::StrCat("a record has no text ", key));
  return std::string(text);
}

// By value, so that a range-for keeps them alive.
dom::array Array(dom::element element) {
  dom::array array;
  if (element.get_array().get(array) != simdjson::SUCCESS) Fail("a record is no array where it should be one");
  return array;
}
dom::object Object(dom::element element) {
  dom::object object;
  if (element.get_object().get(object) != simdjson::SUCCESS) Fail("a record is no object where it should be one");
  return object;
}

bool FindLogMessages(dom::element element, std::vector<std::string>& out) {
  if (element.is_array()) {
    for (dom::element child : Array(element)) {
      if (FindLogMessages(child, out)) return true;
    }
  } else if (element.is_object()) {
    for (dom::key_value_pair field : Object(element)) {
      if (field.key != "logMessages") {
        if (FindLogMessages(field.value, out)) return true;
        continue;
      }
      for (dom::element line : Array(field.value)) {
        std::string_view text;
        if (line.get_string().get(text) != simdjson::SUCCESS) Fail("a log line is no text");
        out.emplace_back(text);
      }
      return true;
    }
  }
  return false;
}

}  // namespace

std::string SourceDir() {
  const char* dir = std::getenv("TOKENWATCH_SOURCE_DIR");
  return dir != nullptr ? dir : TOKENWATCH_COMPILED_FROM;
}

std::string ReadFixture(absl::string_view path) {
  const std::string full = absl::StrCat(SourceDir(), "/tests/fixtures/", path);
  std::optional<std::string> text = ReadFile(full);
  if (!text) Fail(absl::StrCat(full, " cannot be read"));
  return *std::move(text);
}

std::optional<std::string> ReadSharedData(absl::string_view path) {
  return ReadFile(absl::StrCat(SourceDir(), "/../shared/data/", path));
}

std::vector<std::string> Lines(absl::string_view text) { return absl::StrSplit(text, '\n', absl::SkipEmpty()); }

std::vector<std::string> RecordedFrames(absl::string_view jsonl) {
  std::vector<std::string> frames;
  dom::parser parser;
  for (const std::string& line : Lines(jsonl)) frames.push_back(Text(Parse(parser, line), "raw"));
  return frames;
}

std::vector<RecordedAccount> RecordedAccounts(absl::string_view jsonl) {
  std::vector<RecordedAccount> accounts;
  dom::parser parser;
  for (const std::string& line : Lines(jsonl)) {
    dom::element record = Parse(parser, line);
    std::string_view data;
    if (record["data"].at(0).get_string().get(data) != simdjson::SUCCESS) Fail("an account has no data");
    accounts.push_back(
        {Text(record, "pubkey"), Text(record, "owner"), Base64(absl::string_view(data.data(), data.size()))});
  }
  return accounts;
}

std::vector<RecordedAccount> RecordedCurveAccounts() {
  std::vector<RecordedAccount> accounts;
  dom::parser parser;
  const std::string json = ReadFixture("solana_rpc/helius_curve_accounts.json");
  for (dom::element record : Array(Parse(parser, json))) {
    accounts.push_back({Text(record, "pubkey"), "", Base64(Text(record, "data_b64"))});
  }
  return accounts;
}

std::vector<std::string> RecordedLogMessages(absl::string_view json) {
  dom::parser parser;
  std::vector<std::string> lines;
  if (!FindLogMessages(Parse(parser, json), lines)) Fail("a recorded transaction has no logMessages");
  return lines;
}

std::vector<uint8_t> Base64(absl::string_view text) {
  std::vector<uint8_t> bytes(MaxBase64DecodedSize(text.size()));
  const std::optional<size_t> size = DecodeBase64(text, bytes.data());
  if (!size) Fail("a recorded text is not base64");
  bytes.resize(*size);
  return bytes;
}

}  // namespace tokenwatch::chain::testing
