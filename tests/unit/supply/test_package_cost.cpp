// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/supply/package_cost.hpp"

#include <catch2/catch.hpp>

using namespace waferwatt;
using namespace waferwatt::supply;

namespace {

const catalog::Catalog& shipped() {
  static const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  return catalog;
}

PackageCost cost_of(const std::string& id, Date date) {
  const auto& accelerator = shipped().accelerators.at(id);
  return package_cost(make_product(accelerator, shipped(), accelerator.vendor, Ramp<double>::constant(1), 0.5), accelerator, shipped(), date);
}

}  // namespace

TEST_CASE("a package's cost is its parts over the packages that come out good") {
  const auto& h100 = shipped().accelerators.at("nvidia-h100-sxm");
  const Product product = make_product(h100, shipped(), "nvidia", Ramp<double>::constant(1), 0.5);
  const Date date = Date::from_civil(2023, 7, 1);
  const auto cost = package_cost(product, h100, shipped(), date);
  CHECK(cost.logic.in(usd) == Approx(shipped().nodes.at(*h100.node).wafer_price.value.in(usd / wafer) / product.good_dies_per_wafer(date)));
  CHECK(cost.memory.in(usd) == Approx(5 * 16 * 17.2).epsilon(0.01));
  CHECK(cost.interposer.in(usd) == Approx(shipped().packaging.at("tsmc-cowos-s").wafer_price.value.in(usd / wafer) / 29));
  const double y = product.assembly_yield.at(date), t = product.test_yield;
  CHECK(cost.total().in(usd) == Approx((cost.logic + cost.memory + cost.interposer + cost.assembly + y * cost.test).in(usd) / (y * t)));
  CHECK(cost.scrap.in(usd) > 0);
}

TEST_CASE("built-up costs are near those that analysts quote") {
  // 3,320 USD for an H100 (2023) and 6,400 USD for a B200 (5,700 to 7,300).
  CHECK(cost_of("nvidia-h100-sxm", Date::from_civil(2023, 7, 1)).total().in(usd) == Approx(3320).epsilon(0.15));
  CHECK(cost_of("nvidia-b200", Date::from_civil(2025, 1, 1)).total().in(usd) == Approx(6400).epsilon(0.15));
}

TEST_CASE("a part without packaging costs its logic") {
  const auto cost = cost_of("cerebras-wse-3", Date::from_civil(2024, 7, 1));
  CHECK(cost.memory == Money{});
  CHECK(cost.total() == cost.logic);
}
