// SPDX-License-Identifier: Apache-2.0
#pragma once
// Metrics that have a value for each year, one row each, the years side by side.
#include <optional>
#include <string>
#include <vector>

#include "waferwatt/scenario/result.hpp"

namespace waferwatt::report {

struct YearTable {
  struct Row {
    std::string name, of, unit;
    std::vector<std::optional<double>> values;  ///< one per year; nothing where there is none
  };
  std::vector<std::string> years;
  std::vector<Row> rows;
};

/// The metrics with a dim "year" when there are at least two years; an empty table otherwise.
YearTable year_table(const scenario::Result& result);

/// The other metrics: those that the year table does not show.
std::vector<scenario::Metric> other_metrics(const scenario::Result& result);

/// What binds by scope: "2024" -> "packaging 93 %, memory 6 %"; scopes in the order they come.
std::vector<std::pair<std::string, std::string>> binds_by_scope(const scenario::Result& result);

}  // namespace waferwatt::report
