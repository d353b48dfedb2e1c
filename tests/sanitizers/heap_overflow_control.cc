// Control of ./dev asan: reads one element past the end of a heap block. AddressSanitizer must report it; a run in
// which this program exits 0 was not sanitized.
#include <cstddef>
#include <cstdio>
#include <memory>

int main(int argc, char**) {
  const size_t size = 8;
  const std::unique_ptr<int[]> block(new int[size]());
  // The index depends on the command line, so that no compiler decides the outcome.
  std::printf("%d\n", block[size - 1 + static_cast<size_t>(argc)]);
  return 0;
}
