#include "pricing/reference_file.h"

#include <algorithm>
#include <utility>

#include <simdjson.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/recording/recording_file.h"

namespace tokenwatch::pricing {
namespace {

constexpr char kFeed[] = "reference";

absl::Status Bad(absl::string_view why) { return absl::InvalidArgumentError(absl::StrCat("no reference: ", why)); }

bool IsWord(absl::string_view text) {
  return !text.empty() && text.size() <= Word::kMaxSize && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

absl::StatusOr<chain::TokenRef> ParseAsset(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits(':', 1));
  const absl::StatusOr<chain::Address> address = chain::ParseAddress(parts.first, parts.second);
  if (!address.ok()) return Bad(absl::StrCat("asset: ", address.status().message()));
  return chain::TokenRef{chain::ParseChain(parts.first), *address};
}

}  // namespace

absl::StatusOr<Reference> ParseReference(absl::Time at, absl::string_view raw) {
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  std::string_view asset;
  std::string_view usd;
  std::string_view source;
  if (parser.parse(raw.data(), raw.size()).get(document) != simdjson::SUCCESS || !document.is_object()) {
    return Bad("it is no JSON object");
  }
  if (document["asset"].get(asset) != simdjson::SUCCESS || document["usd"].get(usd) != simdjson::SUCCESS ||
      document["source"].get(source) != simdjson::SUCCESS) {
    return Bad("it lacks one of the texts \"asset\", \"usd\" and \"source\"");
  }
  absl::StatusOr<chain::TokenRef> parsed = ParseAsset(absl::string_view(asset.data(), asset.size()));
  if (!parsed.ok()) return parsed.status();
  Reference reference{*std::move(parsed), at, std::string(usd), {}};
  if (!IsPositiveDecimal(reference.usd)) return Bad("usd is no positive decimal number");
  const absl::string_view word(source.data(), source.size());
  if (!IsWord(word)) return Bad("source is no word of lower-case letters, digits, - and _");
  reference.source = Word(word);
  return reference;
}

absl::StatusOr<std::vector<Reference>> ReadReferenceFile(const std::string& path) {
  const auto reader = common::RecordingReader::Open(path);
  if (!reader.ok()) return reader.status();
  common::RecordedFrameParser parser;
  std::vector<Reference> references;
  while (true) {
    const absl::StatusOr<absl::string_view> line = (*reader)->NextLine();
    if (absl::IsOutOfRange(line.status())) return references;
    if (!line.ok()) return line.status();
    if (line->empty()) continue;
    const auto bad = [&](const absl::Status& status) {
      return absl::InvalidArgumentError(absl::StrCat(path, ", line ", (*reader)->lines(), ": ", status.message()));
    };
    const absl::StatusOr<common::RecordedFrame> frame = parser.Parse(*line);
    if (!frame.ok()) return bad(frame.status());
    if (frame->feed != kFeed) continue;
    absl::StatusOr<Reference> reference = ParseReference(frame->received_at, frame->raw);
    if (!reference.ok()) return bad(reference.status());
    references.push_back(*std::move(reference));
  }
}

}  // namespace tokenwatch::pricing
