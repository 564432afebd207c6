// SPDX-License-Identifier: Apache-2.0
#pragma once
// What `run` and `sweep` share.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "waferwatt/cli/command.hpp"
#include "waferwatt/report/results_folder.hpp"

namespace waferwatt::cli {

/// One line on a terminal that is written over; nothing in a pipe.
class ProgressLine {
 public:
  ProgressLine() : is_shown_(::isatty(STDERR_FILENO) == 1) {}
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(double fraction, const std::string& what) const {
    if (is_shown_)
      fmt::print(stderr, "\r\033[K{:3.0f} %  {}", std::clamp(fraction, 0.0, 1.0) * 100, what.substr(0, 100));
    if (is_shown_) std::fflush(stderr);
  }
  void clear() const {
    if (is_shown_) fmt::print(stderr, "\r\033[K");
  }

 private:
  bool is_shown_;
};

scenario::RunOptions run_options(const Arguments& arguments);
scenario::LoadOptions load_options(const Arguments& arguments);
std::filesystem::path results_folder(const Arguments& arguments, const scenario::Scenario& scenario);

/// Runs the points, writes the folder and prints the answer. \returns the exit status
int run_sweep(const Arguments& arguments, const scenario::Scenario& scenario);

}  // namespace waferwatt::cli
