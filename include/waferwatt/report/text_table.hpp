// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tables of text with aligned columns, for terminals.
#include <string>
#include <vector>

#include "waferwatt/report/terminal_style.hpp"

namespace waferwatt::report {

class TextTable {
 public:
  enum class Align { left, right };

  explicit TextTable(std::vector<std::string> titles, std::vector<Align> alignment = {})
      : alignment_(std::move(alignment)), rows_{std::move(titles)} {}
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.size() == 1; }

  /// The lines, each after `margin` blanks; no blanks at the ends of lines.
  std::string text(std::size_t margin = 2, const TerminalStyle& style = {}) const;

 private:
  std::vector<Align> alignment_;
  std::vector<std::vector<std::string>> rows_;  // the first holds the titles
};

}  // namespace waferwatt::report
