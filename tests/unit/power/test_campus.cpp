// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>

#include "waferwatt/catalog/die_yield.hpp"
#include "waferwatt/power/carbon.hpp"
#include "waferwatt/power/climate.hpp"
#include "waferwatt/power/levels.hpp"
#include "waferwatt/power/time_to_power.hpp"

using namespace waferwatt;
using namespace waferwatt::power;

namespace {
const catalog::Catalog& models() {
  static const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  return catalog;
}
const catalog::EnergyShelves& energy() {
  static const auto shelves = catalog::EnergyShelves::load(WAFERWATT_SOURCE_DIR "/models");
  return shelves;
}
}  // namespace

TEST_CASE("three powers of an H100 by hand") {
  const auto& a = models().accelerators.at("nvidia-h100-sxm");
  const auto p = facility_power(a, models().system_of(a.id));
  CHECK(p.nameplate.in(watt) == Approx(1472 * 1.27));
  CHECK(p.peak / p.nameplate == Approx(8.4 / 10.2));
  CHECK(p.mean < p.peak);
}

TEST_CASE("first power is what takes longest after the permits") {
  const auto& b = energy().campus_builds.at("greenfield");
  const auto& grid = models().grids.at("us-pjm");
  const Date cleared = Date::from_civil(2025, 1, 1);
  const auto wait = phase_times(b, energy().power_sources.at("grid-connection"), grid, cleared, nullptr);
  CHECK(wait.first_power() == wait.permits + *grid.connection_time);
  CHECK(std::string{wait.longest()} == "source");
  const auto gas = phase_times(b, energy().power_sources.at("gas-rented-turbines"), grid, cleared, nullptr);
  CHECK(gas.first_power() == gas.permits + gas.building);
}

TEST_CASE("draws have the quantiles of the range") {
  RandomStream stream(3, "x");
  std::vector<double> values;
  for (int i = 0; i < 20001; ++i) values.push_back(drawn(36, 30, 51, stream.normal(0, 1)));
  std::ranges::sort(values);
  CHECK(values[2000] == Approx(30).epsilon(0.01));
  CHECK(values[10000] == Approx(36).epsilon(0.01));
  CHECK(values[18000] == Approx(51).epsilon(0.015));
}

TEST_CASE("energisation rises in steps to the whole") {
  const auto steps = energisation_steps(Date::from_days(0), 250 * mega * watt, 100 * mega * watt, 30 * day);
  REQUIRE(steps.size() == 3);
  CHECK(steps[1] == std::pair{Date::from_days(30), 200 * mega * watt});
  CHECK(steps[2].second == 250 * mega * watt);
}

TEST_CASE("embodied carbon of an H100 die in Taiwan: ACT gives 23 to 34 kg") {
  const auto carbon = embodied_carbon(models().accelerators.at("nvidia-h100-sxm"), models(), 0.642 * kg_co2e / (kilo * watt_hour), Date::from_civil(2023, 1, 1));
  REQUIRE(carbon);
  CHECK(carbon->logic.in(kg_co2e) > 20);
  CHECK(carbon->logic.in(kg_co2e) < 45);
  CHECK(carbon->total() == carbon->logic + carbon->memory + carbon->packaging);
}

TEST_CASE("embodied carbon of a die by hand, by the yield model of its node") {
  // 814 mm2 on N4, three years on: defects 0.055 + (0.085 - 0.055) / 2^(36 / 15) per cm2.
  const auto& a = models().accelerators.at("nvidia-h100-sxm");
  catalog::Catalog own = models();
  auto node = own.nodes.at(*a.node);
  const auto logic = [&] {
    own.nodes.add(node);
    return embodied_carbon(a, own, 0.5 * kg_co2e / (kilo * watt_hour), Date::from_civil(2025, 4, 1))->logic.in(kg_co2e);
  };
  const double defects = 8.14 * (0.055 + 0.03 * std::exp2(-36.0 / 15));
  const double per_cm2 = 0.5 * 2.75 + 0.43 + 0.5;  // energy, gases, materials
  CHECK(logic() == Approx(8.14 * per_cm2 * std::pow(1 + defects / 3, 3)).epsilon(2e-3));
  node.die_yield = catalog::DieYield{.model = catalog::YieldModel::poisson};
  CHECK(logic() == Approx(8.14 * per_cm2 * std::exp(defects)).epsilon(2e-3));
}

TEST_CASE("contracted energy counts at its own intensity as far as it is used") {
  const auto grid = 0.4 * kg_co2e / (kilo * watt_hour), clean = 0.01 * kg_co2e / (kilo * watt_hour);
  CHECK(market_based(100 * kilo * watt_hour, grid, {60 * kilo * watt_hour, clean}).in(kg_co2e) == Approx(0.6 + 16));
  CHECK(market_based(100 * kilo * watt_hour, grid, {600 * kilo * watt_hour, clean}).in(kg_co2e) == Approx(1));
}

TEST_CASE("hours of a grid keep its means and change with the seed only") {
  const auto& grid = models().grids.at("us-ercot");
  const auto* climate = energy().climates.find(grid.id);
  const HourIndex first = hour_of(Date::from_civil(2024, 1, 1));
  const auto smooth = surroundings(grid, climate, first, 8784, {}), a = surroundings(grid, climate, first, 8784, RandomStream(1, "grid")), b = surroundings(grid, climate, first, 8784, RandomStream(1, "grid"));
  CHECK(smooth.carbon_intensity.mean() / grid.carbon_intensity->at(Date::from_civil(2024, 7, 1)) == Approx(1).epsilon(0.03));
  CHECK(smooth.price.mean() / grid.price->at(Date::from_civil(2024, 7, 1)) == Approx(1).epsilon(0.15));
  CHECK(a.carbon_intensity.values() == b.carbon_intensity.values());
  double hottest = 0;
  for (const auto& w : a.weather.values()) {
    hottest = std::max(hottest, w.dry_bulb_c);
    CHECK(w.wet_bulb_c <= w.dry_bulb_c);
  }
  CHECK(hottest > 36);
  CHECK(hottest < 48);
}
