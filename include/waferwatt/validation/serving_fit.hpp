// SPDX-License-Identifier: Apache-2.0
#pragma once
// Profiles of inference engines from measured serving.
//
// Half of the configurations (model, accelerator, precision, layout, lengths) of a backend are fitted, at all their
// concurrencies, the other half tells how
// well the profile carries over. Parameters are changed one at a time by steps that shrink, and a change is kept when
// the fitted half's errors fall: a search that needs no derivatives and gives the same profile every time.
#include "waferwatt/validation/serving_report.hpp"

namespace waferwatt::validation {

/// One number of a profile that is fitted.
struct ProfileParameter {
  std::string_view name, unit;
  double (*get)(const serving::BackendProfile&);
  void (*set)(serving::BackendProfile&, double);
  double step;       ///< the first change: a factor, or with `is_sum` a summand
  bool is_sum;
  double low, high;  ///< bounds of what is physical
};
std::span<const ProfileParameter> profile_parameters();

struct ServingFit {
  serving::BackendProfile profile;
  ServingReport fitted, held_out;  ///< errors on the half that was fitted and on the other
};

/// Fits the profile of one backend, from the shipped one (or the default) on.
/// \param n_rounds over all parameters
/// \throws InputError when the file has fewer than 20 cases of the backend
ServingFit fit_backend(const ServingCases& cases, const std::string& backend, const catalog::Catalog& catalog, int n_rounds = 4);

/// Parameters with their units, and both tables of errors.
std::string text_of(const ServingFit& fit);

}  // namespace waferwatt::validation
