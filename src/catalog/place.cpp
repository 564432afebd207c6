// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/catalog/place.hpp"

#include <algorithm>

namespace waferwatt::catalog {

const io::Record<Fabric>& Fabric::record() {
  using F = Fabric;
  static const auto record =
      io::Record<F>("fabric", "A network between accelerators.")
          .required("id", &F::id, {.doc = "Id; the file's name."})
          .required("name", &F::name, {.doc = "Name as sold."})
          .optional("vendor", &F::vendor, {.doc = "Company id."})
          .required("kind", &F::kind, {.doc = "Kind of network."})
          .required("bandwidth", &F::bandwidth, {.doc = "One direction, one accelerator.", .above = 0 * byte / second, .at_most = 100 * tera * byte / second})
          .required("latency", &F::latency, {.doc = "One message between two accelerators.", .at_least = 0 * second, .at_most = second})
          .required("efficiency", &F::efficiency, {.doc = "Fraction of the bandwidth that large messages reach.", .above = 0.0, .at_most = 1.0})
          .optional("domain_size", &F::domain_size, {.doc = "Accelerators it joins at full bandwidth.", .at_least = 1, .at_most = 10000000})
          .optional("torus_dimensions", &F::torus_dimensions, {.doc = "Dimensions of a torus.", .at_least = 1, .at_most = 10})
          .optional("notes", &F::notes, {.doc = "Conflicts between sources and how they were settled."});
  return record;
}

const io::Record<Grid>& Grid::record() {
  using G = Grid;
  static const auto record =
      io::Record<G>("grid", "An electricity grid or price zone.")
          .required("id", &G::id, {.doc = "Id, country first; the file's name."})
          .required("name", &G::name, {.doc = "Name of the zone."})
          .required("region", &G::region, {.doc = "Part of the world."})
          .required("carbon_intensity", &G::carbon_intensity, {.doc = "Mean carbon intensity by year.", .at_least = 0 * kg_co2e / watt_hour, .at_most = 3 * kg_co2e / (kilo * watt_hour)})
          .required("price", &G::price, {.doc = "Mean price by year.", .at_least = -1 * usd / (kilo * watt_hour), .at_most = 10 * usd / (kilo * watt_hour)})
          .required("connection_time", &G::connection_time, {.doc = "Request to connection of a large load.", .above = 0 * day, .at_most = 30 * year})
          .optional("notes", &G::notes, {.doc = "Conflicts between sources and how they were settled."});
  return record;
}

const io::Record<Site>& Site::record() {
  using S = Site;
  static const auto record =
      io::Record<S>("site", "A datacenter campus.")
          .required("id", &S::id, {.doc = "Id, owner first; the file's name."})
          .required("name", &S::name, {.doc = "Name of the campus."})
          .required("owner", &S::owner, {.doc = "Company id."})
          .required("grid", &S::grid, {.doc = "Grid id."})
          .optional("latitude", &S::latitude, {.doc = "Degrees north.", .at_least = -90.0, .at_most = 90.0})
          .optional("longitude", &S::longitude, {.doc = "Degrees east.", .at_least = -180.0, .at_most = 180.0})
          .required("power", &S::power, {.doc = "Facility nameplate power over time.", .at_least = 0 * watt, .at_most = 100 * giga * watt})
          .optional("accelerator", &S::accelerator, {.doc = "Accelerator id."})
          .optional("n_accelerators", &S::n_accelerators, {.doc = "Accelerators at full build.", .at_least = 1, .at_most = 100000000})
          .optional("capex", &S::capex, {.doc = "Cost of the campus with its accelerators.", .above = 0 * usd, .at_most = 10 * tera * usd})
          .optional("land_to_power", &S::land_to_power, {.doc = "Land clearing to first power.", .above = 0 * day, .at_most = 30 * year})
          .optional("notes", &S::notes, {.doc = "Conflicts between sources and how they were settled."})
          .check([](const S& s, const io::FieldComplaint& complain) {
            if (s.latitude.has_value() != s.longitude.has_value()) complain("latitude", "give both \"latitude\" and \"longitude\", or neither");
          });
  return record;
}

const io::Record<Company>& Company::record() {
  using C = Company;
  static const std::vector<std::string> kRoles = {"foundry", "memory-maker", "packaging", "osat",      "chip-designer", "hyperscaler",
                                                  "lab",     "neo-cloud",    "sovereign", "utility", "equipment"};
  static const auto record =
      io::Record<C>("company", "A company of the field.")
          .required("id", &C::id, {.doc = "Id; the file's name."})
          .required("name", &C::name, {.doc = "Name."})
          .required("country", &C::country, {.doc = "Home country."})
          .required("roles", &C::roles, {.doc = "What it does in the chain."})
          .optional("partners", &C::partners, {.doc = "Company ids."})
          .optional("in_house_accelerators", &C::in_house_accelerators, {.doc = "Accelerator ids."})
          .optional("capex", &C::capex, {.doc = "Capital spending over time.", .at_least = 0 * usd / year, .at_most = 10 * tera * usd / year})
          .optional("datacenter_revenue", &C::datacenter_revenue, {.doc = "Revenue from datacenter products.", .at_least = 0 * usd / year, .at_most = 10 * tera * usd / year})
          .optional("capex_shares", &C::capex_shares, {.doc = "What the capital spending goes to.", .at_least = 0.0, .at_most = 1.0})
          .optional("fiscal_year_month", &C::fiscal_year_month, {.doc = "Month in which the fiscal year begins; absent: January.", .at_least = 1, .at_most = 12})
          .optional("pue", &C::pue, {.doc = "Power usage effectiveness of its fleet.", .at_least = 1.0, .at_most = 4.0})
          .optional("constraints", &C::constraints, {.doc = "What limits it, in words."})
          .optional("notes", &C::notes, {.doc = "Conflicts between sources and how they were settled."})
          .check([](const C& c, const io::FieldComplaint& complain) {
            for (const auto& role : c.roles)
              if (std::ranges::find(kRoles, role) == kRoles.end()) complain("roles", "unknown role \"" + role + "\"" + suggestion(role, kRoles, "roles"));
          });
  return record;
}

}  // namespace waferwatt::catalog
