// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cli/terminal.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace waferwatt::cli {
namespace {

std::string_view variable(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

bool is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (const auto value = variable(name); !value.empty())
      return value.find("UTF-8") != std::string_view::npos || value.find("utf8") != std::string_view::npos;
  return false;
}

}  // namespace

report::TerminalStyle style_of(std::FILE* stream) {
  const bool is_terminal = ::isatty(::fileno(stream)) == 1;
  return {.has_colours = is_terminal && variable("NO_COLOR").empty() && variable("TERM") != "dumb", .has_sparklines = is_terminal && is_utf8()};
}

ProgressLine::ProgressLine() : is_shown_(::isatty(STDERR_FILENO) == 1), start_(std::chrono::steady_clock::now()) {}

void ProgressLine::show(double fraction, const std::string& what) const {
  if (!is_shown_) return;
  const double share = std::clamp(fraction, 0.0, 1.0);
  const std::string left = time_left(share, std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count());
  fmt::print(stderr, "\r\033[K{:3.0f} %  {}{}{}", share * 100, left, left.empty() ? "" : "  ", what.substr(0, 80));
  std::fflush(stderr);
}

void ProgressLine::clear() const {
  if (is_shown_) fmt::print(stderr, "\r\033[K");
}

std::string time_left(double fraction, double elapsed_s) {
  constexpr double kLeastFraction = 0.02, kLeastElapsed_s = 1;
  if (fraction < kLeastFraction || elapsed_s < kLeastElapsed_s) return "";
  const double left = elapsed_s * (1 - fraction) / fraction;
  if (left < 100) return fmt::format("{:.0f} s left", left);
  return left < 6000 ? fmt::format("{:.0f} min left", left / 60) : fmt::format("{:.1f} h left", left / 3600);
}

}  // namespace waferwatt::cli
