// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/core/least_squares.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "waferwatt/core/diagnostic.hpp"

using namespace waferwatt;
using Catch::Detail::Approx;

namespace {

/// Times a + b n of n = 1 ... 40 with a = 3 and b = 0.5, as residuals of logarithms in units of a twentieth.
core::LeastSquares line(double wild_factor, int one_in) {
  core::LeastSquares problem;
  problem.weights.assign(40, 1.0 / 40);
  problem.prior = {0, 0}, problem.low = {-5, -5}, problem.high = {5, 5};
  problem.residuals = [=](std::span<const double> x) {
    std::vector<double> z;
    for (int n = 1; n <= 40; ++n) {
      const double measured = (3 + 0.5 * n) * (n % one_in == 0 ? wild_factor : 1);
      z.push_back(std::log((std::exp(x[0]) + std::exp(x[1]) * n) / measured) / 0.05);
    }
    return z;
  };
  problem.least_gain = 1e-9, problem.most_iterations = 60;
  return problem;
}

}  // namespace

TEST_CASE("Numbers that made up the measurements are found again") {
  const auto fit = core::fit(line(1, 41));
  CHECK(std::exp(fit.x[0]) == Approx(3).epsilon(1e-3));
  CHECK(std::exp(fit.x[1]) == Approx(0.5).epsilon(1e-3));
  CHECK(fit.loss < 1e-4 * fit.first_loss);
}

TEST_CASE("Wild measurements hardly move a fit") {
  // One in four is six times too large: least squares of logarithms alone would end exp(ln 6 / 4) = 1.57 times too high.
  const auto fit = core::fit(line(6, 4));
  CHECK(std::exp(fit.x[0]) + 20 * std::exp(fit.x[1]) == Approx(13).epsilon(0.02));
}

TEST_CASE("A number stays within its bounds while others make up for it") {
  auto problem = line(1, 41);
  problem.high[1] = std::log(0.4);
  const auto fit = core::fit(problem);
  CHECK(fit.x[1] == problem.high[1]);
  CHECK(std::exp(fit.x[0]) > 3.5);
  CHECK(fit.loss < 0.5 * fit.first_loss);
}

TEST_CASE("A number that nothing depends on stays at its prior, and a heavy prior holds all") {
  auto problem = line(1, 41);
  problem.prior.push_back(1.25), problem.low.push_back(0), problem.high.push_back(2);
  CHECK(core::fit(problem).x[2] == Approx(1.25));
  problem.prior_weight = 1e6;
  const auto fit = core::fit(problem);
  CHECK(fit.x[0] == Approx(0).margin(1e-3));
  CHECK(fit.x[1] == Approx(0).margin(1e-3));
}

TEST_CASE("The same problem gives the same fit, bit by bit") {
  CHECK(core::fit(line(6, 4)).x == core::fit(line(6, 4)).x);
}

TEST_CASE("A search ends in the hollow it begins in") {
  core::LeastSquares problem;  // (x^2 - 1)^2 has one at 1 and one at -1
  problem.weights = {1}, problem.prior = {0.5}, problem.low = {-5}, problem.high = {5};
  problem.residuals = [](std::span<const double> x) { return std::vector{x[0] * x[0] - 1}; };
  CHECK(core::fit(problem).x[0] == Approx(1).epsilon(0.02));
  problem.start = {-0.5};
  CHECK(core::fit(problem).x[0] == Approx(-1).epsilon(0.02));
}

TEST_CASE("Sizes that do not agree are errors") {
  auto problem = line(1, 41);
  problem.low.pop_back();
  CHECK_THROWS_WITH(core::fit(problem), Catch::Contains("as many bounds as numbers"));
  problem = line(1, 41);
  problem.weights.pop_back();
  CHECK_THROWS_WITH(core::fit(problem), Catch::Contains("as many weights as residuals"));
  problem = line(1, 41);
  problem.start = {0};
  CHECK_THROWS_WITH(core::fit(problem), Catch::Contains("as many numbers to start with"));
}
