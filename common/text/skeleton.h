// Forms of a text under which texts that look alike are equal (Unicode Technical Standard 39, section 4).
//
// Two forms are needed, because case folding and looking alike do not commute: capital I looks like l while small i
// does not, and Cyrillic capital Te looks like T while its small form looks like a small capital.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace tokenwatch::common {

// NFKC, case folded, confusable skeleton: "USDC", "usdc", "ＵＳＤＣ" and Cyrillic "uѕdс" have the same one.
// White space is not part of it. For comparison only, never for display. Thread-safe.
std::string Skeleton(absl::string_view text);

// The same without case folding: "JlTO" and "JITO" have the same one; "jito" has another. Thread-safe.
std::string CasedSkeleton(absl::string_view text);

}  // namespace tokenwatch::common
