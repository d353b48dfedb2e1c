// Control of ./dev tsan: two threads write one integer without a lock. ThreadSanitizer must report it.
#include <cstdio>
#include <thread>

namespace {

void Write(int* value) {
  for (int i = 0; i < 100000; ++i) {
    *value += i;
  }
}

}  // namespace

int main() {
  int value = 0;
  std::thread first(Write, &value);
  std::thread second(Write, &value);
  first.join();
  second.join();
  std::printf("%d\n", value);
  return 0;
}
