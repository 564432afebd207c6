// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a run gives back, whatever its kind.
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "waferwatt/core/table.hpp"
#include "waferwatt/io/record.hpp"

namespace waferwatt::scenario {

/// One number of the summary. Its name is defined in docs/reference/metrics.md.
struct Metric {
  std::string name;                         ///< snake_case, e.g. "accelerators_delivered"
  std::map<std::string, std::string> dims;  ///< e.g. {"vendor": "nvidia", "year": "2024"}
  double value = 0;
  std::string unit;                         ///< "1", "s", "USD/Mtoken", ...
  std::optional<double> low, high;

  static const io::Record<Metric>& record();
};

/// A resource that binds, and how much of all waiting it is charged with.
struct Binding {
  std::string resource;  ///< e.g. "packaging", "memory bandwidth"
  std::string scope;     ///< e.g. "2024", "decode"; empty: the whole run
  double share = 0;      ///< of everything charged in the scope, 0..1
  std::string text;      ///< one sentence with the number
};

struct Result {
  std::string headline;          ///< one sentence that answers the question
  std::vector<Binding> binds;    ///< strongest first within a scope
  std::vector<Metric> metrics;
  std::vector<Table> tables;
  Table ledger;                  ///< every charge: tidy, units in the column names
  std::string infeasible;        ///< the reason with its numbers; empty when there is a solution
};

/// What a run may use from its surroundings.
struct RunContext {
  std::uint64_t seed = 1;
  std::size_t n_draws = 0;  ///< runs with uncertain inputs drawn at random; 0: none
  unsigned n_jobs = 1;  ///< processor cores; results do not depend on it
  std::function<void(double fraction, const std::string& what)> progress = [](double, const std::string&) {};
};

}  // namespace waferwatt::scenario
