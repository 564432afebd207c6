// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/validation/calibrate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <thread>

#include "power_fit.hpp"
#include "suspicion.hpp"
#include "waferwatt/core/parallel.hpp"
#include "waferwatt/cost/operator_fit.hpp"
#include "waferwatt/cost/operator_model.hpp"
#include "waferwatt/cost/quantised_gemm.hpp"

namespace waferwatt::validation {
namespace {

using catalog::OperatorKind;
using cost::FormulaCoefficients;

constexpr std::size_t kFewestRows = 30;
/// Above this share of impossible rows the file is of another accelerator or unit.
constexpr double kMostImpossible = 0.2;
/// Efficiencies below are of no kernel; above, of no data sheet. GDDR parts read their large cache: up to 1.1.
constexpr double kLeastEfficiency = 0.004, kMostEfficiency = 3;
/// The best kernels on memory with HBM reach 0.95 of either; more than this is of another accelerator, or of rows too small to tell.
constexpr double kMostOfGemm = 1.15;

struct Usable {
  std::vector<const Measurement*> rows;
  std::vector<cost::FitSample> samples;
  std::size_t n_impossible = 0;
  std::string first_reason;
};

/// Where each operator starts: medians of accelerators with HBM.
FormulaCoefficients prior_of(OperatorKind op) {
  switch (op) {
    case OperatorKind::attention_prefill:
    case OperatorKind::attention_backward:
      return {17e-6, 0.50, 0.30, 1.35, 5};
    case OperatorKind::attention_decode:
      return {8e-6, 0.20, 0.60, 3, 20};
    case OperatorKind::moe:
      return {30e-6, 0.70, 0.80, 1.5, 1.5};
    default:
      return {3e-6, 0.70, 0.78, 2, 1};
  }
}

/// Points kept per operator and format; calibrations stay below 450 kB. GEMMs gain from many points: one row
/// more than a multiple of the tile changes the kernel.
std::size_t grid_size(OperatorKind op, const std::string& format, std::size_t n_rows) {
  const std::size_t most = op == OperatorKind::gemm ? (format == "bf16" ? 9000 : 4000) : op == OperatorKind::moe ? 2000 : 1200;
  return std::min(most, std::max<std::size_t>(n_rows / 2, std::min<std::size_t>(n_rows, 100)));
}

/// Rows with the same site are held out together: (n, k), head configuration, expert configuration.
std::uint64_t site_of(const Measurement& row) {
  std::vector<std::size_t> dimensions;
  switch (row.op) {
    case OperatorKind::gemm:
      dimensions = {1, 2};
      break;
    case OperatorKind::grouped_gemm:
      dimensions = {0, 2, 3};
      break;
    case OperatorKind::attention_prefill:
    case OperatorKind::attention_backward:
      dimensions = {3, 4, 5, 6, 8};
      break;
    case OperatorKind::attention_decode:
      dimensions = {2, 3, 4};
      break;
    case OperatorKind::moe:
      dimensions = {1, 2, 3, 4, 5, 6};
      break;
    default:
      dimensions = {0};
  }
  std::uint64_t hash = 1469598103934665603u;
  for (const auto d : dimensions) hash = (hash ^ static_cast<std::uint64_t>(row.shape[d])) * 1099511628211u;
  return hash;
}

double ratio(double value) { return std::round(value * 1e5) / 1e5; }

double significant(double value) {
  if (value == 0 || !std::isfinite(value)) return 0;
  const double scale = std::pow(10, 4 - std::ceil(std::log10(std::abs(value))));
  return std::round(value * scale) / scale;
}

catalog::ErrorSummary rounded(catalog::ErrorSummary e) {
  e.median = ratio(e.median), e.mean = ratio(e.mean), e.p90 = ratio(e.p90), e.bias = std::max(-1.0, ratio(e.bias));
  return e;
}

catalog::ErrorSummary summary(const std::string& regime, const std::vector<cost::HeldOut>& held_out, std::optional<std::size_t> only = {}) {
  std::vector<double> errors;
  for (const auto& h : held_out)
    if (!only || h.regime == *only) errors.push_back(h.predicted_s / h.measured_s - 1);
  return rounded(cost::error_summary(regime, std::move(errors)));
}

/// Points in the order of their shapes, the dimension with the fewest values first: such columns are short in a file.
void order_by_shape(const std::vector<const Measurement*>& rows, cost::OperatorFitResult& result) {
  const std::size_t n = rows.front()->shape.size();
  std::vector<std::pair<std::size_t, std::size_t>> columns;  // number of values, dimension
  for (std::size_t j = 0; j < n; ++j) {
    std::set<std::int64_t> values;
    for (const auto i : result.grid) values.insert(rows[i]->shape[j]);
    columns.emplace_back(values.size(), j);
  }
  std::ranges::sort(columns);
  std::ranges::sort(result.grid, {}, [&](std::size_t i) {
    std::vector<std::int64_t> key;
    for (const auto& [values, j] : columns) key.push_back(rows[i]->shape[j]);
    return key;
  });
}

void describe_shape(const std::vector<const Measurement*>& rows, const cost::OperatorFitResult& result, catalog::OperatorFit& fit) {
  const auto columns = cost::shape_columns(fit.op);
  catalog::ResidualGrid grid;
  for (std::size_t j = 0; j < columns.size(); ++j) {
    const std::string name{columns[j]};
    auto& domain = fit.domain[name];
    domain = {rows.front()->shape[j], rows.front()->shape[j]};
    for (const auto* row : rows) domain = {std::min(domain[0], row->shape[j]), std::max(domain[1], row->shape[j])};
    auto& column = grid.shape[name].numbers;
    if (domain[0] == domain[1]) column = {domain[0]};
    else for (const auto i : result.grid) column.push_back(rows[i]->shape[j]);
  }
  grid.log_residual_e4.numbers.resize(result.grid.size());
  fit.grid = std::move(grid);
}

catalog::OperatorFit described(const Usable& usable, const cost::OperatorFitResult& result) {
  const auto& first = *usable.rows.front();
  const auto all = summary("all", result.held_out);
  std::vector<double> formula_errors;
  for (const auto& h : result.held_out) formula_errors.push_back(h.formula_s / h.measured_s - 1);
  const auto& f = result.formula.first;
  catalog::OperatorFit fit{.op = first.op, .format = first.format};
  if (first.is_sustained) fit.load = "sustained";
  fit.launch_time = significant(f.launch_s) * second;
  fit.compute_efficiency = significant(f.compute_efficiency), fit.memory_efficiency = significant(f.memory_efficiency);
  fit.exponent = std::max(1.0, significant(f.exponent)), fit.serial_factor = significant(f.serial_factor);
  if (const auto& o = result.formula.other)
    fit.other_branch = catalog::FormulaBranch{significant(o->launch_s) * second, significant(o->compute_efficiency),
                                              significant(o->memory_efficiency), std::max(1.0, significant(o->exponent)),
                                              significant(o->serial_factor)};
  fit.n_points = static_cast<std::int64_t>(usable.rows.size());
  fit.error_median = all.median, fit.error_mean = all.mean, fit.error_p90 = all.p90, fit.error_bias = all.bias;
  fit.formula_error_median = rounded(cost::error_summary("", std::move(formula_errors))).median;
  const char* const regimes[] = {"launch", "memory", "compute"};
  for (std::size_t i = 0; i < 3; ++i)
    if (auto e = summary(regimes[i], result.held_out, i); e.n > 0) fit.regimes.push_back(std::move(e));
  if (!result.extrapolated.empty()) fit.extrapolation = summary("largest tenth", result.extrapolated);
  describe_shape(usable.rows, result, fit);
  return fit;
}

/// Residuals are stored against the rounded coefficients, so that the kept points come back exactly.
void settle_residuals(const Usable& usable, const std::vector<std::size_t>& grid, catalog::OperatorFit& fit) {
  const auto formula = cost::Formula::of(fit);
  for (std::size_t i = 0; i < grid.size(); ++i) {
    const auto& s = usable.samples[grid[i]];
    fit.grid->log_residual_e4.numbers[i] = std::llround(std::log(s.time_s / formula.time(s.load)) * 1e4);
  }
}

/// Why coefficients cannot be trusted, or nothing.
std::optional<std::string> untrustworthy(const catalog::OperatorFit& fit, const catalog::Accelerator& accelerator) {
  const std::string name = io::enum_text(fit.op) + " " + fit.format;
  const double best = std::max(fit.compute_efficiency, fit.memory_efficiency);
  if (best < kLeastEfficiency)
    return fmt::format("{}: the times mean {:.2g} of the peak rate and {:.2g} of the bandwidth; are they in microseconds, and of this accelerator?",
                       name, fit.compute_efficiency, fit.memory_efficiency);
  if (fit.memory_efficiency > kMostEfficiency && fit.compute_efficiency > kMostEfficiency)
    return fmt::format("{}: the times mean {:.2g} times the peak rate and {:.2g} times the bandwidth", name, fit.compute_efficiency,
                       fit.memory_efficiency);
  if (fit.error_median > 0.5)
    return fmt::format("{}: half of the held-out times are missed by more than {:.0f} %; the rows do not follow their shapes", name,
                       100 * fit.error_median);
  const bool is_plain = fit.op == OperatorKind::gemm && fit.format == "bf16" && !fit.load && accelerator.memory;
  if (is_plain && std::max(fit.compute_efficiency, fit.memory_efficiency) > kMostOfGemm)
    return fmt::format("{}: the times mean {:.2g} of the peak rate and {:.2g} of the bandwidth of a {}, where 1 is the most; are they of another "
                       "accelerator, or all of small shapes?", name, fit.compute_efficiency, fit.memory_efficiency, accelerator.name);
  return std::nullopt;
}

using Key = std::tuple<OperatorKind, std::string, bool>;

/// Fits are of GEMMs that start from bf16: what a narrow one's row leaves out, by the model so far.
Time left_out(const cost::OperatorModel& model, const Measurement& row, const cost::Demand& demand) {
  if (row.library != kCublasLt || row.op != OperatorKind::gemm) return {};
  const auto recipe = row.format == "fp8_block" ? cost::Recipe::block : cost::Recipe::plain;
  return cost::quantisation_passes(model, static_cast<double>(row.shape[0]), static_cast<double>(row.shape[2]),
                                   cost::kKernelFormats[demand.format].arithmetic, recipe);
}

std::map<Key, Usable> usable_rows(const catalog::Catalog& catalog, const catalog::Accelerator& accelerator, const Measurements& measurements,
                                  std::vector<Skipped>& skipped) {
  const cost::OperatorModel model(accelerator, catalog);
  std::map<Key, Usable> groups;
  for (const auto& row : measurements.rows) {
    if (row.accelerator != accelerator.id) {
      skipped.push_back({measurements.id(row), "of " + row.accelerator});
      continue;
    }
    if (!row.library.empty() && row.library != kCublasLt) {
      skipped.push_back({measurements.id(row), fmt::format("of {}, which fits are not of", row.library)});
      continue;
    }
    Usable& group = groups[{row.op, row.format, row.is_sustained}];
    const auto demand = cost::demand_of_shape(row.op, row.format, row.shape);
    const auto peak = accelerator.peak(cost::kKernelFormats[demand.format].arithmetic);
    if (!peak && row.op != OperatorKind::attention_decode && demand.work > FlopCount{}) {
      skipped.push_back({measurements.id(row), accelerator.name + " has no peak rate for " + row.format});
      continue;
    }
    if (auto reason = implausible(row, demand, accelerator)) {
      ++group.n_impossible;
      if (group.first_reason.empty()) group.first_reason = measurements.id(row) + ": " + *reason;
      skipped.push_back({measurements.id(row), std::move(*reason)});
      continue;
    }
    group.rows.push_back(&row);
    group.samples.push_back({demand.load(peak.value_or(*accelerator.peak_bf16), *accelerator.memory_bandwidth),
                             row.time_s + left_out(model, row, demand).in(second), demand.at, site_of(row)});
  }
  return groups;
}

/// The fit of an operator and format, or why there is none.
struct Fitted {
  std::optional<catalog::OperatorFit> fit;
  std::optional<std::string> refused;
};

Fitted fitted(const Key& key, const Usable& group, const catalog::Accelerator& accelerator) {
  const auto op = std::get<0>(key);
  const std::string name = fmt::format("{} {}", io::enum_text(op), std::get<1>(key));
  const double all = static_cast<double>(group.rows.size() + group.n_impossible);
  if (static_cast<double>(group.n_impossible) > kMostImpossible * all)
    return {.refused = fmt::format("{}: {} of {} rows are faster than a {} can be ({}); are the times in microseconds, and of this accelerator?", name,
                                   group.n_impossible, all, accelerator.name, group.first_reason)};
  if (group.rows.empty()) return {};
  if (group.rows.size() < kFewestRows) return {.refused = fmt::format("{}: {} rows, a fit needs {}", name, group.rows.size(), kFewestRows)};
  auto result = cost::fit_operator(group.samples, {.prior = prior_of(op), .two_branches = op == OperatorKind::attention_decode,
                                                   .n_grid = grid_size(op, group.rows.front()->format, group.rows.size())});
  if (result.held_out.empty())
    return {.refused = fmt::format("{}: all {} rows are of one site, so that none can be predicted from others", name, group.rows.size())};
  order_by_shape(group.rows, result);
  auto fit = described(group, result);
  settle_residuals(group, result.grid, fit);
  if (auto reason = untrustworthy(fit, accelerator)) return {.refused = std::move(reason)};
  return {.fit = std::move(fit)};
}

}  // namespace

CalibrationFit fit_calibration(const catalog::Catalog& catalog, const std::string& accelerator_id, const Measurements& measurements) {
  const auto& accelerator = catalog.accelerators.at(accelerator_id);
  CalibrationFit result{.calibration = {.id = accelerator_id, .accelerator = accelerator_id}, .skipped = measurements.skipped};
  for (const auto& doubt : measurements.doubts) result.skipped.push_back({accelerator_id, doubt});
  if (const auto reason = wrong_unit(catalog, accelerator_id, measurements)) throw InputError(accelerator_id + ": " + *reason);
  if (const auto reason = other_accelerator(catalog, accelerator_id, measurements)) throw InputError(accelerator_id + ": " + *reason);
  if (const auto reason = evenly_off(catalog, accelerator_id, measurements)) {
    if (is_measured(catalog, accelerator_id)) throw InputError(accelerator_id + ": " + *reason);
    result.skipped.push_back({accelerator_id, *reason});
  }
  const auto groups = usable_rows(catalog, accelerator, measurements, result.skipped);
  std::vector<std::map<Key, Usable>::const_iterator> each;
  for (auto group = groups.begin(); group != groups.end(); ++group) each.push_back(group);
  std::vector<Fitted> found(each.size());
  core::in_parallel(each.size(), std::max(1u, std::thread::hardware_concurrency()),
                    [&](std::size_t i) { found[i] = fitted(each[i]->first, each[i]->second, accelerator); });
  std::vector<Diagnostic> refused;
  for (auto& [fit, reason] : found) {
    if (reason) refused.push_back({.message = std::move(*reason)});
    if (fit) result.calibration.fits.push_back(std::move(*fit));
  }
  // What is refused is an error if nothing is left, or if most rows were bad; small groups beside good ones are skipped.
  for (const auto& r : refused) result.skipped.push_back({accelerator_id, r.message});
  if (result.calibration.fits.empty()) {
    if (refused.empty()) throw InputError("no usable rows for " + accelerator_id);
    throw InputError(refused);
  }
  result.calibration.power = fit_power(accelerator, measurements.rows);
  return result;
}

std::string calibration_text(const catalog::Calibration& calibration) { return io::to_json(io::Codec<catalog::Calibration>::write(calibration)); }

}  // namespace waferwatt::validation
