// fuzz_write_seeds DIR: writes the seed corpus of each target to DIR/<target>/, for libFuzzer.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "tests/fuzz/fuzz_targets.h"
#include "tests/fuzz/seeds.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: fuzz_write_seeds DIR\n");
    return 64;
  }
  for (const tokenwatch::fuzz::FuzzTarget& target : tokenwatch::fuzz::kFuzzTargets) {
    const std::string folder = absl::StrCat(argv[1], "/", target.name);
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    int number = 0;
    for (const std::string& seed : tokenwatch::fuzz::Seeds(target.name)) {
      const std::string path = absl::StrCat(folder, "/seed_", number++);
      std::ofstream out(path, std::ios::binary);
      out << seed;
      if (!out.flush()) {
        std::fprintf(stderr, "fuzz_write_seeds: %s cannot be written\n", path.c_str());
        return 1;
      }
    }
    std::printf("%s: %d seeds\n", folder.c_str(), number);
  }
  return 0;
}
