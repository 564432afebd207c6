// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>

#include "chain_fixture.hpp"

using namespace waferwatt;
using namespace waferwatt::supply;

namespace {

const catalog::Catalog& shipped() {
  static const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  return catalog;
}

Product make(const catalog::Accelerator& accelerator, double harvest_fraction = 0.5) {
  return make_product(accelerator, shipped(), accelerator.vendor, Ramp<double>::constant(1), harvest_fraction);
}

std::string refusal(const catalog::Accelerator& accelerator) {
  try {
    make(accelerator);
    return "";
  } catch (const InputError& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("a product gathers its figures from the catalog") {
  const auto& h100 = shipped().accelerators.at("nvidia-h100-sxm");
  const Product product = make(h100);
  CHECK(product.accelerator == "nvidia-h100-sxm");
  CHECK(product.vendor == "nvidia");
  CHECK(product.packaging == *h100.packaging);
  CHECK(product.family == shipped().packaging.at(*h100.packaging).family);
  CHECK(product.memory == *h100.memory);
  CHECK(product.stacks_per_package == static_cast<double>(h100.n_memory_stacks->value));
  CHECK(product.dies_per_wafer == 67);
  CHECK(product.packages_per_wafer == h100.packages_per_wafer->value.in(package / wafer));
  const auto& node = shipped().nodes.at(*h100.node);
  CHECK(product.node == node.capacity_of.value_or(node.id));
  CHECK(product.logic_cycle_time == node.cycle_time.value);
}

TEST_CASE("good dies of a wafer follow from area, defect density and harvest") {
  // 60 dies of 8.14 cm2 at 0.10 /cm2: y = (1 + 0.814/3)^-3 = 0.4870; with half of the rest 0.7435; 44.61 dies.
  Product product{.dies_per_wafer = 60, .die_area = 8.14 * square_centimetre, .harvest_fraction = 0.5};
  product.defect_density = Ramp<DefectDensity>::constant(0.10 / square_centimetre);
  CHECK(product.good_dies_per_wafer({}) == Approx(60 * 0.7435).epsilon(1e-3));
  product.assembly_yield = Ramp<double>::constant(0.9);
  product.test_yield = 0.8;
  CHECK(product.package_yield({}) == Approx(0.72));
}

TEST_CASE("an accelerator without 2.5D packaging draws on no packaging line") {
  const Product product = make(shipped().accelerators.at("nvidia-l40s"));
  CHECK(product.family.empty());
  CHECK(product.memory.empty());
  CHECK(product.package_yield(Date::from_civil(2024, 1, 1)) == 1);
}

TEST_CASE("a die of which only the area is known is taken as a square, and a wafer-scale part is one wafer") {
  auto accelerator = shipped().accelerators.at("nvidia-h100-sxm");
  accelerator.die_width.reset();
  accelerator.die_area->value = 2500 * square_millimetre;
  CHECK(make(accelerator).dies_per_wafer == 21);            // 50 mm x 50 mm
  accelerator.die_area->value = 46225 * square_millimetre;  // 215 mm x 215 mm
  CHECK(make(accelerator).dies_per_wafer == 1);
}

TEST_CASE("without a count of packages per wafer the interposer is laid out") {
  auto accelerator = shipped().accelerators.at("nvidia-h100-sxm");
  accelerator.packages_per_wafer.reset();
  accelerator.interposer_width = catalog::Fact<Length>{43 * millimetre};
  accelerator.interposer_height = catalog::Fact<Length>{41 * millimetre};
  const double n = make(accelerator).packages_per_wafer;
  CHECK(n >= 26);
  CHECK(n <= 30);
}

TEST_CASE("a wafer-scale part is made one a wafer and every amount of its chain is finite") {
  // Sold out, without a packaging line: what its node gives, one part a wafer.
  const Product product = make(shipped().accelerators.at("cerebras-wse-3"));
  CHECK(product.dies_per_wafer == 1);
  ChainSpec spec = make_chain_spec(shipped(), Date::from_civil(2026, 5, 31), {product});
  spec.start = Date::from_civil(2024, 1, 1);
  spec.end = Date::from_civil(2025, 1, 1);
  ChainRun run(std::move(spec));
  run.run();
  const auto& account = run.chain().accounts()[0];
  CHECK(std::isfinite(account.wafers_started));
  CHECK(account.wafers_started > 0);
  CHECK(std::isfinite(account.packages_started));
  CHECK(account.packages_started > 0);
  CHECK(account.packages_started <= account.wafers_started);
  for (const auto& week : run.chain().weeks()) REQUIRE(std::isfinite(week.slots + week.started + week.waiting));
  CHECK(run.worst_balance() < 1e-9);
}

TEST_CASE("an accelerator that lacks a figure is refused with its name") {
  auto accelerator = shipped().accelerators.at("nvidia-h100-sxm");
  SECTION("die area") {
    accelerator.die_area.reset();
    CHECK(refusal(accelerator) ==
          "error: accelerator nvidia-h100-sxm has a node but no die_area, so its wafers cannot be counted");
  }
  SECTION("interposer") {
    accelerator.packages_per_wafer.reset();
    accelerator.interposer_height.reset();
    CHECK(refusal(accelerator) == "error: accelerator nvidia-h100-sxm is packaged on " + *accelerator.packaging +
                                      " but has neither packages_per_wafer nor the interposer's size");
  }
  SECTION("stacks") {
    accelerator.n_memory_stacks.reset();
    CHECK(refusal(accelerator) == "error: accelerator nvidia-h100-sxm has HBM but no n_memory_stacks");
  }
  SECTION("unknown node") {
    accelerator.node = "tsmc-n55";
    CHECK(refusal(accelerator).find("error: unknown process_node \"tsmc-n55\"; did you mean \"tsmc-n5\"?") == 0);
  }
  SECTION("unknown packaging") {
    accelerator.packaging = "tsmc-cowos-x";
    CHECK(refusal(accelerator).find("error: unknown packaging \"tsmc-cowos-x\"; did you mean \"tsmc-cowos-") == 0);
  }
}

TEST_CASE("a chain has the lines its products use, as they were known at a date") {
  const Date late = Date::from_civil(2026, 5, 31), early = Date::from_civil(2023, 9, 30),
             at = Date::from_civil(2024, 7, 1);
  const auto& h100 = shipped().accelerators.at("nvidia-h100-sxm");
  const Product product = make(h100);
  const ChainSpec spec = make_chain_spec(shipped(), late, {product});
  REQUIRE(spec.packaging.size() == 1);
  CHECK(spec.packaging[0].family == product.family);
  REQUIRE(spec.logic.size() == 1);
  CHECK(spec.logic[0].node == product.node);
  REQUIRE(spec.memories.size() == 1);
  CHECK(spec.memories[0].memory == product.memory);
  CHECK(spec.memory_makers.size() == shipped().memory_makers.all().size());
  CHECK(spec.packaging[0].customer_shares.at("nvidia").at(at) > 0.3);

  // The catalog keeps what was known: the newest series that is not later than the date.
  const auto& vintages = shipped().packaging_families.at(product.family).capacity;
  REQUIRE(vintages.size() >= 2);
  const ChainSpec before = make_chain_spec(shipped(), early, {product});
  CHECK(before.packaging[0].capacity.at(at) == catalog::known_at(vintages, early).at(at));
  CHECK(before.packaging[0].capacity.at(at) != spec.packaging[0].capacity.at(at));

  const ChainSpec scaled = make_chain_spec(shipped(), late, {product}, {2, 3, 4});
  CHECK(scaled.packaging[0].capacity.at(at) / spec.packaging[0].capacity.at(at) == Approx(2));
  CHECK(scaled.memory_makers[0].capacity.at(at) / spec.memory_makers[0].capacity.at(at) == Approx(3));
  CHECK(scaled.logic[0].capacity.at(at) / spec.logic[0].capacity.at(at) == Approx(4));
}

TEST_CASE("good stacks of a wafer are its good dies over the layers times the yield of stacking") {
  const Date at = Date::from_civil(2024, 7, 1);
  const ChainSpec spec = make_chain_spec(shipped(), at, {make(shipped().accelerators.at("nvidia-h100-sxm"))});
  const auto& memory = shipped().memories.at(spec.memories[0].memory);
  const double side = std::sqrt(memory.die_area->in(square_millimetre));
  const double gross = 3.14159 * 147 * 147 / (side * side);  // more than fit
  const double stacks = spec.memories[0].stacks_per_wafer.at(at);
  const double yields = memory.die_yield->at(at) * std::pow(memory.bond_yield->at(at), static_cast<double>(memory.n_layers.value));
  CHECK(stacks < gross / static_cast<double>(memory.n_layers.value) * yields);
  CHECK(stacks > 0.8 * gross / static_cast<double>(memory.n_layers.value) * yields);
}

TEST_CASE("a stack of more layers costs more dies and more bonds") {
  // 12 layers against 8: of the same good dies two thirds as many stacks, times bond yield^4.
  auto catalog = shipped();
  const Date at = Date::from_civil(2025, 7, 1);
  auto memory = catalog.memories.at("hbm3e-8h");
  const auto stacks = [&](std::int64_t layers) {
    memory.n_layers.value = layers;
    catalog.memories.add(memory);
    return make_chain_spec(catalog, at, {make(catalog.accelerators.at("nvidia-b200"))}).memories[0].stacks_per_wafer.at(memory.bond_yield->points().back().first);
  };
  REQUIRE(*shipped().accelerators.at("nvidia-b200").memory == "hbm3e-8h");
  const double bond = memory.bond_yield->points().back().second;
  CHECK(stacks(12) / stacks(8) == Approx(8.0 / 12 * std::pow(bond, 4)));
}

TEST_CASE("the node's model of yield decides the good dies of a wafer") {
  // GH100 without harvest: 67 dies of 8.14 cm2 by Poisson exp(-A D), by default (1 + A D / 3)^-3.
  auto catalog = shipped();
  auto node = catalog.nodes.at("tsmc-n4");
  const Date at = Date::from_civil(2024, 1, 1);
  const auto& h100 = catalog.accelerators.at("nvidia-h100-sxm");
  REQUIRE(*h100.node == "tsmc-n4");
  const auto good = [&](std::optional<catalog::DieYield> model) {
    node.die_yield = model;
    catalog.nodes.add(node);
    return make_product(h100, catalog, "nvidia", Ramp<double>::constant(1), 0).good_dies_per_wafer(at);
  };
  const double defects = (h100.die_area->value * node.defects_at(at));
  CHECK(good({}) == Approx(67 * std::pow(1 + defects / 3, -3)).epsilon(1e-3));
  CHECK(good(catalog::DieYield{.model = catalog::YieldModel::poisson}) == Approx(67 * std::exp(-defects)).epsilon(1e-3));
}

TEST_CASE("a new process learns: its yield halves the gap to the mature one in each half time") {
  // From 0.65 in May 2024 towards 0.97: 0.97 - 0.32 / 2 after six months, 0.97 - 0.32 / 4 after twelve.
  const auto& b200 = shipped().accelerators.at("nvidia-b200");
  const auto& learning = *shipped().packaging.at("tsmc-cowos-l").learning;
  const Product product = make(b200);
  const double mature = shipped().packaging.at("tsmc-cowos-l").assembly_yield.value.at(learning.start.value);
  CHECK(product.assembly_yield.at(learning.start.value - 1 * year) == Approx(learning.initial.value));
  CHECK(product.assembly_yield.at(learning.start.value + learning.half_time.value) == Approx((learning.initial.value + mature) / 2));
  CHECK(product.assembly_yield.at(learning.start.value + 2 * learning.half_time.value) == Approx(0.25 * learning.initial.value + 0.75 * mature));
}
