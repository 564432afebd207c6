// SPDX-License-Identifier: Apache-2.0
#pragma once
// Scenarios that start in the past with what was known then, against what came.
#include <cmath>
#include <filesystem>

#include "waferwatt/scenario/runner.hpp"

namespace waferwatt::scenario {

/// An outcome and the metric that foretells it.
struct KnownOutcome {
  std::string metric;
  std::map<std::string, std::string> dims;
  double outcome = 0;
  std::string unit, source, note;
  std::optional<double> goal;  ///< largest relative error that passes; absent: reported only

  static const io::Record<KnownOutcome>& record();
};

/// One backtest.
struct Backtest {
  std::string id, question, scenario;  ///< scenario file, relative to the cases
  std::vector<KnownOutcome> outcomes;
  std::string note;

  static const io::Record<Backtest>& record();
};

struct BacktestFile {
  std::string schema;
  std::vector<Backtest> cases;

  static const io::Record<BacktestFile>& record();
};

/// One outcome foretold.
struct Foretold {
  std::string backtest;
  KnownOutcome outcome;
  double value = 0;
  std::optional<double> low, high;

  /// Relative; of an outcome of nothing, absolute.
  double error() const { return outcome.outcome != 0 ? value / outcome.outcome - 1 : value; }
  bool is_covered() const { return low && high && *low <= outcome.outcome && outcome.outcome <= *high; }
  bool passes() const { return !outcome.goal || std::abs(error()) <= *outcome.goal; }
};

struct BacktestReport {
  std::vector<Foretold> results;
  std::vector<std::pair<std::string, std::string>> skipped;  ///< id and reason

  io::Value json(std::string_view set) const;
  std::string text() const;
};

/// Runs the scenario of each case. What cannot be read or run, or has no such metric, is skipped with its reason.
/// \throws InputError for the file of the cases itself
BacktestReport run_backtests(const std::filesystem::path& file, std::shared_ptr<const catalog::Catalog> catalog, const RunOptions& options);

}  // namespace waferwatt::scenario
