// SPDX-License-Identifier: Apache-2.0
#pragma once
// Predicted against measured serving.
#include <functional>
#include <span>

#include "waferwatt/validation/serving_cases.hpp"

namespace waferwatt::validation {

struct ServingPrediction {
  double ttft_s = 0, tpot_s = 0, tokens_per_s = 0, joule_per_token = 0;
  std::string infeasible;
};

/// Finds the profile for a case: the shipped one of its backend, or one that is being fitted.
using ProfileOf = std::function<serving::BackendProfile(const ServingCase&)>;
serving::BackendProfile shipped_profile(const ServingCase&);

/// Predicts all cases; those of one configuration share their tables.
std::vector<ServingPrediction> predict(const std::vector<ServingCase>& cases, const catalog::Catalog& catalog, const ProfileOf& profile_of);

/// Tokens a second: where they were not measured, those of a closed loop follow from what every request takes.
std::optional<double> measured_rate(const ServingCase& c);
double predicted_rate(const ServingCase& c, const ServingPrediction& p);

struct ServingReport {
  std::size_t n_cases = 0, n_default_backend = 0;
  std::vector<Skipped> skipped;
  std::map<std::string, std::vector<std::string>> assumptions;         ///< ids of cases by what was assumed of them
  std::map<std::string, PercentErrors> metrics;                        ///< ttft, tpot, throughput, energy_per_token
  std::map<std::string, std::map<std::string, PercentErrors>> groups;  ///< "model ...", "gpu ...", "backend ...", "source ..."
  struct Row {
    const ServingCase* serving_case = nullptr;
    ServingPrediction predicted;
  };
  std::vector<Row> rows;

  io::Value json() const;
  std::string text() const;
  /// One line per case with what was measured and predicted.
  std::string points() const;
};
ServingReport validate_serving(const ServingCases& cases, const catalog::Catalog& catalog, const ProfileOf& profile_of = shipped_profile);

}  // namespace waferwatt::validation
