// SPDX-License-Identifier: Apache-2.0
// The extension waferwatt._core: texts, numbers and arrays; the modules of waferwatt/ make objects of them.
#include "python_policy.hpp"
#include "run.hpp"
#include "waferwatt/engine/child.hpp"
#include "waferwatt/report/provenance.hpp"
#include "waferwatt/scenario/kinds.hpp"

namespace waferwatt::python {
namespace {

/// Ids and texts of all sources, as a list of objects.
std::string catalog_sources(const std::string& folder) {
  waferwatt::io::Value::List list;
  for (const auto& [id, source] : catalog_of(folder)->sources) {
    waferwatt::io::Value entry = catalog::Source::record().write(source);
    entry["id"] = waferwatt::io::Value{id};
    list.push_back(std::move(entry));
  }
  return waferwatt::io::to_json(waferwatt::io::Value{std::move(list)});
}

/// JSON Schema of a kind of scenario or of catalog file.
std::string schema(const std::string& name) {
  for (const auto& kind : scenario::kinds())
    if (kind.name == name) return waferwatt::io::to_json(scenario::json_schema(kind));
  return waferwatt::io::to_json(waferwatt::io::json_schema(catalog::record_of_kind(name)));
}

/// Python exceptions of waferwatt/_errors.py, as they carry attributes.
void translate(std::exception_ptr pointer) {
  const auto raise = [](const char* type, const py::tuple& arguments) {
    const py::object error = py::module_::import("waferwatt._errors").attr(type);
    PyErr_SetObject(error.ptr(), arguments.ptr());
  };
  try {
    std::rethrow_exception(pointer);
  } catch (const core::InputError& error) {
    py::list diagnostics;
    for (const auto& d : error.diagnostics()) {
      py::dict entry;
      entry["file"] = d.file;
      entry["line"] = d.line;
      entry["column"] = d.column;
      entry["path"] = d.path;
      entry["message"] = d.message;
      diagnostics.append(entry);
    }
    raise("InputError", py::make_tuple(error.what(), diagnostics));
  } catch (const core::InfeasibleError& error) {
    raise("InfeasibleError", py::make_tuple(error.what()));
  } catch (const scenario::RunError& error) {
    raise("RunError", py::make_tuple(error.what()));
  } catch (const waferwatt::engine::Interrupted&) {
    // Python's own handler has taken note of Ctrl-C, and raises here.
    if (PyErr_CheckSignals() == 0) PyErr_SetNone(PyExc_KeyboardInterrupt);
  }
}

}  // namespace
}  // namespace waferwatt::python

PYBIND11_MODULE(_core, module) {
  using namespace waferwatt::python;
  namespace report = waferwatt::report;
  namespace catalog = waferwatt::catalog;
  module.doc() = "Runs Waferwatt scenarios; use the package waferwatt.";
  py::register_exception_translator(translate);
  for (const auto bind : {bind_run, bind_policy, bind_simulation, bind_rules, bind_quantities, bind_cost, bind_network, bind_training, bind_serving, bind_supply, bind_power})
    bind(module);
  module.def("version", &report::version);
  module.def("revision", &report::revision);
  module.def("catalog_kinds", &catalog::kinds);
  module.def("catalog_ids", [](const std::string& folder, const std::string& kind) { return catalog::ids_of_kind(*catalog_of(folder), kind); });
  module.def("catalog_show", [](const std::string& folder, const std::string& id) { return waferwatt::io::to_json(catalog::show(*catalog_of(folder), id)); });
  module.def("catalog_sources", &catalog_sources, py::call_guard<py::gil_scoped_release>());
  module.def("schema", &schema);
}
