// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/report/results_folder.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>

#include "waferwatt/io/csv.hpp"
#include "waferwatt/report/html_page.hpp"
#include "waferwatt/report/summary.hpp"
#include "waferwatt/report/trace_file.hpp"
#include "waferwatt/report/used_values.hpp"

namespace waferwatt::report {
namespace {

namespace fs = std::filesystem;

/// Removes a folder when its scope ends, whatever happened.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(fs::path path) : path_(std::move(path)) {
    fs::remove_all(path_);
    fs::create_directories(path_ / "tables");
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

template <class F>
void write_file(const fs::path& file, F write) {
  std::ofstream out(file, std::ios::binary);
  write(out);
  out.close();
  if (!out) throw InputError(fmt::format("{} cannot be written", file.string()));
}

void write_files(const fs::path& folder, const scenario::Scenario& scenario, const scenario::Outcome& outcome) {
  const auto json = [&](const char* name, const io::Value& value) {
    write_file(folder / name, [&](std::ostream& out) { out << io::to_json(value); });
  };
  json("summary.json", summary(scenario, outcome));
  json("resolved.json", scenario.resolved());
  const auto csv = [&](const fs::path& file, const Table& table) { write_file(file, [&](std::ostream& out) { io::write_csv(out, table); }); };
  csv(folder / "inputs.csv", inputs_table(used_values(scenario.resolved(), *scenario.catalog)));
  const auto counters = std::ranges::find(outcome.result.tables, kCounterTable, &Table::name);
  for (const auto& table : outcome.result.tables)
    if (table.name() == kTraceTable)
      write_file(folder / "trace.json",
                 [&](std::ostream& out) { write_trace(out, table, counters == outcome.result.tables.end() ? nullptr : &*counters); });
    else if (table.name() != kCounterTable)
      csv(folder / "tables" / (table.name() + ".csv"), table);
  if (outcome.result.ledger.n_columns() > 0)
    csv(folder / "ledger.csv", outcome.result.ledger);
  write_file(folder / "report.html", [&](std::ostream& out) { out << html_page(scenario, outcome); });
}

void replace_folder(const fs::path& from, const fs::path& to) {
  const fs::path old = fs::path{to}.concat(fmt::format(".old-{}", ::getpid()));
  const bool is_present = fs::exists(to);
  if (is_present) fs::rename(to, old);
  fs::rename(from, to);
  if (is_present) fs::remove_all(old);
}

}  // namespace

void check_results_folder(const fs::path& folder, IfPresent if_present) {
  std::error_code error;
  if (!fs::exists(folder, error)) return;
  if (!fs::is_directory(folder, error))
    throw InputError(fmt::format("{} exists and is no folder; give another with -o", folder.string()));
  if (fs::is_empty(folder, error)) return;
  if (!fs::exists(folder / "summary.json", error))
    throw InputError(fmt::format("{} holds other files than results; give another folder with -o", folder.string()));
  if (if_present == IfPresent::refuse)
    throw InputError(
        fmt::format("{} holds the results of an earlier run; give another folder with -o, or --force to replace them",
                    folder.string()));
}

void write_results_folder(const fs::path& folder, const scenario::Scenario& scenario, const scenario::Outcome& outcome,
                          IfPresent if_present) {
  const fs::path target = folder.has_filename() ? folder : folder.parent_path();
  check_results_folder(target, if_present);
  try {
    if (target.has_parent_path()) fs::create_directories(target.parent_path());
    const TemporaryFolder temporary(fs::path{target}.concat(fmt::format(".partial-{}", ::getpid())));
    write_files(temporary.path(), scenario, outcome);
    replace_folder(temporary.path(), target);
  } catch (const fs::filesystem_error& error) {
    throw InputError(fmt::format("the results cannot be written to {}: {}", target.string(), error.code().message()));
  }
}

void write_report(const fs::path& file, const fs::path& folder) {
  Diagnostics diagnostics;
  const Results results = read_results(folder, diagnostics);
  diagnostics.throw_if_any();
  write_file(file, [&](std::ostream& out) { out << html_page(results); });
}

void write_comparison(const fs::path& file, const Comparison& comparison) {
  write_file(file, [&](std::ostream& out) { out << html_page(comparison); });
}

}  // namespace waferwatt::report
