// SPDX-License-Identifier: Apache-2.0
#pragma once
// Profiles of inference engines from measured serving.
//
// Half of the configurations (model, accelerator, precision, layout, lengths) of a backend are fitted, at their
// concurrencies, the other half tells how well the profile carries over. All parameters move together
// (core/least_squares.hpp): residuals are the logarithms of predicted over measured time per token, time to the first
// token and rate, of every source of measurements. The search begins at the same plain numbers for every backend, and
// pulls weakly towards them: nothing depends on the profile that is shipped, and the same cases give the same profile.
#include "waferwatt/validation/serving_report.hpp"

namespace waferwatt::validation {

/// One number of a profile that is fitted. It moves in ln(1 + x / scale), or in ln x where the scale is zero.
struct ProfileParameter {
  std::string_view name, unit;
  double (*get)(const serving::BackendProfile&);
  void (*set)(serving::BackendProfile&, double);
  double prior;      ///< where the search begins
  double scale;
  double low, high;  ///< bounds of what is physical
};
std::span<const ProfileParameter> profile_parameters();

struct ServingFit {
  serving::BackendProfile profile;
  std::size_t n_cases = 0;                 ///< of the half that was fitted
  double first_loss = 0, loss = 0, shipped_loss = 0;  ///< mean of measurements, without the pull: at the start, at the end, of the shipped profile
  std::map<std::string, ServingReport> fitted, held_out;  ///< errors on both halves, all of their cases, by source
  std::map<std::string, ServingReport> left_out;          ///< of models and accelerators that no half has
};

/// Fits the profile of one backend. What is no fitted number is as in the shipped profile.
/// \param n_jobs processor cores; with any number of them the fit is the same
/// \param without ids of language models and accelerators whose cases the fit does not see
/// \throws InputError when the files have fewer than 20 cases of the backend, or none of a model or accelerator to leave out
ServingFit fit_backend(const ServingCases& cases, const std::string& backend, const catalog::Catalog& catalog, unsigned n_jobs = 1,
                       const std::vector<std::string>& without = {});

/// Parameters with their units, and the errors of both halves.
std::string text_of(const ServingFit& fit);

}  // namespace waferwatt::validation
