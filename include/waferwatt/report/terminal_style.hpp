// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a terminal can show beyond plain text.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace waferwatt::report {

struct TerminalStyle {
  bool has_colours = false;
  bool has_sparklines = false;

  std::string bold(std::string_view text) const { return marked("1", text); }
  std::string faint(std::string_view text) const { return marked("2", text); }
  std::string red(std::string_view text) const { return marked("31", text); }

 private:
  std::string marked(std::string_view code, std::string_view text) const {
    return has_colours ? "\033[" + std::string{code} + "m" + std::string{text} + "\033[0m" : std::string{text};
  }
};

/// "▁▃▅█": from the smallest of the values to the largest, a blank where there is none; all in the middle where they are equal.
std::string sparkline(const std::vector<std::optional<double>>& values);

}  // namespace waferwatt::report
