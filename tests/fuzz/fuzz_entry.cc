// libFuzzer's entry point of the target that the build names.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/fuzz_targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tokenwatch::fuzz::TOKENWATCH_FUZZ_TARGET(absl::MakeConstSpan(data, size));
  return 0;
}
