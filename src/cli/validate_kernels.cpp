// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <fstream>

#include "validate_sets.hpp"
#include "waferwatt/report/text_table.hpp"
#include "waferwatt/validation/kernels.hpp"
#include "waferwatt/validation/network_cases.hpp"

namespace waferwatt::cli {
namespace {

using Align = report::TextTable::Align;

void print_text(const validation::KernelReport& report) {
  report::TextTable table({"group", "n", "median %", "mean %", "p90 %", "bias %"},
                          {Align::left, Align::right, Align::right, Align::right, Align::right, Align::right});
  const auto percent = [](double x) { return std::isnan(x) ? std::string{"-"} : fmt::format("{:.1f}", 100 * x); };
  const auto add = [&](const std::string& name, const catalog::ErrorSummary& e) {
    if (e.n == 0) return table.add({name, "0", "-", "-", "-", "-"});
    table.add({name, std::to_string(e.n), percent(e.median), percent(e.mean), percent(e.p90),
               std::isnan(e.bias) ? "-" : fmt::format("{:+.1f}", 100 * e.bias)});
  };
  for (const auto& [name, e] : report.groups) add(name, e);
  add("all", report.all);
  fmt::print("{}", table.text(0));
  for (const auto& [name, band] : report.bands)
    fmt::print("{} estimates: {:.0f} % of {} within their median error, {:.0f} % within their 90 % band\n", name, 100 * band.within_median,
               band.n, 100 * band.within_p90);
  std::map<std::string, std::pair<std::size_t, std::string>> reasons;
  for (const auto& s : report.skipped) {
    auto& [n, first] = reasons[s.reason];
    if (n++ == 0) first = s.id;
  }
  constexpr std::size_t kShown = 12;
  if (!reasons.empty()) fmt::print("{} cases skipped:\n", report.skipped.size());
  std::size_t shown = 0;
  for (const auto& [reason, where] : reasons) {
    if (++shown > kShown) break;
    fmt::print("  {}: {}{}\n", where.second, reason, where.first > 1 ? fmt::format(" (and {} more)", where.first - 1) : "");
  }
  if (reasons.size() > kShown) fmt::print("  and {} other reasons; --json lists all\n", reasons.size() - kShown);
  fmt::print("{}\n", report.note);
}

void write_points(const std::string& file, const validation::KernelReport& report) {
  std::ofstream out(file);
  out << "group,measured_us,predicted_us,id\n";
  for (const auto& c : report.cases) out << fmt::format("{},{:.6g},{:.6g},{}\n", c.group, c.measured_s * 1e6, c.predicted_s * 1e6, c.id);
  if (!out.flush()) throw InputError(file + ": cannot be written");
}

}  // namespace

int validate_network(const Arguments& arguments) {
  const auto catalog = shared_catalog();
  const auto files = arguments.values("--cases");
  const auto report = files.empty() ? validation::shipped_network_errors(*catalog) : validation::validate_network(*catalog, files);
  validation::KernelReport shown{.skipped = report.skipped, .all = report.all, .groups = report.groups, .cases = report.cases, .note = report.note};
  for (const auto& [name, e] : report.held_out_groups)
    if (name.starts_with("all ")) shown.groups[name + " (held out)"] = e;
  if (const auto file = arguments.value("--points")) write_points(*file, shown);
  if (arguments.has("--json")) fmt::print("{}", io::to_json(report.json()));
  else print_text(shown);
  return kOk;
}

int validate_kernels(const Arguments& arguments) {
  const auto catalog = shared_catalog();
  const auto files = arguments.values("--cases");
  validation::KernelReport report;
  if (files.empty()) {
    if (arguments.has("--points")) throw UsageError("--points needs --cases: the measured times are not shipped");
    report = validation::shipped_kernel_errors(*catalog);
  } else {
    validation::Measurements measurements;
    for (const auto& file : files) validation::read_measurements(file, *catalog, arguments.value("--accelerator"), measurements);
    report = validation::validate_kernels(*catalog, measurements);
  }
  if (const auto file = arguments.value("--points")) write_points(*file, report);
  if (arguments.has("--json")) fmt::print("{}", io::to_json(report.json()));
  else print_text(report);
  return kOk;
}


}  // namespace waferwatt::cli
