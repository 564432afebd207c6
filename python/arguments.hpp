// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the bindings share: the catalog, records out of JSON texts, tables as NumPy arrays.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "waferwatt/catalog/catalog.hpp"
#include "waferwatt/core/table.hpp"

namespace waferwatt::python {

namespace py = pybind11;

using Numbers = py::array_t<double, py::array::c_style | py::array::forcecast>;
using Integers = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;

/// A catalog is read once for each folder.
std::shared_ptr<const catalog::Catalog> catalog_of(const std::string& folder);

/// A NumPy array over a column's own memory, which lives as long as the array. Strides are given: pybind11 before 2.12 takes
/// them from a place where NumPy 2 has something else.
template <class T>
py::object as_array(std::vector<T> column) {
  auto owned = std::make_unique<std::vector<T>>(std::move(column));
  const auto size = static_cast<py::ssize_t>(owned->size());
  T* const data = owned->data();
  const py::capsule owner(owned.release(), [](void* vector) { delete static_cast<std::vector<T>*>(vector); });
  return py::array_t<T>({size}, {static_cast<py::ssize_t>(sizeof(T))}, data, owner);
}
inline py::object as_array(std::vector<std::string> column) { return py::cast(column); }

/// NumPy arrays over a table's own columns.
py::dict as_dict(const core::Table& table);

/// A record out of its JSON text. \param function stands for the file in messages
template <class R>
R record_of(const std::string& function, const std::string& text) {
  core::Diagnostics diagnostics;
  const io::Value value = io::parse_json(function, text, diagnostics);
  diagnostics.throw_if_any();
  io::ReadContext context{diagnostics};
  R record;
  io::Codec<R>::read(value, "", context, record, {});
  diagnostics.throw_if_any();
  return record;
}

/// A thing of the catalog, by the JSON of its id or of the record itself.
template <class T>
const T& resolve(const catalog::Reference<T>& reference, const catalog::Shelf<T>& shelf) {
  core::Diagnostics diagnostics;
  const T* thing = reference.resolve(shelf, diagnostics);
  diagnostics.throw_if_any();
  return *thing;
}

/// The value of an enumeration with this text. \throws InputError with the nearest one
template <class E>
E choice(const std::string& text, const char* noun) {
  for (const auto& [value, name] : io::EnumTexts<E>::values)
    if (name == text) return value;
  throw core::InputError("unknown " + std::string(noun) + " \"" + text + "\"" + core::suggestion(text, io::enum_texts<E>(), std::string(noun) + "s"));
}

void bind_quantities(py::module_&);
void bind_cost(py::module_&);
void bind_network(py::module_&);
void bind_training(py::module_&);
void bind_serving(py::module_&);
void bind_supply(py::module_&);
void bind_power(py::module_&);

}  // namespace waferwatt::python
