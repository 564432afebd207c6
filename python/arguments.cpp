// SPDX-License-Identifier: Apache-2.0
#include "arguments.hpp"

#include <map>
#include <mutex>
#include <string_view>
#include <unordered_map>

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

/// Texts as an array of objects; equal ones are one object.
py::array array_of_texts(const std::vector<std::string>& texts) {
  py::array array(py::dtype("O"), {static_cast<py::ssize_t>(texts.size())}, {static_cast<py::ssize_t>(sizeof(PyObject*))});
  auto** const cells = static_cast<PyObject**>(array.mutable_data());
  std::unordered_map<std::string_view, py::str> known;
  std::string_view last;
  PyObject* object = nullptr;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (!object || texts[i] != last) {
      last = texts[i];
      object = known.try_emplace(last, texts[i]).first->second.ptr();
    }
    Py_XDECREF(cells[i]);
    cells[i] = Py_NewRef(object);
  }
  return array;
}

py::array column_over(const std::vector<std::string>& texts, const py::object&) { return array_of_texts(texts); }
template <class T>
py::array column_over(const std::vector<T>& numbers, const py::object& owner) {
  return array_over(numbers, owner);
}

py::dict columns_of(const core::Table& table, const py::object& owner) {
  py::dict columns;
  for (std::size_t i = 0; i < table.n_columns(); ++i)
    columns[py::str(table.column_names()[i])] = std::visit([&](const auto& column) -> py::array { return column_over(column, owner); }, table.column(i));
  return columns;
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

py::dict columns_over(const core::Table& table, const py::object& owner) {
  const py::dict columns = columns_of(table, owner);
  for (const auto& [name, column] : columns) column.attr("flags").attr("writeable") = false;
  return columns;
}

py::dict as_dict(core::Table table) {
  auto owned = std::make_unique<core::Table>(std::move(table));
  const auto& kept = *owned;
  return columns_of(kept, py::capsule(owned.release(), [](void* pointer) { delete static_cast<core::Table*>(pointer); }));
}

void bind_quantities(py::module_& module) { module.def("in_unit", &in_unit); }

}  // namespace waferwatt::python
