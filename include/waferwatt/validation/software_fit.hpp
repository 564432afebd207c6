// SPDX-License-Identifier: Apache-2.0
#pragma once
// Numbers of a software stack from measured iterations.
//
// Cases are halved by what they measure: all cases of one model on one accelerator lie in the same half, so that
// the other half says how the numbers carry over to models that were not fitted. Each number is moved in turn,
// up and down by a step that is halved when no move helps; a move counts only if it lowers
//
//   mean |ln(predicted / measured)| + kStay * sum over numbers of |position - start| / range
//
// so that numbers the cases say nothing about stay where they were.
#include "waferwatt/validation/training_cases.hpp"

namespace waferwatt::validation {

struct SoftwareFit {
  training::Software software;
  std::size_t n_fitted = 0, n_held_out = 0;
  double fitted_before = 0, held_out_before = 0;  ///< mean absolute log errors, in per cent
  double fitted_after = 0, held_out_after = 0;
  std::vector<std::string> changed;  ///< names of the numbers that moved
};

/// \param names of the numbers to fit; empty: all
/// \throws InputError for a name that no number has, or without cases
SoftwareFit fit_software(const std::vector<TrainingCase>& cases, const catalog::Catalog&, const training::Software& start,
                         const std::vector<std::string>& names = {});

/// Which half a case lies in.
bool is_held_out(const TrainingCase&);

}  // namespace waferwatt::validation
