// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "waferwatt/validation/serving_requests.hpp"

namespace waferwatt::validation {

/// The engine as the case's source set it, else as the backend's profile has it.
serving::EngineSettings engine_of(const ServingCase& c, const serving::BackendProfile& profile);

/// Predicts the same cases with one profile after another; operators and tables that profiles do not change are kept.
class ServingPredictor {
 public:
  /// `cases` outlives it.
  ServingPredictor(const std::vector<ServingCase>& cases, const catalog::Catalog& catalog);
  ~ServingPredictor();
  /// \param n_jobs threads; results do not depend on it
  std::vector<ServingPrediction> predict(const ProfileOf& profile_of, unsigned n_jobs = 1);

 private:
  struct Configuration;
  void use(Configuration& configuration, const serving::BackendProfile& profile);

  const std::vector<ServingCase>& cases_;
  const catalog::Catalog& catalog_;
  std::map<std::pair<std::string, double>, cost::OperatorModel> operators_;  // sources give accelerators other bandwidths
  std::map<std::string, Configuration> configurations_;
};

/// Requests that arrive by a Poisson process, of lengths that spread evenly (serving/closed_loop.hpp).
std::vector<MeasuredRequest> poisson_requests(const ServingCase& c);

}  // namespace waferwatt::validation
