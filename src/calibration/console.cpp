// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "calibration/document.hpp"
#include "calibration/gates.hpp"

namespace waferwatt::calibration {
namespace {

/// The largest rate of an operator and format among burst points.
double best_rate(const Run& run, const std::string& op, const std::string& format, double (*amount)(const Point&)) {
  double best = 0;
  for (const Measurement& m : run.measurements)
    if (m.point.op == op && m.point.format == format && !m.passes.empty() && m.mode == "burst" && m.point.cold)
      best = std::max(best, amount(m.point) / m.passes.front().us.median * 1e6);
  return best;
}

std::string sustained_text(const Run& run) {
  std::string text;
  for (const Measurement& sustained : run.measurements) {
    if (sustained.mode != "sustained" || sustained.passes.empty()) continue;
    for (const Measurement& burst : run.measurements)
      if (burst.mode == "burst" && !burst.passes.empty() && burst.point.name() == sustained.point.name())
        text += fmt::format("  sustained over burst, {}: {:.3f}\n", sustained.point.name(),
                            sustained.passes[0].us.median / burst.passes[0].us.median);
  }
  return text;
}

std::string worst_text(const Run& run) {
  std::vector<std::pair<double, const Measurement*>> spread;
  for (const Measurement& m : run.measurements)
    if (!m.passes.empty()) spread.emplace_back(m.passes[0].us.p90 / std::max(m.passes[0].us.p10, 1e-9), &m);
  const auto n = static_cast<std::ptrdiff_t>(std::min<std::size_t>(5, spread.size()));
  std::partial_sort(spread.begin(), spread.begin() + n, spread.end(),
                    [](auto& a, auto& b) { return a.first > b.first; });
  std::string text;
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    const auto& [ratio, m] = spread[static_cast<std::size_t>(i)];
    std::string why;
    for (const std::string& flag : flags(*m, run.device)) why += ' ' + flag;
    text += fmt::format("  p90/p10 {:.2f}: {}{}\n", ratio, m->point.name(), why);
  }
  return text;
}

}  // namespace

std::string console_summary(const Run& run) {
  std::map<std::string, int> flagged;
  int measured = 0, unsupported = 0;
  for (const Measurement& m : run.measurements) {
    (m.passes.empty() ? unsupported : measured) += 1;
    for (const std::string& flag : flags(m, run.device)) ++flagged[flag];
  }
  std::string text = fmt::format("{}: {} points measured, {} not, in {:.0f} s\n", run.device.name, measured,
                                 unsupported, run.duration_s);
  text += "flags:";
  for (const auto& [name, n] : flagged) text += fmt::format(" {} {}", name, n);
  text += fmt::format("\npeaks: bf16 {:.0f} TFLOP/s, fp8 {:.0f} TFLOP/s, copy {:.2f} TB/s\n",
                      best_rate(run, "gemm", "bf16", work) * 1e-12, best_rate(run, "gemm", "fp8_e4m3", work) * 1e-12,
                      best_rate(run, "stream", "bf16", bytes) * 1e-12);
  text += fmt::format("sentinel drift: {:.1f} %\n", 100 * sentinel_drift(run.sentinels)) + sustained_text(run);
  text += "worst points:\n" + worst_text(run);
  for (const std::string& what : run.not_measured) text += "not measured: " + what + '\n';
  for (const Check& check : run.checks)
    text +=
        fmt::format("check {} {}: {}\n", check.op, check.format,
                    check.reason.empty() ? fmt::format("{} (error {:.2e}, limit {:.0e})", check.pass ? "ok" : "WRONG",
                                                       check.relative_error, check.limit)
                                         : check.reason);
  const auto found = gates(run);
  for (const Gate& g : found)
    text +=
        fmt::format("gate {}: {:.4g} in {:g} ... {:g}: {}\n", g.name, g.value, g.low, g.high, g.pass ? "pass" : "FAIL");
  return text + "status: " + status(run, found) + '\n';
}

}  // namespace waferwatt::calibration
