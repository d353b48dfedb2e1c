// Numbers as decimal text.
#pragma once

#include <string>

namespace tokenwatch::pricing {

// Without exponent, the shortest that reads back as the same number; empty for what is no finite number. Any thread.
std::string DecimalText(double value);

}  // namespace tokenwatch::pricing
