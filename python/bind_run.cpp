// SPDX-License-Identifier: Apache-2.0
// Running, checking and planning scenarios.
#include "run.hpp"

#include "waferwatt/report/html_page.hpp"
#include "waferwatt/report/results_folder.hpp"
#include "waferwatt/report/summary.hpp"
#include "waferwatt/scenario/plan.hpp"

namespace waferwatt::python {

scenario::Scenario Source::load() const {
  const scenario::LoadOptions options{.overrides = overrides, .seed = seed};
  return is_text ? scenario::load_text("scenario", file_or_text, catalog_of(models), options)
                 : scenario::load(file_or_text, catalog_of(models), options);
}

std::string Run::summary() const { return io::to_json(report::summary(scenario, outcome)); }
std::string Run::resolved() const { return io::to_json(scenario.resolved()); }
std::string Run::html() const { return report::html_page(scenario, outcome); }

std::vector<std::string> Run::table_names() const {
  std::vector<std::string> names;
  for (const auto& table : outcome.result.tables) names.push_back(table.name());
  return names;
}

py::dict Run::table(const std::string& name) const {
  for (const auto& table : outcome.result.tables)
    if (table.name() == name) return as_dict(table);
  throw py::key_error("no table \"" + name + "\"" + core::suggestion(name, table_names(), "tables"));
}

void Run::save(const std::string& folder, bool replace) const {
  report::write_results_folder(folder, scenario, outcome, replace ? report::IfPresent::replace : report::IfPresent::refuse);
}

namespace {

Run run(const Source& source, std::optional<double> timeout_s, unsigned n_jobs, const py::object& progress) {
  const py::gil_scoped_release release;
  scenario::Scenario loaded = source.load();
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

void check(const Source& source) {
  const py::gil_scoped_release release;
  source.load();
}

/// The plans as a run whose tables they are.
Run plan(const Source& source, const std::string& objective, unsigned n_jobs) {
  const py::gil_scoped_release release;
  scenario::Scenario loaded = source.load();
  scenario::Outcome outcome{.result = scenario::search_plans(loaded, objective, n_jobs), .wall_time = {}, .peak_memory = {}};
  if (!outcome.result.infeasible.empty()) throw core::InfeasibleError(outcome.result.infeasible);
  return {std::move(loaded), std::move(outcome)};
}

}  // namespace

void bind_run(py::module_& module) {
  py::class_<Source>(module, "Source")
      .def(py::init<std::string, bool, std::vector<std::string>, std::optional<std::uint64_t>, std::string>());
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
  module.def("plan", &plan);
}

}  // namespace waferwatt::python
