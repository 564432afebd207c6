// SPDX-License-Identifier: Apache-2.0
#include "arguments.hpp"

#include <map>
#include <mutex>

#include "waferwatt/core/unit_text.hpp"

namespace waferwatt::python {
namespace {

/// A text such as "1.5 GiB" as a number of `unit`.
double in_unit(const std::string& text, const std::string& unit) {
  try {
    const auto one = core::parse_unit_text("1 " + unit);
    return core::parse_unit_text_as(one.dimension, text) / one.base;
  } catch (const core::UnitTextError& error) {
    throw core::InputError(error.what());
  }
}

}  // namespace

std::shared_ptr<const catalog::Catalog> catalog_of(const std::string& folder) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const catalog::Catalog>> loaded;
  const std::lock_guard lock(mutex);
  auto& entry = loaded[folder];
  if (!entry) entry = std::make_shared<const catalog::Catalog>(catalog::Catalog::load(folder));
  return entry;
}

py::dict as_dict(const core::Table& table) {
  py::dict columns;
  for (std::size_t i = 0; i < table.n_columns(); ++i)
    columns[py::str(table.column_names()[i])] = std::visit([](const auto& column) { return as_array(column); }, table.column(i));
  return columns;
}

void bind_quantities(py::module_& module) { module.def("in_unit", &in_unit); }

}  // namespace waferwatt::python
