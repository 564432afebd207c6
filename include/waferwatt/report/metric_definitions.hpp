// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the names of metrics mean: docs/reference/metrics.md, which the program carries.
#include <string>
#include <vector>

namespace waferwatt::report {

struct MetricDefinition {
  std::vector<std::string> kinds;  ///< kinds of scenarios whose section it stands in
  std::string name;
  std::string dims, unit, meaning;
};

/// In the order of the page; a metric that several kinds define differently is there several times.
std::vector<MetricDefinition> metric_definitions();

}  // namespace waferwatt::report
