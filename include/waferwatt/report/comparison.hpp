// SPDX-License-Identifier: Apache-2.0
#pragma once
// Results folders side by side.
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "waferwatt/io/value.hpp"

namespace waferwatt::report {

/// One metric in every folder; nothing where a folder lacks it.
struct ComparedMetric {
  std::string name;
  std::map<std::string, std::string> dims;
  std::string unit;
  std::vector<std::optional<double>> values;

  /// The i-th value relative to the first: 0.1 is 10 % more. Nothing without both, or from zero.
  std::optional<double> change(std::size_t i) const;
  bool differs() const;
};

struct Comparison {
  std::vector<std::string> folders;
  std::vector<std::string> headlines;
  std::vector<ComparedMetric> metrics;  ///< in the order of the first folder, then those only others have

  std::size_t n_equal() const;
  /// The metrics that differ, for a terminal.
  std::string text() const;
};

/// \throws InputError for folders that hold no results
Comparison compare(const std::vector<std::filesystem::path>& folders);

}  // namespace waferwatt::report
