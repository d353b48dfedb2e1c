// Runs every fuzz target over its seeds and over seeded random mutations of them: the part of fuzzing that belongs into
// each test run. TOKENWATCH_FUZZ_MUTATIONS sets the number of mutations per target.
#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "absl/strings/numbers.h"
#include "tests/fuzz/fuzz_targets.h"
#include "tests/fuzz/seeds.h"

namespace tokenwatch::fuzz {
namespace {

size_t MutationCount() {
  size_t count = 100'000;
  const char* text = std::getenv("TOKENWATCH_FUZZ_MUTATIONS");
  if (text != nullptr && !absl::SimpleAtoi(text, &count)) ADD_FAILURE() << "TOKENWATCH_FUZZ_MUTATIONS is no number";
  return count;
}

// Changes the input in one to four small ways: what breaks decoders are lengths, cuts, doubled and swapped parts.
void Mutate(std::mt19937_64& random, const std::vector<std::string>& seeds, std::string& input) {
  for (size_t edits = 1 + random() % 4; edits > 0; --edits) {
    const size_t at = input.empty() ? 0 : random() % input.size();
    const size_t length = input.empty() ? 0 : random() % std::min<size_t>(input.size() - at, 16) + 1;
    switch (random() % 8) {
      case 0:
        if (!input.empty()) input[at] = static_cast<char>(input[at] ^ (1 << (random() % 8)));
        break;
      case 1:
        if (!input.empty()) input[at] = static_cast<char>(random());
        break;
      case 2:
        if (!input.empty()) input[at] = "\"\\{}[],:0e.-\xff\x80 "[random() % 16];
        break;
      case 3:
        input.resize(at);
        break;
      case 4:
        input.erase(at, length);
        break;
      case 5:
        input.insert(at, input.substr(at, length));
        break;
      case 6:
        input.insert(at, length, static_cast<char>(random()));
        break;
      default: {
        const std::string& other = seeds[random() % seeds.size()];
        const size_t from = other.empty() ? 0 : random() % other.size();
        input.insert(at, other.substr(from, random() % 64));
      }
    }
  }
}

class FuzzCorpusTest : public ::testing::TestWithParam<FuzzTarget> {};

TEST_P(FuzzCorpusTest, SeedsAndMutations) {
  const std::vector<std::string> seeds = Seeds(GetParam().name);
  ASSERT_GE(seeds.size(), 5u);
  // Exactly sized heap copies, so that a sanitizer sees a read past the end.
  const auto run = [](const std::string& input) {
    const std::vector<uint8_t> bytes(input.begin(), input.end());
    GetParam().run(bytes);
  };
  for (const std::string& seed : seeds) run(seed);
  std::mt19937_64 random(20261121);
  const size_t count = MutationCount();
  for (size_t i = 0; i < count; ++i) {
    std::string input = seeds[random() % seeds.size()];
    Mutate(random, seeds, input);
    run(input);
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, FuzzCorpusTest, ::testing::ValuesIn(kFuzzTargets),
                         [](const ::testing::TestParamInfo<FuzzTarget>& target) {
                           return std::string(target.param.name);
                         });

}  // namespace
}  // namespace tokenwatch::fuzz
