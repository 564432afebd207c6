// SPDX-License-Identifier: Apache-2.0
#pragma once
// Capacity that is decided on during the run: on a date, or when a line has bound for long enough.
#include <optional>
#include <string>

#include "waferwatt/core/ramp.hpp"

namespace waferwatt::supply {

/// A standing decision about one line. Without `decided` it is taken whenever the line decided more than
/// `threshold` of the package starts that need it over `review`, one project at a time.
struct Expansion {
  std::string line;               ///< node, packaging family, memory maker or part
  std::optional<Date> decided;
  Date not_before;                ///< the rule decides nothing earlier, as in the warm-up
  double threshold = 0.5;
  Time review = 0.5 * year;
  Time build_time;                ///< decision to first output: permits, shell, tools
  Time ramp_time;                 ///< first output to full output
  WaferRate capacity;             ///< added at full output
  Money capital_cost;             ///< of one project
  int max_projects = 1;
};

/// A decision taken.
struct Project {
  std::string line;
  Date decided, first_output, full_output;
  WaferRate capacity;
  Money capital_cost;
};

/// The ramp plus a project's output.
Ramp<WaferRate> expanded(const Ramp<WaferRate>& ramp, const Project& project);

/// Exact: with the points of both.
template <class T>
Ramp<T> sum_of(const Ramp<T>& a, const Ramp<T>& b);

}  // namespace waferwatt::supply
