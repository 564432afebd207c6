// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "waferwatt/power/operation.hpp"

using namespace waferwatt;
using namespace waferwatt::power;

namespace {

constexpr Power kMegawatt = mega * watt;
constexpr Energy kMegawattHour = mega * watt_hour;

OperatedSite site_of(double load) {
  OperatedSite site{.it_nameplate = 100 * kMegawatt, .load = load};
  site.around.price = Hourly<EnergyPrice>::constant(50 * usd / kMegawattHour);
  site.around.carbon_intensity = Hourly<CarbonIntensity>::constant(0.4 * kg_co2e / (kilo * watt_hour));
  site.around.weather = Hourly<Weather>::constant({20, 14});
  return site;
}

}  // namespace

TEST_CASE("a day by hand: meter, cost and carbon") {
  const auto site = site_of(0.8);
  const auto t = operate(site, 0, 24);
  const double facility = facility_load(site.cooling, 80 * kMegawatt, 100 * kMegawatt, {20, 14}).total().in(kMegawatt);
  CHECK(t.meter.in(kMegawattHour) == Approx(24 * facility));
  CHECK(t.cost.in(usd) == Approx(24 * facility * 50));
  CHECK(t.location_based.in(kg_co2e) == Approx(24 * facility * 400));
  CHECK(t.market_based == t.location_based);
  CHECK(t.work == Approx(24 * 0.8));
}

TEST_CASE("energy is conserved at the meter with a limit, plants and a battery") {
  auto site = site_of(0.9);
  std::vector<Power> limit;
  for (int h = 0; h < 24; ++h) limit.push_back((h < 12 ? 110.0 : 40.0) * kMegawatt);
  site.limit = Hourly<Power>(0, limit);
  site.plants = {{.nameplate = 120 * kMegawatt, .capacity_factor = 0.25, .is_solar = true, .solar_noon_utc = 18, .price = 30 * usd / kMegawattHour}};
  site.battery = {30 * kMegawatt, 100 * kMegawattHour, 0.81};
  Energy hourly;
  const auto t = operate(site, 0, 24 * 30, [&](const HourOfSite& h) { hourly += h.meter * hour; });
  CHECK((t.it + t.overhead) / t.meter == Approx(1).epsilon(1e-12));
  CHECK((t.grid + t.plants - t.spilled - t.battery_loss - t.stored) / t.meter == Approx(1).epsilon(1e-12));
  CHECK(t.energy_error() < 1e-12);
  CHECK(hourly / t.meter == Approx(1).epsilon(1e-12));
  CHECK(t.battery_loss > 0 * joule);
  CHECK(t.peak_grid <= 110 * kMegawatt * (1 + 1e-12));
  CHECK(t.capped > 0 * second);
  CHECK(t.work < t.work_wanted);
  // Losses are what charging loses: (1 - 0.81) of what went in.
  CHECK(t.battery_loss < 0.19 / 0.81 * t.meter);
}

TEST_CASE("a larger battery or a higher limit never does less work") {
  double before = 0;
  for (const double energy : {0.0, 50.0, 200.0, 1000.0}) {
    auto site = site_of(0.9);
    std::vector<Power> limit;
    for (int h = 0; h < 24; ++h) limit.push_back((h < 16 ? 130.0 : 60.0) * kMegawatt);
    site.limit = Hourly<Power>(0, limit);
    site.battery = {50 * kMegawatt, energy * kMegawattHour, 0.9};
    const double work = operate(site, 0, 24 * 7).work;
    CHECK(work >= before);
    before = work;
  }
}

TEST_CASE("contracts change market-based carbon and nothing else of it") {
  auto site = site_of(0.8);
  const auto without = operate(site, 0, 24);
  site.plants = {{.nameplate = 1000 * kMegawatt, .capacity_factor = 0.9, .price = 0 * usd / kMegawattHour, .intensity = 0.012 * kg_co2e / (kilo * watt_hour), .is_on_site = false}};
  const auto with = operate(site, 0, 24);
  CHECK(with.location_based == without.location_based);
  CHECK(with.market_based < without.market_based);
}

TEST_CASE("a contract is paid in full and spares the grid's price for what it covers, by hand") {
  // 80 MW of IT; a contract for 50 MW at 60 USD/MWh, the grid at 50. Of the facility's draw F, F - 50 is bought from the grid.
  auto site = site_of(0.8);
  site.plants = {{.nameplate = 50 * kMegawatt, .price = 60 * usd / kMegawattHour, .intensity = 0.01 * kg_co2e / (kilo * watt_hour), .is_on_site = false}};
  const double facility = facility_load(site.cooling, 80 * kMegawatt, 100 * kMegawatt, {20, 14}).total().in(kMegawatt);
  const auto t = operate(site, 0, 24);
  CHECK(t.grid.in(kMegawattHour) == Approx(24 * facility));
  CHECK(t.cost.in(usd) == Approx(24 * (50 * 60 + (facility - 50) * 50)));
  CHECK(t.market_based.in(kg_co2e) == Approx(24 * (50 * 10 + (facility - 50) * 400)));
  CHECK(t.location_based.in(kg_co2e) == Approx(24 * facility * 400));
}

TEST_CASE("solar gives its capacity factor") {
  const Plant plant{.nameplate = 100 * kMegawatt, .capacity_factor = 0.2, .is_solar = true, .solar_noon_utc = 18};
  Energy day;
  for (HourIndex h = 0; h < 24; ++h) day += plant.output(h) * hour;
  CHECK(day.in(kMegawattHour) == Approx(24 * 20));
  CHECK(plant.output(6).base() == 0);
}
