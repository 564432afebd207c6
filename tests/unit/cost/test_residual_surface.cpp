// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cost/residual_surface.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

#include "waferwatt/core/random.hpp"

using namespace waferwatt;
using cost::Coordinates;
using cost::ResidualSurface;
using Points = std::vector<ResidualSurface::Point>;

namespace {

Coordinates at(float x, float y) { return {.x = {x, y}, .size = 2}; }

/// Of half of the coordinates whole values only, like dimensions that few models choose from.
Coordinates somewhere(RandomStream& random, std::size_t n_coordinates, double from = 0, double to = 10) {
  Coordinates c{.size = n_coordinates};
  for (std::size_t j = 0; j < c.size; ++j) {
    const double x = random.uniform(from, to);
    c.x[j] = static_cast<float>(j % 2 == 0 ? x : std::floor(x / 2));
  }
  return c;
}

Points random_points(RandomStream& random, int n, std::size_t n_coordinates) {
  Points points;
  for (int i = 0; i < n; ++i) points.push_back({somewhere(random, n_coordinates), random.normal(0, 0.3)});
  return points;
}

}  // namespace

TEST_CASE("a measured point gives its residual back") {
  Points points;
  for (float x = 0; x < 8; ++x)
    for (float y = 0; y < 8; ++y) points.push_back({at(x, y), 0.01 * static_cast<double>(x) + 0.1 * static_cast<double>(y)});
  const ResidualSurface surface(points);
  CHECK(surface.at(at(3, 4)).residual == Approx(0.43));
  CHECK(surface.at(at(3, 4)).distance == 0);
}

TEST_CASE("the tree finds nearly the neighbours that a walk through all points finds") {
  RandomStream random(3, "points");
  Points points;
  const auto somewhere = [&] {
    Coordinates c{.size = 5};
    for (std::size_t j = 0; j < c.size; ++j) c.x[j] = static_cast<float>(j < 2 ? random.uniform(0, 10) : std::floor(random.uniform(0, 4)));
    return c;
  };
  for (int i = 0; i < 500; ++i) points.push_back({somewhere(), random.normal(0, 0.3)});
  const ResidualSurface surface(points);
  double difference = 0;
  int n_nearest = 0;
  for (int i = 0; i < 200; ++i) {
    const auto x = somewhere();
    std::vector<std::pair<double, double>> all;  // squared distance, residual
    for (const auto& p : points) {
      double d = 0;
      for (std::size_t j = 0; j < x.size; ++j) d += (p.at.x[j] - x.x[j]) * (p.at.x[j] - x.x[j]);
      all.emplace_back(d, p.residual);
    }
    std::ranges::sort(all);
    double weights = 0, sum = 0;
    for (std::size_t k = 0; k < 6; ++k) weights += 1 / (all[k].first + 1e-3), sum += all[k].second / (all[k].first + 1e-3);
    // The lists of 32 hold most of the six nearest of 500 in five dimensions.
    difference += std::abs(surface.at(x).residual - sum / weights) / 200;
    CHECK(surface.at(x).distance >= Approx(std::sqrt(all[0].first)).margin(1e-5));
    n_nearest += surface.at(x).distance == Approx(std::sqrt(all[0].first)).margin(1e-4) ? 1 : 0;
  }
  CHECK(difference < 0.05);
  CHECK(n_nearest > 140);
  for (const auto& p : points) CHECK(surface.at(p.at).residual == Approx(p.residual).margin(1e-6));
}

TEST_CASE("residuals are held for two octaves and gone at four") {
  const Points one{{{.x = {10}, .size = 1}, 0.5}};
  const ResidualSurface surface(one);
  CHECK(surface.at({.x = {11.9f}, .size = 1}).residual == Approx(0.5));
  CHECK(surface.at({.x = {13}, .size = 1}).residual == Approx(0.25));
  CHECK(surface.at({.x = {15}, .size = 1}).residual == 0);
  CHECK(ResidualSurface().at({.x = {1}, .size = 1}).residual == 0);
}

TEST_CASE("a surface whose points fit into one list weighs the six nearest of all") {
  RandomStream random(5, "few");
  for (const int n : {1, 2, 5, 6, 7, 31, 32}) {
    const auto points = random_points(random, n, 4);
    const ResidualSurface surface(points);
    for (int i = 0; i < 50; ++i) {
      const auto x = somewhere(random, 4);
      std::vector<std::pair<double, double>> all;  // squared distance, residual
      for (const auto& p : points) {
        double d = 0;
        for (std::size_t j = 0; j < x.size; ++j) d += std::pow(p.at.x[j] - x.x[j], 2);
        all.emplace_back(d, p.residual);
      }
      std::ranges::sort(all);
      double weights = 0, sum = 0;
      for (std::size_t k = 0; k < std::min<std::size_t>(6, all.size()); ++k) {
        const double weight = 1 / (all[k].first + 1e-3);
        weights += weight, sum += weight * all[k].second;
      }
      const double nearest = std::sqrt(all[0].first), kept = std::clamp((4 - nearest) / 2, 0.0, 1.0);
      const auto sample = surface.at(x);
      CHECK(sample.distance == Approx(nearest).margin(1e-5));
      CHECK(sample.residual == Approx(kept * sum / weights).margin(1e-5));
    }
  }
}

TEST_CASE("surfaces searched side by side say what each says alone") {
  RandomStream random(11, "side by side");
  for (const std::size_t n_coordinates : {1u, 4u, 7u, 9u}) {
    std::vector<ResidualSurface> surfaces;
    Points first;
    for (const int n : {700, 3, 90, 2000}) {
      const auto points = random_points(random, n, n_coordinates);
      if (first.empty()) first = points;
      surfaces.emplace_back(points);
    }
    std::vector<const ResidualSurface*> some;
    for (const auto& surface : surfaces) {
      some.push_back(&surface);
      for (int i = 0; i < 300; ++i) {
        // Far from all points, too, and where one of the surfaces has a point.
        const auto x = i % 3 == 0 ? first[static_cast<std::size_t>(i)].at : somewhere(random, n_coordinates, -6, 16);
        double sum = 0, nearest = INFINITY;
        for (const auto* one : some) {
          const auto sample = one->at(x);
          sum += sample.residual, nearest = std::min(nearest, sample.distance);
        }
        const auto together = ResidualSurface::sum(some, x);
        CHECK(together.residual == sum);
        CHECK(together.distance == nearest);
      }
    }
  }
}
