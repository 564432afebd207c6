// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/catalog/energy.hpp"

#include <fmt/format.h>

#include "read_shelf.hpp"

namespace waferwatt::catalog {

const io::Record<SeriesShape>& SeriesShape::record() {
  using S = SeriesShape;
  static const auto record =
      io::Record<S>("series_shape", "Shape of a year of hours, in UTC.")
          .required("months", &S::months, {.doc = "Means of the 12 months.", .at_least = -100.0, .at_most = 100.0})
          .required("winter_hours", &S::winter_hours, {.doc = "What the 24 hours add in mid-January.", .at_least = -100.0, .at_most = 100.0})
          .required("summer_hours", &S::summer_hours, {.doc = "What the 24 hours add in mid-July.", .at_least = -100.0, .at_most = 100.0})
          .required("deviation", &S::deviation, {.doc = "Standard deviation of the noise.", .at_least = 0.0, .at_most = 100.0})
          .required("persistence", &S::persistence, {.doc = "Correlation of the noise with that of the next hour.", .at_least = 0.0, .at_most = 0.9999})
          .optional("spike_probability", &S::spike_probability, {.doc = "Fraction of the hours with a spike.", .at_least = 0.0, .at_most = 0.5})
          .optional("spike_mean", &S::spike_mean, {.doc = "Mean height of a spike; heights are exponential.", .at_least = 0.0, .at_most = 1000.0})
          .check([](const S& s, const io::FieldComplaint& complain) {
            const auto expect = [&](const char* key, std::size_t size, std::size_t wanted) {
              if (size != wanted) complain(key, fmt::format("expected {} values, got {}", wanted, size));
            };
            expect("months", s.months->size(), 12);
            expect("winter_hours", s.winter_hours->size(), 24);
            expect("summer_hours", s.summer_hours->size(), 24);
          });
  return record;
}

const io::Record<Climate>& Climate::record() {
  using C = Climate;
  static const auto record = io::Record<C>("climate", "Hours of a grid and of the weather at one place in it.")
                                 .required("id", &C::id, {.doc = "Id of the grid; the file's name."})
                                 .required("name", &C::name, {.doc = "Name of the grid."})
                                 .optional("carbon", &C::carbon, {.doc = "Carbon intensity relative to its mean."})
                                 .optional("price", &C::price, {.doc = "Price relative to its mean."})
                                 .optional("temperature", &C::temperature, {.doc = "Dry-bulb temperature, degrees Celsius."})
                                 .optional("wet_bulb", &C::wet_bulb, {.doc = "Wet-bulb temperature, degrees Celsius."});
  return record;
}

const io::Record<PowerSource>& PowerSource::record() {
  using P = PowerSource;
  static const auto record =
      io::Record<P>("power_source", "A way to get electricity for a campus.")
          .required("id", &P::id, {.doc = "Id; the file's name."})
          .required("name", &P::name, {.doc = "What it is."})
          .required("kind", &P::kind, {.doc = "Kind of source."})
          .optional("lead_time", &P::lead_time, {.doc = "Order to power, low and high as 10 % and 90 % quantiles; absent: the grid's connection time.", .above = 0 * day, .at_most = 30 * year})
          .optional("energy_price", &P::energy_price, {.doc = "Price of its energy, all in; absent: the grid's.", .at_least = 0 * usd / watt_hour, .at_most = 10 * usd / (kilo * watt_hour)})
          .optional("carbon_intensity", &P::carbon_intensity, {.doc = "Life cycle; absent: the grid's.", .at_least = 0 * kg_co2e / watt_hour, .at_most = 3 * kg_co2e / (kilo * watt_hour)})
          .required("capacity_factor", &P::capacity_factor, {.doc = "Mean over nameplate output.", .above = 0.0, .at_most = 1.0})
          .optional("unit_size", &P::unit_size, {.doc = "Nameplate of one unit.", .above = 0 * watt, .at_most = 10 * giga * watt})
          .optional("capital_cost", &P::capital_cost, {.doc = "Cost of its nameplate.", .above = 0 * usd / watt, .at_most = 100 * usd / watt})
          .optional("notes", &P::notes, {.doc = "Conflicts between sources and how they were settled."});
  return record;
}

const io::Record<CampusBuild>& CampusBuild::record() {
  using B = CampusBuild;
  static const auto record =
      io::Record<B>("campus_build", "Phases of building a campus, low and high as 10 % and 90 % quantiles.")
          .required("id", &B::id, {.doc = "Id; the file's name."})
          .required("name", &B::name, {.doc = "What it is."})
          .required("permits", &B::permits, {.doc = "Land to permits.", .at_least = 0 * day, .at_most = 20 * year})
          .required("building", &B::building, {.doc = "Land clearing to a hall that can be switched on, by the date of clearing.", .at_least = 0 * day, .at_most = 20 * year})
          .required("substation", &B::substation, {.doc = "Building the substation.", .at_least = 0 * day, .at_most = 20 * year})
          .required("transformer", &B::transformer, {.doc = "Order to delivery of the large transformers.", .at_least = 0 * day, .at_most = 20 * year})
          .required("ordered_ahead", &B::ordered_ahead, {.doc = "How long before the clearing of land the transformers are ordered.", .at_least = 0 * day, .at_most = 20 * year})
          .required("step_interval", &B::step_interval, {.doc = "From one energised block to the next.", .at_least = 0 * day, .at_most = 10 * year})
          .optional("notes", &B::notes, {.doc = "Conflicts between sources and how they were settled."});
  return record;
}

void read_energy(const std::filesystem::path& folder, EnergyShelves& shelves, CatalogReadContext& context) {
  read_shelf(folder / "power-sources", shelves.power_sources, context);
  read_shelf(folder / "campus-builds", shelves.campus_builds, context);
  read_shelf(folder / "climates", shelves.climates, context);
}

EnergyShelves EnergyShelves::load(const std::filesystem::path& folder) {
  Diagnostics diagnostics;
  CatalogReadContext context{diagnostics};
  EnergyShelves shelves;
  read_energy(folder, shelves, context);
  diagnostics.throw_if_any();
  return shelves;
}

}  // namespace waferwatt::catalog
