// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "calibrate_words.hpp"
#include "waferwatt/report/text_table.hpp"
#include "waferwatt/validation/collective_fit.hpp"

namespace waferwatt::cli {
namespace {

namespace fs = std::filesystem;
using Align = report::TextTable::Align;

void print_curves(const catalog::CollectiveCalibration& calibration) {
  report::TextTable table({"library", "operation", "ranks", "nodes", "sizes", "points", "held out %"},
                          {Align::left, Align::left, Align::right, Align::right, Align::right, Align::right, Align::right});
  for (const auto& c : calibration.curves)
    table.add({c.library, c.operation, std::to_string(c.n_ranks), std::to_string(c.n_nodes), std::to_string(c.sizes_byte.size()),
               std::to_string(c.n_points), fmt::format("{:.1f}", 100 * c.held_out_error)});
  fmt::print("{}\n{}", calibration.accelerator, table.text(0));
}

void print_reasons(const std::vector<validation::Skipped>& skipped) {
  std::map<std::string, std::pair<std::size_t, std::string>> reasons;  // how often, where first
  for (const auto& s : skipped)
    if (auto& [n, first] = reasons[s.reason]; n++ == 0) first = s.id;
  for (const auto& [reason, where] : reasons) fmt::print("  {}: {}{}\n", where.second, reason, where.first > 1 ? fmt::format(" (and {} more)", where.first - 1) : "");
}

}  // namespace

int calibrate_collectives(const Arguments& arguments) {
  const auto& words = arguments.positional();
  if (words.size() < 2) throw UsageError("FILE is missing");
  const auto catalog = shared_catalog();
  const auto asked = arguments.value("--accelerator");
  const auto fit = validation::fit_collectives(*catalog, {words.begin() + 1, words.end()}, arguments.value("--source").value_or("aiconfigurator-nccl"));
  const fs::path folder = arguments.value("--output").value_or((catalog->folder / "collectives").string());
  std::vector<std::pair<fs::path, std::string>> texts;
  for (const auto& calibration : fit.calibrations) {
    if (asked && calibration.accelerator != *asked) continue;
    const fs::path file = folder / (calibration.id + ".json");
    if (fs::exists(file) && !arguments.has("--force")) throw InputError(file.string() + ": is there already; --force replaces it");
    texts.emplace_back(file, validation::collective_text(calibration));
    print_curves(calibration);
  }
  if (texts.empty()) throw InputError(asked ? "no usable rows of " + *asked : "no usable rows; " + (fit.skipped.empty() ? "the files are empty" : fit.skipped.front().reason));
  fs::create_directories(folder);
  for (const auto& [file, text] : texts) {
    std::ofstream out(file);
    out << text;
    if (!out.flush()) throw InputError(file.string() + ": cannot be written");
    fmt::print("{}\n", file.string());
  }
  if (const auto file = arguments.value("--skipped")) {
    std::ofstream out(*file);
    out << "id,reason\n";
    for (const auto& s : fit.skipped) out << fmt::format("{},\"{}\"\n", s.id, s.reason);
    if (!out.flush()) throw InputError(*file + ": cannot be written");
  }
  fmt::print("{} of {} rows\n", fit.n_rows - static_cast<std::int64_t>(fit.skipped.size()), fit.n_rows);
  print_reasons(fit.skipped);
  return kOk;
}

}  // namespace waferwatt::cli
