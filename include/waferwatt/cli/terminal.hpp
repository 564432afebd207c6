// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the terminal at hand can show, and the line of progress on it.
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>

#include "waferwatt/report/terminal_style.hpp"

namespace waferwatt::cli {

/// Colours and sparklines where a stream is a terminal; no colours where NO_COLOR is set or the terminal is "dumb", no
/// sparklines where the locale is not UTF-8.
report::TerminalStyle style_of(std::FILE* stream);

/// "42 %  8 s left  packaging": one line that is written over on a terminal; nothing in a pipe.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(double fraction, const std::string& what) const;
  void clear() const;

 private:
  bool is_shown_;
  std::chrono::steady_clock::time_point start_;
};

/// What is left at this pace: "8 s left", "3 min left"; empty while it is too early to tell.
std::string time_left(double fraction, double elapsed_s);

}  // namespace waferwatt::cli
