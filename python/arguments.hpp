// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the bindings share: the catalog, records out of JSON texts, tables as NumPy arrays.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <utility>

#include "waferwatt/catalog/catalog.hpp"
#include "waferwatt/core/table.hpp"

namespace waferwatt::python {

namespace py = pybind11;

using Numbers = py::array_t<double, py::array::c_style | py::array::forcecast>;
using Integers = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;

/// What `work` gives, while other threads of Python go on: it touches no Python object, but may read the numbers of arrays.
template <class F>
auto without_gil(F&& work) {
  const py::gil_scoped_release release;
  return std::forward<F>(work)();
}

/// A catalog is read once for each folder.
std::shared_ptr<const catalog::Catalog> catalog_of(const std::string& folder);

/// A NumPy array over numbers that `owner` keeps alive. Strides are given: pybind11 before 2.12 takes them from a place where
/// NumPy 2 has something else.
template <class T>
py::array array_over(const std::vector<T>& numbers, const py::object& owner) {
  return py::array_t<T>({static_cast<py::ssize_t>(numbers.size())}, {static_cast<py::ssize_t>(sizeof(T))}, numbers.data(), owner);
}

/// A NumPy array over a vector's own memory, which lives as long as the array.
template <class T>
py::array as_array(std::vector<T> numbers) {
  auto owned = std::make_unique<std::vector<T>>(std::move(numbers));
  const auto& kept = *owned;
  return array_over(kept, py::capsule(owned.release(), [](void* vector) { delete static_cast<std::vector<T>*>(vector); }));
}

/// Arrays over the columns of a table that `owner` keeps alive; they cannot be written. Texts become Python's own.
py::dict columns_over(const core::Table& table, const py::object& owner);

/// Arrays over the columns of a table that they keep alive.
py::dict as_dict(core::Table table);

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
