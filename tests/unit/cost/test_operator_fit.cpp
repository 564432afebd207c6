// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cost/operator_fit.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

#include "waferwatt/core/random.hpp"

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
      double time = truth.time({work, traffic}) * std::exp(random.normal(0, noise));
      if (random.uniform() < outliers) time *= 2;
      samples.push_back({{work, traffic}, time, at(m, n), static_cast<std::uint64_t>(n * 2)});
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
    samples.push_back({{traffic * 1e-3, traffic}, truth.time({traffic * 1e-3, traffic}), at(static_cast<float>(std::log2(traffic)), 0), 0});
  const auto fit = cost::fit_formula(samples, {8e-6, 0.5, 0.5, 3}, true);
  REQUIRE(fit.other);
  for (const double traffic : {1e-7, 1e-5, 1e-4, 5e-3})
    CHECK(fit.time({traffic * 1e-3, traffic}) == Approx(truth.time({traffic * 1e-3, traffic})).epsilon(0.03));
}

TEST_CASE("few sites are all held out once, whatever folds chance would give them") {
  for (const std::size_t n_sites : {2, 3, 5, 6}) {
    std::vector<cost::FitSample> samples;
    for (std::size_t site = 0; site < n_sites; ++site)
      for (int i = 0; i < 36 / static_cast<int>(n_sites); ++i) {
        const double traffic = 1e-7 * std::exp2(i) * static_cast<double>(site + 1);
        samples.push_back({{0, traffic}, kTruth.time({0, traffic}), at(static_cast<float>(i), static_cast<float>(site)), 1000 * site});
      }
    CHECK(cost::fit_operator(samples, {.prior = kPrior, .n_grid = 20}).held_out.size() == samples.size());
  }
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

TEST_CASE("serial time is added to the roof and found by the fit") {
  // 3 us + 20 * 0.5 us + max(2 us / 0.5, 4 us / 0.8): with a sharp exponent 3 + 10 + 5 = 18.
  const cost::FormulaCoefficients truth{3e-6, 0.5, 0.8, 40, 20};
  CHECK(truth.time({2e-6, 4e-6, 0.5e-6}) == Approx(18e-6));
  std::vector<cost::FitSample> samples;
  for (float blocks = 0; blocks < 16; blocks += 0.5f)
    for (float length = 0; length < 16; length += 0.5f) {
      const cost::Load load{0, 1e-9 * std::exp2(blocks + length), 1e-9 * std::exp2(blocks)};
      samples.push_back({load, truth.time(load), at(blocks, length), 0});
    }
  const auto f = cost::fit_formula(samples, {8e-6, 0.5, 0.6, 3, 5}, false).first;
  CHECK(f.serial_factor == Approx(20).epsilon(0.02));
  CHECK(f.memory_efficiency == Approx(0.8).epsilon(0.02));
}

TEST_CASE("a shape whose kernel is several times too slow is left out of the surface") {
  std::vector<cost::FitSample> samples;
  for (float m = 0; m < 12; ++m)
    for (float n = 0; n < 12; ++n) {
      const cost::Load load{1e-9 * std::exp2(m + n), 0};
      const bool is_slow = m == 5 && n == 7;
      samples.push_back({load, kTruth.time(load) * (is_slow ? 4 : 1), at(m, n), static_cast<std::uint64_t>(n)});
    }
  const auto result = cost::fit_operator(samples, {.prior = kPrior, .n_grid = 144});
  CHECK(result.grid.size() == 143);
  for (const double r : result.grid_residuals) CHECK(std::abs(r) < 0.1);
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
