// SPDX-License-Identifier: Apache-2.0
#pragma once
// Coefficients and residuals of one operator from measured times.
#include <cstdint>
#include <span>

#include "waferwatt/cost/formula.hpp"
#include "waferwatt/cost/residual_surface.hpp"

namespace waferwatt::cost {

/// One measured time.
struct FitSample {
  Load load;
  double time_s = 0;
  Coordinates at;
  std::uint64_t site = 0;  ///< samples of one site are held out together
};

/// Coefficients that minimise the soft-L1 (scale 0.1) of log(formula / measured), by Levenberg-Marquardt,
/// with a weak prior towards `prior`.
/// \param two_branches fit the smaller of two branches: for decode attention
Formula fit_formula(std::span<const FitSample> samples, const FormulaCoefficients& prior, bool two_branches);

/// `n` samples that cover the space of shapes, each the most typical (median residual) of its
/// neighbourhood; fewer if there are fewer samples.
std::vector<std::size_t> representative_points(std::span<const FitSample> samples, const std::vector<double>& residuals,
                                               std::size_t n);

/// A prediction for a sample that was held out.
struct HeldOut {
  double measured_s = 0, predicted_s = 0, formula_s = 0;
  std::size_t regime = 0;  ///< 0 launch, 1 memory, 2 compute
};

/// Median, mean, 90th percentile and bias of predicted / measured - 1.
catalog::ErrorSummary error_summary(std::string regime, std::vector<double> relative_errors);

struct FitOptions {
  FormulaCoefficients prior;
  bool two_branches = false;
  std::size_t n_grid = 400;
};

struct OperatorFitResult {
  Formula formula;
  std::vector<std::size_t> grid;       ///< indices of the samples that are kept
  std::vector<double> grid_residuals;  ///< log(measured / formula) at them
  std::vector<HeldOut> held_out;       ///< 5 folds, grouped by site
  std::vector<HeldOut> extrapolated;   ///< the largest tenth, predicted from the rest
};

/// Fit, grid, grouped 5-fold cross-validation and extrapolation fold.
OperatorFitResult fit_operator(std::span<const FitSample> samples, const FitOptions& options);

}  // namespace waferwatt::cost
