// SPDX-License-Identifier: Apache-2.0
#include "calibration/reference.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "waferwatt/core/random.hpp"

using namespace waferwatt::calibration;

namespace {

Values random_values(std::size_t n, const char* name) {
  waferwatt::core::RandomStream random(1, name);
  Values out(n);
  for (double& value : out) value = random.normal(0, 1);
  return out;
}

double dot(const Values& a, const Values& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

TEST_CASE("a product of rows") {
  // x = [1 2], w = [[3 4], [5 6]]: y = [11, 17].
  CHECK(matrix_product({1, 2}, {3, 4, 5, 6}, 1, 2, 2) == Values{11, 17});
}

TEST_CASE("the first query of causal attention sees the first key alone") {
  const AttentionSizes sizes{1, 2, 1, 3, 3, 4, 2, true};
  const Values q = random_values(2 * 3 * 4, "q"), k = random_values(3 * 4, "k"), v = random_values(3 * 2, "v");
  const Values o = attention(q, k, v, sizes);
  for (const std::size_t head : {0, 1})
    for (const std::size_t d : {0, 1}) CHECK(o[head * 6 + d] == Approx(v[d]));
}

TEST_CASE("attention over equal keys averages the values") {
  const AttentionSizes sizes{1, 1, 1, 1, 4, 2, 1, false};
  CHECK(attention({1, 1}, {0, 0, 0, 0, 0, 0, 0, 0}, {1, 2, 3, 6}, sizes)[0] == Approx(3));
}

TEST_CASE("gradients of attention agree with finite differences") {
  const AttentionSizes sizes{1, 2, 1, 5, 5, 4, 3, true};
  Values q = random_values(2 * 5 * 4, "q"), k = random_values(5 * 4, "k"), v = random_values(5 * 3, "v");
  const Values d_out = random_values(2 * 5 * 3, "do");
  const auto gradients = attention_gradients(q, k, v, d_out, sizes);
  const auto slope = [&](Values& x, std::size_t i) {
    constexpr double kStep = 1e-6;
    const double centre = x[i];
    x[i] = centre + kStep;
    const double above = dot(d_out, attention(q, k, v, sizes));
    x[i] = centre - kStep;
    const double below = dot(d_out, attention(q, k, v, sizes));
    x[i] = centre;
    return (above - below) / (2 * kStep);
  };
  for (const std::size_t i : {0, 7, 19}) {
    CHECK(gradients.dq[i] == Approx(slope(q, i)).margin(1e-7));
    CHECK(gradients.dk[i] == Approx(slope(k, i)).margin(1e-7));
  }
  for (const std::size_t i : {0, 5, 14}) CHECK(gradients.dv[i] == Approx(slope(v, i)).margin(1e-7));
}

TEST_CASE("softmax rows add up to one and RMS rows have unit mean square") {
  const Values x = random_values(3 * 8, "x");
  const Values p = softmax(x, 3, 8), y = rms_norm(x, Values(8, 1.0), 3, 8);
  for (std::size_t r = 0; r < 3; ++r) {
    double sum = 0, squares = 0;
    for (std::size_t c = 0; c < 8; ++c) sum += p[r * 8 + c], squares += y[r * 8 + c] * y[r * 8 + c];
    CHECK(sum == Approx(1));
    CHECK(squares / 8 == Approx(1).epsilon(1e-3));
  }
}

TEST_CASE("argmax takes the first of equals") {
  CHECK(argmax({1, 3, 3, 0, -1, -2, -3, -1}, 2, 4) == std::vector<std::int32_t>{1, 0});
}

TEST_CASE("an error is relative to the reference, and infinite for what was not written") {
  CHECK(relative_error({3, 4}, {3, 4}) == 0);
  CHECK(relative_error({3, 5}, {3, 4}) == Approx(0.2));
  CHECK(std::isinf(relative_error({3, std::nan("")}, {3, 4})));
  CHECK(std::isinf(relative_error({3}, {3, 4})));
}
