// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/core/least_squares.hpp"

#include <algorithm>
#include <cmath>

#include "waferwatt/core/diagnostic.hpp"

namespace waferwatt::core {
namespace {

using Vector = std::vector<double>;
using Matrix = std::vector<Vector>;

constexpr double kFirstDamping = 1e-2, kLess = 1.0 / 3, kMore = 5;
constexpr int kMostTries = 4;

/// Of a symmetric positive definite matrix, by its Cholesky factor.
Vector solved(Matrix a, Vector b) {
  const std::size_t n = b.size();
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t k = 0; k < j; ++k) a[j][j] -= a[j][k] * a[j][k];
    a[j][j] = std::sqrt(a[j][j]);
    for (std::size_t i = j + 1; i < n; ++i) {
      for (std::size_t k = 0; k < j; ++k) a[i][j] -= a[i][k] * a[j][k];
      a[i][j] /= a[j][j];
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= a[i][k] * b[k];
    b[i] /= a[i][i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) b[i] -= a[k][i] * b[k];
    b[i] /= a[i][i];
  }
  return b;
}

class Search {
 public:
  explicit Search(const LeastSquares& problem) : problem_(problem), n_(problem.prior.size()) {
    if (problem.low.size() != n_ || problem.high.size() != n_) throw InputError("a fit needs as many bounds as numbers");
    fit_.x = problem.start.empty() ? problem.prior : problem.start;
    if (fit_.x.size() != n_) throw InputError("a fit needs as many numbers to start with as it has");
    for (std::size_t j = 0; j < n_; ++j) fit_.x[j] = std::clamp(fit_.x[j], problem.low[j], problem.high[j]);
    z_ = residuals(fit_.x);
    fit_.first_loss = fit_.loss = loss(fit_.x, z_);
  }

  LeastSquaresFit found() {
    differentiate();
    for (bool is_fresh = true; fit_.n_iterations < problem_.most_iterations; ++fit_.n_iterations) {
      const double before = fit_.loss;
      if (improve() && before - fit_.loss >= problem_.least_gain * before) {
        is_fresh = false;
        continue;
      }
      if (is_fresh) break;
      differentiate(), is_fresh = true;
    }
    return fit_;
  }

 private:
  Vector residuals(const Vector& x) {
    Vector z = problem_.residuals(x);
    if (z.size() != problem_.weights.size()) throw InputError("a fit needs as many weights as residuals");
    ++fit_.n_evaluations;
    return z;
  }

  double loss(const Vector& x, const Vector& z) const {
    double sum = 0;
    for (std::size_t i = 0; i < z.size(); ++i) sum += problem_.weights[i] * std::log1p(z[i] * z[i]);
    for (std::size_t j = 0; j < n_; ++j) sum += problem_.prior_weight * (x[j] - problem_.prior[j]) * (x[j] - problem_.prior[j]);
    return sum;
  }

  /// Derivatives of all residuals by one number; towards the middle of its range, where there is room.
  Vector derivative(std::size_t j) {
    Vector moved = fit_.x;
    const double step = fit_.x[j] + problem_.difference <= problem_.high[j] ? problem_.difference : -problem_.difference;
    moved[j] += step;
    Vector slope = residuals(moved);
    for (std::size_t i = 0; i < slope.size(); ++i) slope[i] = (slope[i] - z_[i]) / step;
    return slope;
  }

  void differentiate() {
    slopes_.clear();
    for (std::size_t j = 0; j < n_; ++j) slopes_.push_back(derivative(j));
    damping_ = kFirstDamping;
  }

  /// Broyden's rule: the slopes change along the step, so that they tell what it did.
  void learn(const Vector& x, const Vector& z) {
    double squares = 0;
    Vector step(n_);
    for (std::size_t j = 0; j < n_; ++j) step[j] = x[j] - fit_.x[j], squares += step[j] * step[j];
    if (squares <= 0) return;
    for (std::size_t i = 0; i < z.size(); ++i) {
      double unforeseen = z[i] - z_[i];
      for (std::size_t j = 0; j < n_; ++j) unforeseen -= slopes_[j][i] * step[j];
      for (std::size_t j = 0; j < n_; ++j) slopes_[j][i] += unforeseen * step[j] / squares;
    }
  }

  /// Normal equations of the loss, reweighted: d ln(1 + z^2) / dz = 2 z / (1 + z^2).
  void take_equations() {
    a_.assign(n_, Vector(n_, 0)), b_.assign(n_, 0);
    for (std::size_t i = 0; i < z_.size(); ++i) {
      const double weight = problem_.weights[i] / (1 + z_[i] * z_[i]);
      for (std::size_t j = 0; j < n_; ++j) {
        b_[j] -= weight * slopes_[j][i] * z_[i];
        for (std::size_t k = 0; k <= j; ++k) a_[j][k] += weight * slopes_[j][i] * slopes_[k][i];
      }
    }
    for (std::size_t j = 0; j < n_; ++j) {
      a_[j][j] += problem_.prior_weight;
      b_[j] -= problem_.prior_weight * (fit_.x[j] - problem_.prior[j]);
      for (std::size_t k = 0; k < j; ++k) a_[k][j] = a_[j][k];
    }
  }

  bool is_pressed(std::size_t j) const {
    return (fit_.x[j] <= problem_.low[j] && b_[j] < 0) || (fit_.x[j] >= problem_.high[j] && b_[j] > 0);
  }

  Vector stepped() const {
    Matrix a = a_;
    Vector b = b_;
    double largest = 0;
    for (std::size_t j = 0; j < n_; ++j) largest = std::max(largest, a[j][j]);
    for (std::size_t j = 0; j < n_; ++j) {
      a[j][j] = a[j][j] * (1 + damping_) + kNothing * std::max(largest, kNothing);
      if (!is_pressed(j)) continue;
      for (std::size_t k = 0; k < n_; ++k) a[j][k] = a[k][j] = 0;
      a[j][j] = 1, b[j] = 0;
    }
    const Vector step = solved(std::move(a), std::move(b));
    Vector x = fit_.x;
    for (std::size_t j = 0; j < n_; ++j)
      x[j] = std::clamp(x[j] + std::clamp(step[j], -problem_.longest_step, problem_.longest_step), problem_.low[j], problem_.high[j]);
    return x;
  }

  /// One step that lowers the loss; false when none does.
  bool improve() {
    for (int tries = 0; tries < kMostTries; ++tries) {
      take_equations();
      const Vector x = stepped();
      const Vector z = residuals(x);
      const double tried = loss(x, z);
      learn(x, z);
      if (tried < fit_.loss) {
        fit_.x = x, fit_.loss = tried, z_ = z, damping_ *= kLess;
        return true;
      }
      damping_ *= kMore;
    }
    return false;
  }

  static constexpr double kNothing = 1e-9;  // so that a number without influence stays where it is

  const LeastSquares& problem_;
  std::size_t n_;
  LeastSquaresFit fit_;
  Vector z_, b_;
  Matrix a_, slopes_;  // slopes: by number, then residual
  double damping_ = kFirstDamping;
};

}  // namespace

LeastSquaresFit fit(const LeastSquares& problem) { return Search(problem).found(); }

}  // namespace waferwatt::core
