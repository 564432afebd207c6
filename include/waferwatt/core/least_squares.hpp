// SPDX-License-Identifier: Apache-2.0
#pragma once
// A few numbers between bounds that meet many measurements, of which some are wild.
#include <functional>
#include <span>
#include <vector>

namespace waferwatt::core {

/// The loss is   sum_i w_i ln(1 + z_i^2)  +  sum_j p (x_j - prior_j)^2 :
/// quadratic for residuals below one, and growing so slowly beyond (Cauchy) that wild ones hardly count.
struct LeastSquares {
  /// Residuals z at numbers x, each in units of what is usual for it; as many as there are weights, always.
  std::function<std::vector<double>(std::span<const double> x)> residuals;
  std::vector<double> weights;          ///< w, of residuals
  std::vector<double> low, high;        ///< bounds of x
  std::vector<double> prior;            ///< what x is likely to be
  std::vector<double> start;            ///< of the search; empty: the prior
  double prior_weight = 0;              ///< p: how much a distance of one from the prior costs
  double difference = 0.03;             ///< of x, for derivatives: wider than the steps that residuals may have
  double longest_step = 0.7;            ///< of one number in one iteration
  int most_iterations = 30;
  double least_gain = 2e-3;             ///< relative: the search ends with an iteration that gains less
};

struct LeastSquaresFit {
  std::vector<double> x;
  double first_loss = 0, loss = 0;
  int n_iterations = 0, n_evaluations = 0;
};

/// Damped Gauss-Newton (Levenberg-Marquardt) on reweighted residuals. Derivatives are differences at the start, and again
/// where steps stop helping; in between they learn from the steps (Broyden), since residuals may be dear. Numbers that
/// press against a bound stay on it while the others move. The same problem gives the same fit.
/// \throws InputError when sizes do not agree
LeastSquaresFit fit(const LeastSquares& problem);

}  // namespace waferwatt::core
