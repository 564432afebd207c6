// SPDX-License-Identifier: Apache-2.0
#pragma once
// Results folders side by side: what differs in the inputs, in the results, and in what is charged.
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "waferwatt/io/value.hpp"
#include "waferwatt/report/results.hpp"
#include "waferwatt/report/terminal_style.hpp"

namespace waferwatt::report {

/// One number in every folder; nothing where a folder lacks it.
struct ComparedNumber {
  std::vector<std::optional<double>> values;

  /// The i-th value relative to the first: 0.1 is 10 % more. Nothing without both, or from zero.
  std::optional<double> change(std::size_t i) const;
  bool differs() const;
};

struct ComparedMetric : ComparedNumber {
  std::string name;
  std::map<std::string, std::string> dims;
  std::string unit;
};

/// A key of the scenario ("parallel.tensor") or a value of the catalog ("nvidia-h100-sxm: tdp") that is not the same in all.
struct ComparedInput {
  std::string path;
  std::vector<std::string> values;  ///< empty where a folder lacks it
};

/// The ledger's sum over an account ("power", "bubble").
struct ComparedCharge : ComparedNumber {
  std::string account, unit;
};

/// What binds over the whole run: its share of what is charged.
struct ComparedBind : ComparedNumber {
  std::string resource;
};

struct Comparison {
  std::vector<std::string> folders;
  std::vector<std::string> headlines;
  std::vector<ComparedInput> inputs;    ///< those that differ
  std::vector<ComparedMetric> metrics;  ///< in the order of the first folder, then those only others have
  std::vector<ComparedCharge> charges;  ///< those that differ, the largest difference first
  std::vector<ComparedBind> binds;

  std::size_t n_equal() const;
  /// "2 inputs and 5 of 10 metrics differ.", which metric changes most, and which account of the ledger differs most.
  std::string sentence() const;
  /// What differs, for a terminal.
  std::string text(const TerminalStyle& style = {}) const;
  io::Value json() const;
};

/// \throws InputError for folders that hold no results
Comparison compare(const std::vector<std::filesystem::path>& folders);
Comparison compare(std::vector<std::string> names, const std::vector<Results>& runs);

}  // namespace waferwatt::report
