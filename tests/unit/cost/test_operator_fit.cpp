// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cost/operator_fit.hpp"

#include <catch2/catch.hpp>

#include "waferwatt/core/random.hpp"
#include "waferwatt/cost/residual_surface.hpp"

using namespace waferwatt;

namespace {

cost::Coordinates at(float x, float y) { return {.x = {x, y}, .size = 2}; }

/// GEMM-like samples of a device with known coefficients, noise, and now and then a time that is double.
std::vector<cost::FitSample> device(const cost::FormulaCoefficients& truth, double noise, double outliers) {
  RandomStream random(7, "device");
  std::vector<cost::FitSample> samples;
  for (float m = 0; m < 14; m += 0.5f)
    for (float n = 8; n < 15; n += 0.5f) {
      const double rows = std::exp2(m), size = std::exp2(n);
      const double work = 2 * rows * size * size / 1e15, traffic = 2 * (2 * rows * size + size * size) / 4e12;
      double time = truth.time(work, traffic) * std::exp(random.normal(0, noise));
      if (random.uniform() < outliers) time *= 2;
      samples.push_back({work, traffic, time, at(m, n), static_cast<std::uint64_t>(n * 2)});
    }
  return samples;
}

constexpr cost::FormulaCoefficients kTruth{4e-6, 0.7, 0.8, 2.5}, kPrior{3e-6, 0.5, 0.6, 1.5};

}  // namespace

TEST_CASE("the fit finds the coefficients of a synthetic device in spite of noise and outliers") {
  const auto samples = device(kTruth, 0.02, 0.01);
  const auto f = cost::fit_formula(samples, kPrior, false).first;
  CHECK(f.launch_s == Approx(kTruth.launch_s).epsilon(0.10));
  CHECK(f.compute_efficiency == Approx(0.7).epsilon(0.03));
  CHECK(f.memory_efficiency == Approx(0.8).epsilon(0.03));
}

TEST_CASE("two branches find the short and the long kernel") {
  const cost::Formula truth{{5e-6, 0.5, 0.3, 20}, cost::FormulaCoefficients{25e-6, 0.5, 0.9, 20}};
  std::vector<cost::FitSample> samples;
  for (double traffic = 1e-8; traffic < 1e-2; traffic *= 1.1)
    samples.push_back({traffic * 1e-3, traffic, truth.time(traffic * 1e-3, traffic), at(static_cast<float>(std::log2(traffic)), 0), 0});
  const auto fit = cost::fit_formula(samples, {8e-6, 0.5, 0.5, 3}, true);
  REQUIRE(fit.other);
  for (const double traffic : {1e-7, 1e-5, 1e-4, 5e-3})
    CHECK(fit.time(traffic * 1e-3, traffic) == Approx(truth.time(traffic * 1e-3, traffic)).epsilon(0.03));
}

TEST_CASE("cross-validation reports the error that the fit has on the device") {
  // 3 % noise has a median of 0.6745 * 3 = 2.0 %, and the noise of the neighbours comes on top.
  const auto result = cost::fit_operator(device(kTruth, 0.03, 0), {.prior = kPrior, .n_grid = 150});
  std::vector<double> errors;
  for (const auto& h : result.held_out) errors.push_back(h.predicted_s / h.measured_s - 1);
  const auto e = cost::error_summary("", errors);
  CHECK(e.n == 28 * 14);
  CHECK(e.median > 0.018);
  CHECK(e.median < 0.032);
  CHECK(std::abs(e.bias) < 0.01);
  CHECK_FALSE(result.extrapolated.empty());
  CHECK(result.grid.size() <= 150);
  CHECK(result.grid.size() == result.grid_residuals.size());
}

TEST_CASE("representative points cover the space and leave an outlier aside") {
  std::vector<cost::FitSample> samples;
  std::vector<double> residuals;
  for (float x = 0; x < 16; ++x)
    for (int copy = 0; copy < 5; ++copy) {
      samples.push_back({.at = at(x, 0.01f * static_cast<float>(copy))});
      residuals.push_back(copy == 2 ? 3.0 : 0.1);
    }
  const auto points = cost::representative_points(samples, residuals, 16);
  CHECK(points.size() == 16);
  for (const auto i : points) CHECK(residuals[i] == 0.1);
}

TEST_CASE("a measured point gives its residual back, known site or not") {
  cost::ResidualSurface surface(2);
  for (float x = 0; x < 8; ++x)
    for (float y = 0; y < 8; ++y) surface.add(at(x, y), 0.01 * static_cast<double>(x) + 0.1 * static_cast<double>(y));
  for (int again = 0; again < 3; ++again) {
    CHECK(surface.at(at(3, 4)).residual == Approx(0.43));
    CHECK(surface.at(at(3, 4)).distance == 0);
  }
  // The second way, through the site's list, finds the same neighbours.
  const double first = surface.at(at(2.3f, 5.6f)).residual;
  surface.at(at(2.9f, 5.6f));
  CHECK(surface.at(at(2.3f, 5.6f)).residual == first);
}

TEST_CASE("residuals are held for two octaves and gone at four") {
  cost::ResidualSurface surface(1);
  surface.add({.x = {10}, .size = 1}, 0.5);
  CHECK(surface.at({.x = {11.9f}, .size = 1}).residual == Approx(0.5));
  CHECK(surface.at({.x = {13}, .size = 1}).residual == Approx(0.25));
  CHECK(surface.at({.x = {15}, .size = 1}).residual == 0);
  CHECK(cost::ResidualSurface(1).at({.x = {1}, .size = 1}).residual == 0);
}

TEST_CASE("error summaries hold median, mean, 90th percentile and bias") {
  const auto e = cost::error_summary("memory", {-0.1, 0.2, -0.3, 0.4, -0.5, 0.6, -0.7, 0.8, -0.9, 1.0});
  CHECK(e.regime == "memory");
  CHECK(e.n == 10);
  CHECK(e.mean == Approx(0.55));
  CHECK(e.bias == Approx(0.05));
  CHECK(e.median == Approx(0.6));
  CHECK(e.p90 == Approx(1.0));
  CHECK(cost::error_summary("", {}).n == 0);
}
