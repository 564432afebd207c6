// SPDX-License-Identifier: Apache-2.0
// Dies on a wafer, their yield, and what a package costs to make.
#include <fmt/format.h>

#include "arguments.hpp"
#include "waferwatt/supply/geometry.hpp"
#include "waferwatt/supply/package_cost.hpp"
#include "waferwatt/supply/yield.hpp"

namespace waferwatt::python {
namespace {

/// Dies of each size on a round wafer.
py::object dies_per_wafer(const Numbers& width_mm, const Numbers& height_mm, double wafer_mm, double edge_mm, double street_mm) {
  return as_array(without_gil([&] {
    const supply::WaferShape wafer{wafer_mm * millimetre, edge_mm * millimetre, street_mm * millimetre};
    std::vector<std::int64_t> n;
    for (py::ssize_t i = 0; i < width_mm.size(); ++i) {
      const double width = width_mm.data()[i], height = height_mm.data()[i];
      if (!(width > 0 && height > 0)) throw core::InputError(fmt::format("a die must be wider and higher than 0 mm, got {} x {}", width, height));
      n.push_back(supply::rectangles_per_wafer(width * millimetre, height * millimetre, wafer));
    }
    return n;
  }));
}

py::object die_yield(const std::string& model, const Numbers& area_mm2, const Numbers& density_per_cm2, double clustering, int n_layers) {
  const catalog::DieYield of{choice<catalog::YieldModel>(model, "yield model"), clustering, n_layers};
  if (!(clustering > 0) || n_layers < 1) throw core::InputError("clustering must be above 0 and n_layers at least 1");
  return as_array(without_gil([&] {
    std::vector<double> result;
    for (py::ssize_t i = 0; i < area_mm2.size(); ++i) {
      const double area = area_mm2.data()[i], density = density_per_cm2.data()[i];
      if (!(area > 0 && density >= 0)) throw core::InputError(fmt::format("area must be above 0 mm2 and defect density at least 0 1/cm2, got {} and {}", area, density));
      result.push_back(supply::die_yield(area * square_millimetre, density / square_centimetre, of));
    }
    return result;
  }));
}

py::dict package_cost(const std::string& models, const std::string& accelerator_json, const std::string& date, double harvest_fraction,
                      const std::string& packaging) {
  const auto cost = without_gil([&] {
    const auto catalog = catalog_of(models);
    const auto& accelerator = resolve(record_of<catalog::Reference<catalog::Accelerator>>("accelerator", accelerator_json), catalog->accelerators);
    const auto product = supply::make_product(accelerator, *catalog, accelerator.vendor, Ramp<double>::constant(1), harvest_fraction, packaging);
    return supply::package_cost(product, accelerator, *catalog, record_of<Date>("date", date));
  });
  py::dict d;
  d["logic_usd"] = cost.logic.in(usd);
  d["memory_usd"] = cost.memory.in(usd);
  d["interposer_usd"] = cost.interposer.in(usd);
  d["assembly_usd"] = cost.assembly.in(usd);
  d["test_usd"] = cost.test.in(usd);
  d["scrap_usd"] = cost.scrap.in(usd);
  d["total_usd"] = cost.total().in(usd);
  return d;
}

py::dict product(const std::string& models, const std::string& accelerator_json, const std::string& date_json, double harvest_fraction) {
  const auto [made, date] = without_gil([&] {
    const auto catalog = catalog_of(models);
    const auto& accelerator = resolve(record_of<catalog::Reference<catalog::Accelerator>>("accelerator", accelerator_json), catalog->accelerators);
    const auto when = record_of<Date>("date", date_json);
    return std::pair{supply::make_product(accelerator, *catalog, accelerator.vendor, Ramp<double>::constant(1), harvest_fraction), when};
  });
  py::dict d;
  d["dies_per_package"] = made.dies_per_package;
  d["dies_per_wafer"] = made.dies_per_wafer;
  d["good_dies_per_wafer"] = made.good_dies_per_wafer(date);
  d["stacks_per_package"] = made.stacks_per_package;
  d["packages_per_wafer"] = made.packages_per_wafer;
  d["package_yield"] = made.package_yield(date);
  return d;
}

}  // namespace

void bind_supply(py::module_& module) {
  module.def("dies_per_wafer", &dies_per_wafer);
  module.def("die_yield", &die_yield);
  module.def("package_cost", &package_cost);
  module.def("product", &product);
}

}  // namespace waferwatt::python
