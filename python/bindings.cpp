// SPDX-License-Identifier: Apache-2.0
// The extension waferwatt._core: texts and arrays only; waferwatt/__init__.py makes objects of them.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <map>
#include <mutex>

#include "waferwatt/engine/child.hpp"
#include "waferwatt/report/html_page.hpp"
#include "waferwatt/report/provenance.hpp"
#include "waferwatt/report/results_folder.hpp"
#include "waferwatt/report/summary.hpp"

namespace py = pybind11;
namespace core = waferwatt::core;
namespace scenario = waferwatt::scenario;
namespace report = waferwatt::report;
namespace catalog = waferwatt::catalog;

namespace {

/// A catalog is read once for each folder.
std::shared_ptr<const catalog::Catalog> catalog_of(const std::string& folder) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const catalog::Catalog>> loaded;
  const std::lock_guard lock(mutex);
  auto& entry = loaded[folder];
  if (!entry) entry = std::make_shared<const catalog::Catalog>(catalog::Catalog::load(folder));
  return entry;
}

/// A NumPy array over a column's own memory, which lives as long as the array.
template <class T>
py::object as_array(std::vector<T> column) {
  auto owned = std::make_unique<std::vector<T>>(std::move(column));
  const auto size = static_cast<py::ssize_t>(owned->size());
  T* const data = owned->data();
  const py::capsule owner(owned.release(), [](void* vector) { delete static_cast<std::vector<T>*>(vector); });
  return py::array_t<T>({size}, {static_cast<py::ssize_t>(sizeof(T))}, data, owner);
}
py::object as_array(std::vector<std::string> column) { return py::cast(column); }

py::dict as_dict(const core::Table& table) {
  py::dict columns;
  for (std::size_t i = 0; i < table.n_columns(); ++i)
    columns[py::str(table.column_names()[i])] =
        std::visit([](const auto& column) { return as_array(column); }, table.column(i));
  return columns;
}

/// A finished run; its tables become arrays when they are asked for.
struct Run {
  scenario::Scenario scenario;
  scenario::Outcome outcome;

  std::string summary() const { return waferwatt::io::to_json(report::summary(scenario, outcome)); }
  std::string resolved() const { return waferwatt::io::to_json(scenario.resolved()); }
  std::string html() const { return report::html_page(scenario, outcome); }
  std::vector<std::string> table_names() const {
    std::vector<std::string> names;
    for (const auto& table : outcome.result.tables) names.push_back(table.name());
    return names;
  }
  py::dict table(const std::string& name) const {
    for (const auto& table : outcome.result.tables)
      if (table.name() == name) return as_dict(table);
    throw py::key_error("no table \"" + name + "\"" + core::suggestion(name, table_names(), "tables"));
  }
  py::dict ledger() const { return as_dict(outcome.result.ledger); }
  void save(const std::string& folder, bool replace) const {
    report::write_results_folder(folder, scenario, outcome,
                                 replace ? report::IfPresent::replace : report::IfPresent::refuse);
  }
};

scenario::Scenario load(const std::string& file_or_text, bool is_text, const std::vector<std::string>& overrides,
                        std::optional<std::uint64_t> seed, const std::string& models) {
  const scenario::LoadOptions options{.overrides = overrides, .seed = seed};
  return is_text ? scenario::load_text("scenario", file_or_text, catalog_of(models), options)
                 : scenario::load(file_or_text, catalog_of(models), options);
}

Run run(const std::string& file_or_text, bool is_text, const std::vector<std::string>& overrides,
        std::optional<std::uint64_t> seed, const std::string& models, std::optional<double> timeout_s,
        unsigned n_jobs, const py::object& progress) {
  const py::gil_scoped_release release;
  scenario::Scenario loaded = load(file_or_text, is_text, overrides, seed, models);
  if (loaded.header.sweep) throw core::InputError("the scenario has a \"sweep\"; one run has one point");
  scenario::RunOptions options{.n_jobs = n_jobs};
  if (timeout_s) options.timeout = *timeout_s * core::second;
  if (!progress.is_none())
    options.progress = [&progress](double fraction, const std::string& what) {
      const py::gil_scoped_acquire acquire;
      progress(fraction, what);
    };
  scenario::Outcome outcome = scenario::run_isolated(loaded, options);
  return {std::move(loaded), std::move(outcome)};
}

void check(const std::string& file_or_text, bool is_text, const std::vector<std::string>& overrides,
           const std::string& models) {
  const py::gil_scoped_release release;
  load(file_or_text, is_text, overrides, std::nullopt, models);
}

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

PYBIND11_MODULE(_core, module) {
  module.doc() = "Runs Waferwatt scenarios; use the package waferwatt.";
  py::register_exception_translator(translate);
  py::class_<Run>(module, "Run")
      .def("summary", &Run::summary)
      .def("resolved", &Run::resolved)
      .def("html", &Run::html)
      .def("table_names", &Run::table_names)
      .def("table", &Run::table)
      .def("ledger", &Run::ledger)
      .def("save", &Run::save);
  module.def("run", &run);
  module.def("check", &check);
  module.def("version", &report::version);
  module.def("revision", &report::revision);
  module.def("catalog_kinds", &catalog::kinds);
  module.def("catalog_ids", [](const std::string& folder, const std::string& kind) { return catalog::ids_of_kind(*catalog_of(folder), kind); });
  module.def("catalog_show", [](const std::string& folder, const std::string& id) { return waferwatt::io::to_json(catalog::show(*catalog_of(folder), id)); });
  module.def("catalog_sources", &catalog_sources);
  module.def("schema", &schema);
}
