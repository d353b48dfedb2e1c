// Figures in the form that ./dev bench reads: one JSON object a line.
#pragma once

#include <optional>
#include <string>

namespace tokenwatch::load {

struct Figure {
  std::string name;
  double value = 0;
  std::string unit;
  // "<= 10" or ">= 200000"; empty for none.
  std::string goal = {};
  // What else was measured in the same run, to compare with; empty for nothing.
  std::string baseline_name = {};
  double baseline_value = 0;
};

// Writes the figure to standard output at once.
void Report(const Figure& figure);

}  // namespace tokenwatch::load
