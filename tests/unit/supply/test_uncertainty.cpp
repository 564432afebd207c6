// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>

#include "waferwatt/supply/uncertainty.hpp"

using namespace waferwatt;
using namespace waferwatt::supply;

namespace {

const catalog::Catalog& shipped() {
  static const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  return catalog;
}

const Date kKnown = Date::from_civil(2024, 12, 31);

catalog::Catalog h100_shelves() { return supply_shelves(shipped(), {&shipped().accelerators.at("nvidia-h100-sxm")}); }

}  // namespace

TEST_CASE("a value moves to its low and high at the 10 and 90 percent deviates") {
  CHECK(moved(10, 5, 40, 0, 1e9) == Approx(10));
  CHECK(moved(10, 5, 40, -kDeviate90, 1e9) == Approx(5));
  CHECK(moved(10, 5, 40, kDeviate90, 1e9) == Approx(40));
  CHECK(moved(10, 5, 40, 2 * kDeviate90, 1e9) == Approx(160));  // twice as far in the logarithm
  CHECK(moved(0.9, 0.8, 0.99, 3 * kDeviate90, 1) == 1);
  CHECK(moved(0, 0, 4, kDeviate90, 1e9) == Approx(4));          // straight where a logarithm has no place
  CHECK(moved(1, 0, 4, -2 * kDeviate90, 1e9) == 0);
}

TEST_CASE("without deviations the shelves are the catalog's") {
  auto shelves = h100_shelves();
  draw(shelves, kKnown, 0.3, [](const std::string&) { return 0.0; });
  const Date date = Date::from_civil(2025, 6, 1);
  CHECK(catalog::known_at(shelves.packaging_families.at("tsmc-cowos").capacity, kKnown).at(date).base() ==
        Approx(catalog::known_at(shipped().packaging_families.at("tsmc-cowos").capacity, kKnown).at(date).base()));
  CHECK(shelves.packaging.at("tsmc-cowos-s").test_yield.value == shipped().packaging.at("tsmc-cowos-s").test_yield.value);
  CHECK_FALSE(shelves.memories.find("hbm4"));
}

TEST_CASE("a forecast's error grows with the root of the time ahead") {
  auto shelves = h100_shelves();
  draw(shelves, kKnown, 0.3, [](const std::string& input) { return input == "tsmc-cowos forecast" ? 1.0 : 0.0; });
  const auto& drawn = catalog::known_at(shelves.packaging_families.at("tsmc-cowos").capacity, kKnown);
  const auto& plan = catalog::known_at(shipped().packaging_families.at("tsmc-cowos").capacity, kKnown);
  CHECK(drawn.at(kKnown).base() == Approx(plan.at(kKnown).base()));
  const Date end = Date::from_civil(2026, 1, 1);
  CHECK(drawn.at(end) / plan.at(end) == Approx(std::exp(0.3)).epsilon(0.01));
}

TEST_CASE("drawn shares of a line never come to more than the line") {
  auto shelves = h100_shelves();
  draw(shelves, kKnown, 0, [](const std::string&) { return 3.0; });
  for (int year = 2022; year < 2027; ++year) {
    double sum = 0;
    for (const auto& share : shelves.packaging_families.at("tsmc-cowos").customer_shares)
      sum += catalog::known_at(share.vintages, kKnown).at(Date::from_civil(year, 7, 1));
    CHECK(sum <= 1 + 1e-9);
  }
}

TEST_CASE("the inputs that can be moved are named, each once") {
  const auto inputs = uncertain_inputs(h100_shelves(), kKnown);
  const std::set<std::string> names(inputs.begin(), inputs.end());
  CHECK(names.size() == inputs.size());
  for (const char* name : {"tsmc-cowos capacity", "tsmc-cowos forecast", "tsmc-cowos share of nvidia", "tsmc-cowos-s assembly yield", "hbm3 bond yield", "tsmc-n4 defect density",
                           "sk-hynix-hbm hbm3 qualified by nvidia"})
    CHECK(names.contains(name));
}
