// SPDX-License-Identifier: Apache-2.0
// World: six years, 30 products, 40 buyers and 100 sites in weeks, capabilities given; over the floor of the chain alone.
// Usage: bench_world [buyers, default 40] [products, default 30]
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "waferwatt/engine/bare_loop.hpp"
#include "waferwatt/world/views.hpp"

namespace {

using namespace waferwatt;

constexpr std::size_t kSites = 100, kTiers = 3;

double user_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// The chain of the catalog's accelerators, some of them more than once.
std::vector<supply::Product> products(const catalog::Catalog& catalog, std::size_t n) {
  std::vector<supply::Product> made;
  while (made.size() < n) {
    const std::size_t before = made.size();
    for (const auto& [id, accelerator] : catalog.accelerators.all()) {
      if (made.size() == n) break;
      if (!accelerator.packaging || !accelerator.memory || !accelerator.node || !accelerator.price) continue;
      made.push_back(supply::make_product(accelerator, catalog, accelerator.vendor, Ramp<double>::constant(1), 0.5));
    }
    if (made.size() == before) break;
  }
  return made;
}

world::WorldSpec spec_of(const catalog::Catalog& catalog, std::size_t n_buyers, std::size_t n_products) {
  world::WorldSpec spec;
  spec.start = Date::from_civil(2023, 1, 1);
  spec.end = Date::from_civil(2029, 1, 1);
  spec.chain = supply::make_chain_spec(catalog, Date::from_civil(2026, 5, 31), products(catalog, n_products), {1, 1, 1}, catalog.parts.ids());
  spec.chain.start = spec.start - 1 * year;
  spec.chain.end = spec.end;
  std::map<std::string, double> vendors;
  for (const auto& product : spec.chain.products) vendors[product.vendor] = 1;
  for (auto& [vendor, share] : vendors) share = 1.0 / static_cast<double>(vendors.size());
  for (const auto& product : spec.chain.products) {
    const auto& accelerator = catalog.accelerators.at(product.accelerator);
    spec.offers.push_back({product.accelerator, product.vendor, accelerator.price->value, product.mix, {}, {}});
    spec.traits.push_back({.h100_equivalents = accelerator.h100_equivalents(),
                           .load = {1.8 * accelerator.tdp.value, 0.7},
                           .server_cost_factor = 1.6,
                           .token_rates = std::vector<TokenRate>(kTiers, 1000 * token / second),
                           .training = 0.35 * accelerator.peak_bf16.value,
                           .chip = policy::chip_of(accelerator, catalog)});
  }
  std::vector<catalog::Policy> policies;
  const auto shelf = catalog::load_policies(catalog.folder);
  for (const auto& [id, policy] : shelf.all())
    if (id.starts_with("us-") || id.starts_with("china-")) policies.push_back(policy);
  spec.rules = policy::Rulebook(policies);
  for (std::size_t b = 0; b < n_buyers; ++b) {
    spec.buyers.push_back({fmt::format("buyer {}", b), Ramp<MoneyRate>({{spec.start, 0.5 * giga * usd / year}, {spec.end, 10 * giga * usd / year}}), vendors});
    // Its sites come on one after the other.
    std::vector<Ramp<Power>::Point> points;
    Power on;
    for (std::size_t site = b; site < kSites; site += n_buyers) {
      points.emplace_back(spec.start + static_cast<double>(site + 1) * 20 * day, on);
      on += 0.5 * giga * watt;
      points.emplace_back(spec.start + static_cast<double>(site + 1) * 20 * day + 90 * day, on);
    }
    std::ranges::sort(points, {}, &Ramp<Power>::Point::first);
    world::Owner owner{.power = Ramp<Power>(points),
                       .carbon_intensity = Ramp<CarbonIntensity>::constant(0.4 * kg_co2e / (kilo * watt_hour)),
                       .energy_price = Ramp<EnergyPrice>::constant(0.06 * usd / (kilo * watt_hour)),
                       .jurisdiction = b % 5 == 0 ? "China" : "United States"};
    if (b % 2) owner.finance = world::Finance{.cash = 1 * giga * usd, .funding = Ramp<MoneyRate>::constant(3 * giga * usd / year)};
    spec.owners.push_back(std::move(owner));
  }
  for (std::size_t i = 0; i < kTiers; ++i)
    spec.demand.market.tiers.push_back({fmt::format("tier {}", i), Ramp<TokenRate>({{spec.start, 1e6 * token / second}, {spec.end, 1e10 * token / second}}), {}, 0.3});
  spec.demand.market.training = Ramp<FlopRate>({{spec.start, 1e19 * flop / second}, {spec.end, 1e22 * flop / second}});
  spec.terms = {.building_cost = 12 * usd / watt};
  return spec;
}

/// The chain with all orders standing: the floor.
class ChainAlone : public engine::EventHandler {
 public:
  explicit ChainAlone(const supply::ChainSpec& spec) : end_(spec.end), chain_(spec, [](std::size_t, Date) { return 1e9; }, [](std::size_t, double, Date) {}) {}
  void run() {
    engine::BareLoop loop;
    chain_.begin(loop);
    loop.run(*this);
  }
  void handle(const engine::Event& event, engine::EventLoop& loop) override {
    if (Date::from_days(event.time) < end_) chain_.handle(event, loop);
  }

 private:
  Date end_;
  supply::Chain chain_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto n_buyers = static_cast<std::size_t>(argc > 1 ? std::strtoll(argv[1], nullptr, 10) : 40), n_products = static_cast<std::size_t>(argc > 2 ? std::strtoll(argv[2], nullptr, 10) : 30);
  const auto catalog = catalog::Catalog::load(WAFERWATT_SOURCE_DIR "/models");
  auto spec = spec_of(catalog, n_buyers, n_products);
  double start = user_seconds();
  ChainAlone(spec.chain).run();
  const double floor_s = user_seconds() - start;
  for (const bool with_cuts : {false, true}) {
    spec.with_cuts = with_cuts;
    engine::BareLoop loop;
    start = user_seconds();
    const auto result = world::simulate(spec, loop);
    const double spent = user_seconds() - start;
    fmt::print("{:>3} products {:>3} buyers {:>4} sites 6 years {:<12} {:>6.3f} s {:>5.1f} x the chain alone  {:.3g} H100-equivalent weeks, balance {:.1e}\n", spec.offers.size(), n_buyers, kSites,
               with_cuts ? "with cuts" : "", spent, spent / floor_s, result.h100e_weeks, result.largest_balance_error);
  }
}
