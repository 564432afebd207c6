// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/validation/kernels.hpp"

#include <fmt/format.h>

#include <cmath>

#include "library_prediction.hpp"
#include "suspicion.hpp"
#include "waferwatt/cost/operator_fit.hpp"
#include "waferwatt/cost/operator_model.hpp"

namespace waferwatt::validation {
namespace {

io::Value metric(const catalog::ErrorSummary& e) {
  const auto percent = [](double x) { return std::round(x * 1e5) / 1e3; };
  io::Value v;
  v["n"] = e.n;
  if (e.n == 0) return v;
  v["median_abs_pct"] = percent(e.median);
  v["mean_abs_pct"] = percent(e.mean);
  v["p90_abs_pct"] = percent(e.p90);
  v["bias_pct"] = percent(e.bias);
  return v;
}

std::string group_name(const std::string& accelerator, catalog::OperatorKind op, const std::string& format, bool is_sustained) {
  return fmt::format("{} {} {}{}", accelerator, io::enum_text(op), format, is_sustained ? " sustained" : "");
}

const char* name_of(cost::Provenance provenance) {
  switch (provenance) {
    case cost::Provenance::measured:
      return "measured";
    case cost::Provenance::fitted:
      return "fitted";
    case cost::Provenance::transferred:
      return "transferred";
    case cost::Provenance::spec_only:
      return "spec only";
  }
  return "";
}

/// Counts, until finished.
void count(const cost::Estimate& estimate, double measured_s, BandCoverage& band) {
  const double off = std::abs(std::log(measured_s / estimate.time.in(second)));
  ++band.n;
  band.within_median += off <= std::log1p(estimate.error), band.within_p90 += off <= std::log1p(estimate.error_p90);
}

cost::Estimate predicted(const cost::OperatorModel& model, const Measurement& row, const cost::Demand& demand) {
  if (row.op == catalog::OperatorKind::gemm && row.is_sustained) {
    const auto& format = cost::kKernelFormats[demand.format];
    const auto recipe = row.format == "fp8_block" ? cost::Recipe::block : cost::Recipe::plain;
    return model.sustained({static_cast<double>(row.shape[0]), static_cast<double>(row.shape[1]),
                            static_cast<double>(row.shape[2]), format.arithmetic, recipe});
  }
  if (const auto of_library = library_estimate(model, row)) return *of_library;
  return model.estimate(demand);
}

}  // namespace

KernelReport validate_kernels(const catalog::Catalog& catalog, const Measurements& measurements) {
  KernelReport report{.skipped = measurements.skipped};
  report.n_cases = static_cast<std::int64_t>(measurements.rows.size() + measurements.skipped.size());
  std::map<std::string, std::unique_ptr<cost::OperatorModel>> models;
  std::map<std::string, std::vector<double>> errors;
  std::vector<double> all;
  for (const auto& row : measurements.rows) {
    try {
      const auto& accelerator = catalog.accelerators.at(row.accelerator);
      auto& model = models[row.accelerator];
      if (!model) model = std::make_unique<cost::OperatorModel>(accelerator, catalog);
      const auto demand = cost::demand_of_shape(row.op, row.format, row.shape);
      if (const auto reason = implausible(row, demand, accelerator)) throw InputError(*reason);
      const auto estimate = predicted(*model, row, demand);
      const double time_s = estimate.time.in(second), error = time_s / row.time_s - 1;
      count(estimate, row.time_s, report.bands[name_of(estimate.provenance)]);
      const std::string group = group_name(row.accelerator, row.op, row.format, row.is_sustained) + (row.library.empty() ? "" : " " + row.library);
      errors[group].push_back(error);
      all.push_back(error);
      report.cases.push_back({group, row.time_s, time_s, measurements.id(row)});
    } catch (const InputError& error) {
      report.skipped.push_back({measurements.id(row), error.diagnostics().front().message});
    }
  }
  for (auto& [name, band] : report.bands) band.within_median /= static_cast<double>(band.n), band.within_p90 /= static_cast<double>(band.n);
  report.all = cost::error_summary("", std::move(all));
  for (auto& [group, list] : errors) report.groups[group] = cost::error_summary("", std::move(list));
  report.note = "predictions of the catalog's calibrations; rows that a calibration was fitted to are not held out";
  for (const auto& doubt : measurements.doubts) report.note += "; " + doubt;
  for (const auto& [id, model] : models) {
    if (!catalog.accelerators.find(id)) continue;
    auto suspicion = wrong_unit(catalog, id, measurements);
    if (!suspicion) suspicion = other_accelerator(catalog, id, measurements);
    if (!suspicion) suspicion = evenly_off(catalog, id, measurements);
    if (suspicion) report.note += "; " + id + ": " + *suspicion;
  }
  return report;
}

KernelReport shipped_kernel_errors(const catalog::Catalog& catalog) {
  KernelReport report;
  for (const auto& [id, calibration] : catalog.calibrations.all())
    for (const auto& fit : calibration.fits) {
      const std::string group = group_name(calibration.accelerator, fit.op, fit.format, fit.load == "sustained") +
                                (fit.distribution ? " " + *fit.distribution : "");
      report.n_cases += fit.n_points;
      if (!fit.grid) {
        report.skipped.push_back({group, "coefficients without residual grid: errors are of the formula alone"});
        continue;
      }
      report.groups[group] = {.n = fit.n_points, .median = fit.error_median, .mean = fit.error_mean, .p90 = fit.error_p90,
                              .bias = fit.error_bias.value_or(0)};
    }
  // Averages weighted by points stand for all groups together: the single errors are not shipped.
  for (const auto& [name, e] : report.groups) {
    const double n = static_cast<double>(e.n);
    report.all.n += e.n;
    report.all.median += n * e.median, report.all.mean += n * e.mean, report.all.p90 += n * e.p90, report.all.bias += n * e.bias;
  }
  if (const double n = static_cast<double>(report.all.n); n > 0)
    report.all.median /= n, report.all.mean /= n, report.all.p90 /= n, report.all.bias /= n;
  report.note = "held-out errors (5 folds grouped by site) that ship with the calibrations; the figures over all groups are their "
                "averages weighted by points; give --cases FILE to predict a file";
  return report;
}

io::Value KernelReport::json() const {
  io::Value v;
  v["set"] = "kernels";
  v["n_cases"] = n_cases;
  v["n_skipped"] = static_cast<std::int64_t>(skipped.size());
  io::Value::List list;
  for (const auto& s : skipped) list.push_back(io::Value{io::Value::Object{{"id", io::Value{s.id}}, {"reason", io::Value{s.reason}}}});
  v["skipped"] = io::Value{std::move(list)};
  v["metrics"] = io::Value{io::Value::Object{{"time", metric(all)}}};
  io::Value::Object by_group;
  for (const auto& [name, e] : groups) by_group.push_back({name, io::Value{io::Value::Object{{"time", metric(e)}}}});
  v["groups"] = io::Value{std::move(by_group)};
  io::Value::Object by_provenance;
  for (const auto& [name, band] : bands)
    by_provenance.push_back({name, io::Value{io::Value::Object{{"n", io::Value{band.n}}, {"within_median", io::Value{band.within_median}},
                                                               {"within_p90", io::Value{band.within_p90}}}}});
  v["bands"] = io::Value{std::move(by_provenance)};
  v["note"] = note;
  return v;
}

}  // namespace waferwatt::validation
