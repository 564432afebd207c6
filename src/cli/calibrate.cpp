// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "calibrate_words.hpp"
#include "waferwatt/report/text_table.hpp"
#include "waferwatt/validation/calibrate.hpp"

namespace waferwatt::cli {
namespace {

namespace fs = std::filesystem;
using Align = report::TextTable::Align;

/// Reasons with how often each came and where it came first.
void print_skipped(const std::vector<validation::Skipped>& skipped) {
  constexpr std::size_t kShown = 12;
  if (skipped.empty()) return;
  fmt::print("{} rows were not used:\n", skipped.size());
  for (std::size_t i = 0; i < std::min(kShown, skipped.size()); ++i) fmt::print("  {}: {}\n", skipped[i].id, skipped[i].reason);
  if (skipped.size() > kShown) fmt::print("  and {} more; --skipped FILE writes them all\n", skipped.size() - kShown);
}

void write_text(const fs::path& path, const std::string& text) {
  std::ofstream out(path);
  out << text;
  if (!out.flush()) throw InputError(path.string() + ": cannot be written");
}

std::string percent(double value) { return fmt::format("{:.1f}", 100 * value); }

void print_fits(const catalog::Calibration& calibration) {
  report::TextTable table({"operator", "format", "rows", "t0 us", "ec", "em", "p", "formula %", "median %", "mean %", "p90 %"},
                          {Align::left, Align::left, Align::right, Align::right, Align::right, Align::right, Align::right,
                           Align::right, Align::right, Align::right, Align::right});
  for (const auto& f : calibration.fits)
    table.add({io::enum_text(f.op), f.format + (f.load ? " " + *f.load : ""), std::to_string(f.n_points),
               fmt::format("{:.2f}", f.launch_time.in(micro * second)), fmt::format("{:.3f}", f.compute_efficiency),
               fmt::format("{:.3f}", f.memory_efficiency), fmt::format("{:.2f}", f.exponent), percent(f.formula_error_median.value_or(0)),
               percent(f.error_median), percent(f.error_mean), percent(f.error_p90)});
  fmt::print("{}errors: held out, 5 folds grouped by site; formula: without residuals\n", table.text(0));
}

int fit(const Arguments& arguments) {
  const auto& words = arguments.positional();
  if (!words.empty() && words[0] == "collectives") return calibrate_collectives(arguments);
  if (!words.empty() && words[0] == "software") return calibrate_software(arguments);
  if (words.empty() || words[0] != "fit")
    throw UsageError(fmt::format("usage: waferwatt calibrate fit|collectives FILE... [--accelerator ID]{}",
                                 words.empty() ? "" : core::suggestion(words[0], {"fit", "collectives", "software"}, "words")));
  if (words.size() < 2) throw UsageError("FILE is missing");
  const auto catalog = shared_catalog();
  const auto asked = arguments.value("--accelerator");
  validation::Measurements measurements;
  for (std::size_t i = 1; i < words.size(); ++i) validation::read_measurements(words[i], *catalog, asked, measurements);
  if (!asked && measurements.rows.empty()) throw InputError("no usable rows; " + (measurements.skipped.empty() ? "the files are empty" : measurements.skipped.front().reason));
  const std::string accelerator = asked ? *asked : measurements.rows.front().accelerator;

  const fs::path out = arguments.value("--output").value_or((catalog->folder / "calibrations" / (accelerator + ".json")).string());
  if (fs::exists(out) && !arguments.has("--force")) throw InputError(out.string() + ": is there already; --force replaces it");
  auto result = validation::fit_calibration(*catalog, accelerator, measurements);
  auto& calibration = result.calibration;
  calibration.source = arguments.value("--source").value_or("aiconfigurator-kernels");
  calibration.quality = catalog::Quality::derived;
  calibration.origin = measurements.is_of_calibrate ? catalog::Origin::measured : catalog::Origin::published;
  calibration.note = "Fit of t0 + s S + ((F/(P ec))^p + (B/(W em))^p)^(1/p) and residuals at representative points; docs/models/cost.md.";
  calibration.command = "waferwatt calibrate fit";
  for (const auto& file : measurements.files) *calibration.command += " " + file;
  *calibration.command += " --accelerator " + accelerator;

  if (const auto file = arguments.value("--skipped")) {
    std::string text = "id,reason\n";
    for (const auto& s : result.skipped) text += fmt::format("{},\"{}\"\n", s.id, s.reason);
    write_text(*file, text);
  }
  write_text(out, validation::calibration_text(calibration));
  print_fits(calibration);
  print_skipped(result.skipped);
  fmt::print("{}: {} of {} rows\n", out.string(), measurements.rows.size() + measurements.skipped.size() - result.skipped.size(),
             measurements.rows.size() + measurements.skipped.size());
  if (!catalog->sources.contains(calibration.source))
    fmt::print("add the source \"{}\" to models/sources.json before the catalog is read with this file\n", calibration.source);
  return kOk;
}

}  // namespace

Command calibrate_command() {
  return {.name = "calibrate",
          .arguments = "fit|collectives FILE... [--accelerator ID] [-o OUT] | software STACK [NUMBER...] [--cases FILE]",
          .doc = "Fit measured operators or collectives (CSV, CSV in gzip, waferwatt-calibrate's file), or a training stack.",
          .examples = "  waferwatt calibrate fit h200_sxm_*.csv.gz --accelerator nvidia-h200-sxm -o models/calibrations/nvidia-h200-sxm.json\n"
                      "  waferwatt calibrate collectives all_nccl.csv.gz all_deepep_*.csv.gz -o models/collectives --force\n"
                      "  waferwatt calibrate software megatron-2021 --cases iterations.csv\n"
                      "columns of a CSV (times in microseconds; the accelerator is a column \"system\" or the file's name):\n"
                      "  dtype,m,n,k,us[,watts,power_limit]\n"
                      "  dtype,kv_dtype,batch_size,isl,num_heads,num_kv_heads,head_dim,win,us\n"
                      "  dtype,kv_dtype,batch_size,kv_len,num_heads,num_kv_heads,head_dim,win,us\n"
                      "  dtype,kernel_source,num_tokens,hidden_size,inter_size,topk,num_experts,tp,ep,distribution,us\n"
                      "cuDNN's own benchmark tables (attention, norms) are read as they are.\n",
          .options = {{"--accelerator", "-a", "ID", "Accelerator that was measured; default: what the file says."},
                      {"--output", "-o", "OUT", "File to write; of collectives a folder; default: models/calibrations/ID.json, models/collectives."},
                      {"--source", "", "ID", "Source of the measurements in models/sources.json."},
                      {"--cases", "", "FILE", "Measured iterations, as of validate training; default: those shipped (software).", true},
                      {"--all", "", "", "Fit to all cases, not to those of the stack alone (software)."},
                      {"--skipped", "", "FILE", "Write rows that were not used, with reasons, as CSV."},
                      {"--force", "", "", "Replace OUT."}},
          .run = fit};
}

}  // namespace waferwatt::cli
