// SPDX-License-Identifier: Apache-2.0
// Running, checking and planning scenarios.
#include "run.hpp"

#include <chrono>

#include "waferwatt/engine/bare_loop.hpp"
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

const core::Table& Run::table(const std::string& name) const {
  for (const auto& table : outcome.result.tables)
    if (table.name() == name) return table;
  throw py::key_error("no table \"" + name + "\"" + core::suggestion(name, table_names(), "tables"));
}

void Run::save(const std::string& folder, bool replace) const {
  report::write_results_folder(folder, scenario, outcome, replace ? report::IfPresent::replace : report::IfPresent::refuse);
}

Run run_here(scenario::Scenario loaded, const std::function<scenario::Result(engine::EventLoop&)>& work) {
  const auto begin = std::chrono::steady_clock::now();
  engine::BareLoop loop;
  auto result = work(loop);
  const double wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return {std::move(loaded), {.result = std::move(result), .wall_time = wall_s * core::second, .peak_memory = scenario::peak_memory()}};
}

namespace {

/// Raises what Python's handlers of signals have noted, Ctrl-C above all: they ran before the child's watch did.
void raise_noted_signals() {
  const py::gil_scoped_acquire acquire;
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

scenario::RunOptions options_of(std::optional<double> timeout_s, unsigned n_jobs) {
  scenario::RunOptions options{.n_jobs = n_jobs};
  if (timeout_s) options.timeout = *timeout_s * core::second;
  return options;
}

Run run(const Source& source, std::optional<double> timeout_s, unsigned n_jobs, const py::object& progress) {
  const py::gil_scoped_release release;
  scenario::Scenario loaded = source.load();
  if (loaded.header.sweep) throw core::InputError("the scenario has a \"sweep\"; one run has one point");
  scenario::RunOptions options = options_of(timeout_s, n_jobs);
  options.progress = [&progress](double fraction, const std::string& what) {
    raise_noted_signals();
    if (progress.is_none()) return;
    const py::gil_scoped_acquire acquire;
    progress(fraction, what);
  };
  raise_noted_signals();
  scenario::Outcome outcome = scenario::run_isolated(loaded, options);
  return {std::move(loaded), std::move(outcome)};
}

void check(const Source& source) {
  const py::gil_scoped_release release;
  source.load();
}

/// The plans as a run whose tables they are.
Run plan(const Source& source, const std::string& objective, std::optional<double> timeout_s, unsigned n_jobs) {
  const py::gil_scoped_release release;
  auto loaded = source.load();
  raise_noted_signals();
  auto found = scenario::run_plan_search(std::move(loaded), objective, options_of(timeout_s, n_jobs));
  if (!found.outcome.result.infeasible.empty()) throw core::InfeasibleError(found.outcome.result.infeasible);
  return {std::move(found.scenario), std::move(found.outcome)};
}

}  // namespace

void bind_run(py::module_& module) {
  py::class_<Source>(module, "Source")
      .def(py::init<std::string, bool, std::vector<std::string>, std::optional<std::uint64_t>, std::string>());
  py::class_<Run>(module, "Run")
      .def("summary", &Run::summary)
      .def("resolved", &Run::resolved)
      .def("html", &Run::html, py::call_guard<py::gil_scoped_release>())
      .def("table_names", &Run::table_names)
      .def("table", [](const py::object& run, const std::string& name) { return columns_over(run.cast<const Run&>().table(name), run); })
      .def("ledger", [](const py::object& run) { return columns_over(run.cast<const Run&>().outcome.result.ledger, run); })
      .def("save", &Run::save, py::call_guard<py::gil_scoped_release>());
  module.def("run", &run);
  module.def("check", &check);
  module.def("plan", &plan);
}

}  // namespace waferwatt::python
