// Aligned columns. Every cell is sanitized on its way in, so a table cannot carry a control character of a stranger.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "cli/render/style.h"

namespace tokenwatch::cli {

enum class Align { kLeft, kRight };

// What gives way when a row is wider than the terminal.
enum class Shrink { kNever, kMiddle, kEnd };

struct Column {
  std::string title;
  Align align = Align::kLeft;
  Shrink shrink = Shrink::kNever;
  // Never narrower than this; for tables that grow (streams), so that the first batch does not decide too small.
  int min_width = 0;
  // When shrinking is not enough, columns are left out: the highest number first, 0 never.
  int drop_order = 0;
};

struct Cell {
  // NOLINTNEXTLINE(google-explicit-constructor): rows are written as lists of texts.
  Cell(std::string cell_text, Style cell_style = Style::kPlain) : text(std::move(cell_text)), style(cell_style) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  Cell(const char* cell_text, Style cell_style = Style::kPlain) : text(cell_text), style(cell_style) {}

  std::string text;
  Style style = Style::kPlain;
};

// Not thread-safe.
class Table {
 public:
  Table(std::vector<Column> columns, const Terminal& terminal);

  // A row has one cell a column; empty cells show as "-".
  void AddRow(std::vector<Cell> cells);

  // The rows added since the last call, each line ended; the first call also gives the header. Columns keep the width
  // they once had, so that the batches of a stream line up as long as nothing wider comes. Nothing when no row was ever
  // added.
  std::string TakeText();

 private:
  void Fit();
  std::string Line(const std::vector<Cell>& cells) const;

  const std::vector<Column> columns_;
  const Terminal terminal_;
  std::vector<std::vector<Cell>> rows_;
  // Columns of width as the content wants them, and as they are printed.
  std::vector<int> wanted_;
  std::vector<int> widths_;
  std::vector<bool> dropped_;
  bool header_printed_ = false;
};

// "label  value" lines, aligned; rows whose value is empty are left out. Values are sanitized.
std::string LabelledLines(const std::vector<std::pair<std::string, Cell>>& lines, const Terminal& terminal);

}  // namespace tokenwatch::cli
