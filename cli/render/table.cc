#include "cli/render/table.h"

#include <algorithm>
#include <cassert>

#include "absl/strings/str_cat.h"
#include "cli/render/text.h"

namespace tokenwatch::cli {
namespace {

constexpr absl::string_view kGap = "  ";
// A shortened address still shows both its ends ("7xKXt…9fQzW"), a shortened name its beginning.
constexpr int kMinMiddle = 11;
constexpr int kMinEnd = 8;

int Smallest(const Column& column, int wanted) {
  switch (column.shrink) {
    case Shrink::kNever:
      return wanted;
    case Shrink::kMiddle:
      return std::min(wanted, kMinMiddle);
    case Shrink::kEnd:
      return std::min(wanted, kMinEnd);
  }
  return wanted;
}

std::string Shortened(const std::string& text, Shrink shrink, int width) {
  return shrink == Shrink::kMiddle ? ShortenMiddle(text, width) : ShortenEnd(text, width);
}

}  // namespace

Table::Table(std::vector<Column> columns, const Terminal& terminal)
    : columns_(std::move(columns)), terminal_(terminal), dropped_(columns_.size(), false) {
  for (const Column& column : columns_) wanted_.push_back(std::max(DisplayWidth(column.title), column.min_width));
}

void Table::AddRow(std::vector<Cell> cells) {
  assert(cells.size() == columns_.size());
  for (size_t i = 0; i < cells.size(); ++i) {
    cells[i].text = cells[i].text.empty() ? "-" : SanitizeText(cells[i].text);
    wanted_[i] = std::max(wanted_[i], DisplayWidth(cells[i].text));
  }
  rows_.push_back(std::move(cells));
}

void Table::Fit() {
  widths_ = wanted_;
  if (terminal_.width <= 0) return;
  const auto total = [&] {
    int sum = 0;
    int shown = 0;
    for (size_t i = 0; i < widths_.size(); ++i) {
      if (dropped_[i]) continue;
      sum += widths_[i];
      ++shown;
    }
    return sum + std::max(0, shown - 1) * static_cast<int>(kGap.size());
  };
  // Drops come first and last for good (a stream's header names what follows), judged by the smallest widths.
  for (size_t i = 0; i < widths_.size(); ++i) widths_[i] = Smallest(columns_[i], wanted_[i]);
  while (!header_printed_ && total() > terminal_.width) {
    size_t victim = widths_.size();
    for (size_t i = 0; i < widths_.size(); ++i) {
      const int order = dropped_[i] ? 0 : columns_[i].drop_order;
      if (order > 0 && (victim == widths_.size() || order > columns_[victim].drop_order)) victim = i;
    }
    if (victim == widths_.size()) break;
    dropped_[victim] = true;
  }
  // What is left over goes to the columns that miss it, the narrowest first, so that short ones stay whole.
  for (int spare = terminal_.width - total(); spare > 0; --spare) {
    size_t poorest = widths_.size();
    for (size_t i = 0; i < widths_.size(); ++i) {
      if (dropped_[i] || widths_[i] >= wanted_[i]) continue;
      if (poorest == widths_.size() || widths_[i] < widths_[poorest]) poorest = i;
    }
    if (poorest == widths_.size()) break;
    ++widths_[poorest];
  }
}

std::string Table::Line(const std::vector<Cell>& cells) const {
  std::string line;
  std::string pending_spaces;
  bool first = true;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (dropped_[i]) continue;
    const std::string text = Shortened(cells[i].text, columns_[i].shrink, widths_[i]);
    const std::string padding(std::max(0, widths_[i] - DisplayWidth(text)), ' ');
    const bool right = columns_[i].align == Align::kRight;
    absl::StrAppend(&line, pending_spaces, first ? absl::string_view() : kGap, right ? padding : "",
                    Painted(text, cells[i].style, terminal_.colour));
    pending_spaces = right ? "" : padding;  // Never at the end of a line.
    first = false;
  }
  line.push_back('\n');
  return line;
}

std::string Table::TakeText() {
  if (rows_.empty()) return "";
  Fit();
  std::string text;
  if (!header_printed_) {
    std::vector<Cell> titles;
    for (const Column& column : columns_) titles.emplace_back(column.title, Style::kTitle);
    text = Line(titles);
    header_printed_ = true;
  }
  for (const std::vector<Cell>& row : rows_) absl::StrAppend(&text, Line(row));
  rows_.clear();
  return text;
}

std::string LabelledLines(const std::vector<std::pair<std::string, Cell>>& lines, const Terminal& terminal) {
  int width = 0;
  for (const auto& [label, cell] : lines) {
    if (!cell.text.empty()) width = std::max(width, DisplayWidth(label));
  }
  std::string text;
  for (const auto& [label, cell] : lines) {
    if (cell.text.empty()) continue;
    absl::StrAppend(&text, Painted(label, Style::kTitle, terminal.colour),
                    std::string(width - DisplayWidth(label), ' '), kGap,
                    Painted(SanitizeText(cell.text), cell.style, terminal.colour), "\n");
  }
  return text;
}

}  // namespace tokenwatch::cli
