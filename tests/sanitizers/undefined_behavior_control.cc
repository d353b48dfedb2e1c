// Control of ./dev asan: overflows a signed integer. UndefinedBehaviorSanitizer must report it and end the program.
#include <cstdio>
#include <limits>

int main(int argc, char**) {
  const int sum = std::numeric_limits<int>::max() - 1 + 2 * argc;
  std::printf("%d\n", sum);
  return 0;
}
