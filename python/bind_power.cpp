// SPDX-License-Identifier: Apache-2.0
// What a site draws: cooling and losses by the weather, and an accelerator's nameplate, peak and mean.
#include <fmt/format.h>

#include "arguments.hpp"
#include "waferwatt/power/cooling.hpp"
#include "waferwatt/power/levels.hpp"
#include "waferwatt/scenario/fleet_scenario.hpp"

namespace waferwatt::python {
namespace {

/// A row for each hour's IT power and weather.
core::Table facility_table(const std::string& cooling, const std::string& rejection, const Numbers& it_w, const Numbers& nameplate_w,
                           const Numbers& dry_bulb_c, const Numbers& wet_bulb_c) {
  const auto design = power::CoolingDesign::of(choice<power::CoolingKind>(cooling, "cooling"), choice<power::HeatRejection>(rejection, "heat rejection"));
  core::Table table("facility", {{"it_w"}, {"losses_w"}, {"fans_and_pumps_w"}, {"chillers_w"}, {"facility_w"}, {"pue"}, {"water_l_per_h"}});
  for (py::ssize_t i = 0; i < it_w.size(); ++i) {
    const double it = it_w.data()[i], nameplate = nameplate_w.data()[i];
    if (!(it > 0 && it <= nameplate))
      throw core::InputError(fmt::format("it_power_w: must be above 0 W and at most the nameplate of {} W, got {}", nameplate, it));
    const auto f = power::facility_load(design, it * watt, nameplate * watt, {dry_bulb_c.data()[i], wet_bulb_c.data()[i]});
    table.add({it, f.losses.in(watt), f.fans_and_pumps.in(watt), f.chillers.in(watt), f.total().in(watt), f.pue(), f.water.in(litre / hour)});
  }
  return table;
}

py::dict facility(const std::string& cooling, const std::string& rejection, const Numbers& it_w, const Numbers& nameplate_w,
                  const Numbers& dry_bulb_c, const Numbers& wet_bulb_c) {
  return as_dict(without_gil([&] { return facility_table(cooling, rejection, it_w, nameplate_w, dry_bulb_c, wet_bulb_c); }));
}

py::object wet_bulb(const Numbers& dry_bulb_c, const Numbers& relative_humidity) {
  return as_array(without_gil([&] {
    std::vector<double> result;
    for (py::ssize_t i = 0; i < dry_bulb_c.size(); ++i) result.push_back(power::wet_bulb_c(dry_bulb_c.data()[i], relative_humidity.data()[i]));
    return result;
  }));
}

/// Name and watts.
using Watts = std::vector<std::pair<const char*, double>>;

py::dict power_levels(const std::string& models, const std::string& accelerator_json) {
  const auto levels = without_gil([&]() -> Watts {
    const auto catalog = catalog_of(models);
    const auto& accelerator = resolve(record_of<catalog::Reference<catalog::Accelerator>>("accelerator", accelerator_json), catalog->accelerators);
    const auto* system = catalog->system_of(accelerator.id);
    const auto facility = power::facility_power(accelerator, system);
    return {{"tdp_w", accelerator.tdp->in(watt)},
            {"server_w", power::rated_server_power(accelerator, system).in(watt)},
            {"nameplate_w", facility.nameplate.in(watt)},
            {"peak_w", facility.peak.in(watt)},
            {"mean_w", facility.mean.in(watt)}};
  });
  py::dict d;
  for (const auto& [name, value] : levels) d[name] = value;
  return d;
}

}  // namespace

void bind_power(py::module_& module) {
  module.def("facility", &facility);
  module.def("power_levels", &power_levels);
  module.def("wet_bulb_c", &wet_bulb);
}

}  // namespace waferwatt::python
