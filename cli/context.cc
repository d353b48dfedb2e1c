#include "cli/context.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "cli/render/text.h"

namespace tokenwatch::cli {

void WriteNote(Sink& sink, absl::string_view text) {
  const std::string line = absl::StrReplaceAll(text, {{"\r\n", " "}, {"\n", " "}, {"\t", " "}});
  sink.Write(absl::StrCat("tokenwatch: ", SanitizeText(line), "\n")).IgnoreError();
}

void Context::Note(absl::string_view text) { WriteNote(environment_.err, text); }

}  // namespace tokenwatch::cli
