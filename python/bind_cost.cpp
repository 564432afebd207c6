// SPDX-License-Identifier: Apache-2.0
// Operators' times and energies on one accelerator.
#include <fmt/format.h>

#include "arguments.hpp"
#include "waferwatt/cost/operator_model.hpp"

namespace waferwatt::python {
namespace {

using core::Table;

constexpr std::array kBounds{"launch", "memory", "compute"};
constexpr std::array kProvenances{"measured", "fitted", "transferred", "spec-only"};

/// Operators of one accelerator, the catalog kept with them.
class Operators {
 public:
  Operators(const std::string& models, const std::string& accelerator, bool calibrated)
      : catalog_(catalog_of(models)),
        model_(resolve(record_of<catalog::Reference<catalog::Accelerator>>("accelerator", accelerator), catalog_->accelerators), *catalog_,
               calibrated ? cost::OperatorModel::Mode::calibrated : cost::OperatorModel::Mode::physics) {}

  /// A row for each shape; columns in the order of the operator's dimensions.
  py::dict estimate(const std::string& name, const std::string& format, const std::vector<Integers>& columns) const {
    return as_dict(without_gil([&] { return estimates(name, format, columns); }));
  }

  double idle_power_w() const { return model_.idle_power().in(watt); }

 private:
  Table estimates(const std::string& name, const std::string& format, const std::vector<Integers>& columns) const {
    const auto kind = choice<catalog::OperatorKind>(name, "operator");
    if (!cost::kernel_format(format)) {
      std::vector<std::string> known;
      for (const auto& each : cost::kKernelFormats) known.emplace_back(each.name);
      throw core::InputError("unknown format \"" + format + "\"" + core::suggestion(format, known, "formats"));
    }
    const auto n_rows = columns.empty() ? 0 : columns.front().size();
    Table table("estimates", {{"time_s"}, {"low_s"}, {"high_s"}, {"work_flop"}, {"traffic_byte"}, {"power_w"}, {"energy_j"}, {"error"},
                              {"bound", Table::Kind::text}, {"provenance", Table::Kind::text}});
    std::vector<std::int64_t> shape(columns.size());
    for (py::ssize_t row = 0; row < n_rows; ++row) {
      for (std::size_t i = 0; i < columns.size(); ++i) shape[i] = columns[i].data()[row];
      const auto e = model_.estimate(cost::demand_of_shape(kind, format, shape));
      table.add({e.time.in(second), e.low().in(second), e.high().in(second), e.work.in(flop), e.traffic.in(byte), model_.power(e).in(watt),
                 model_.energy(e).in(joule), e.error, std::string{kBounds[static_cast<std::size_t>(e.bound)]},
                 std::string{kProvenances[static_cast<std::size_t>(e.provenance)]}});
    }
    return table;
  }

  std::shared_ptr<const catalog::Catalog> catalog_;
  cost::OperatorModel model_;
};

/// Operators and the names of their dimensions.
std::map<std::string, std::vector<std::string>> operator_dimensions() {
  std::map<std::string, std::vector<std::string>> all;
  for (const auto& [kind, name] : io::EnumTexts<catalog::OperatorKind>::values) {
    const auto columns = cost::shape_columns(kind);
    all[std::string{name}].assign(columns.begin(), columns.end());
  }
  return all;
}

std::vector<std::string> kernel_formats() {
  std::vector<std::string> names;
  for (const auto& format : cost::kKernelFormats) names.emplace_back(format.name);
  return names;
}

}  // namespace

void bind_cost(py::module_& module) {
  py::class_<Operators>(module, "Operators")
      .def(py::init<const std::string&, const std::string&, bool>(), py::call_guard<py::gil_scoped_release>())
      .def("estimate", &Operators::estimate)
      .def("idle_power_w", &Operators::idle_power_w);
  module.def("operator_dimensions", &operator_dimensions);
  module.def("kernel_formats", &kernel_formats);
}

}  // namespace waferwatt::python
