// Derived prices, which are doubles, as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace tokenwatch::cli {

// Six digits that count, never an exponent: "143.25", "0.0000000279602", "1234560". "0" for 0; "?" for what is no
// finite number.
std::string FormatPrice(double price);

// With thousands separated, as counts are: "1,234,567".
std::string FormatCount(int64_t count);

}  // namespace tokenwatch::cli
