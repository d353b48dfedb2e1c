// Parameters of a chaos run, from the environment: one program is the short and the long run.
#pragma once

#include <cstdint>
#include <cstdlib>

#include <gtest/gtest.h>

#include "absl/strings/numbers.h"

namespace tokenwatch::functional {

// Fails the test when the variable is set to no number.
inline uint64_t ChaosParameter(const char* name, uint64_t by_default) {
  const char* const text = std::getenv(name);
  uint64_t value = by_default;
  if (text == nullptr) return by_default;
  EXPECT_TRUE(absl::SimpleAtoi(text, &value)) << name;
  return value;
}

}  // namespace tokenwatch::functional
