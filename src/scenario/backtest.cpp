// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/backtest.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "waferwatt/core/number_text.hpp"

namespace waferwatt::scenario {
namespace {

constexpr const char* kBacktestSchema = "waferwatt.backtests/1";

std::string label(const Foretold& f) {
  std::string text = f.outcome.metric;
  for (const auto& [key, value] : f.outcome.dims) text += " " + value;
  return text;
}

/// Linear between order statistics. \param values sorted and not empty
double quantile(const std::vector<double>& values, double probability) {
  const double at = probability * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (values[above] - values[below]) * (at - static_cast<double>(below));
}

io::Value error_summary(const std::vector<const Foretold*>& results) {
  std::vector<double> errors;
  double sum = 0, absolute = 0, covered = 0, banded = 0;
  for (const auto* r : results) {
    if (r->outcome.outcome != 0) {
      errors.push_back(100 * std::abs(r->error()));
      sum += 100 * r->error();
      absolute += errors.back();
    }
    covered += r->is_covered();
    banded += r->low.has_value();
  }
  std::ranges::sort(errors);
  const auto n = static_cast<double>(errors.size());
  io::Value value{io::Value::Object{}};
  value["n"] = io::Value{n};
  if (errors.empty()) return value;
  value["median_abs_pct"] = io::Value{quantile(errors, 0.5)};
  value["mean_abs_pct"] = io::Value{absolute / n};
  value["p90_abs_pct"] = io::Value{quantile(errors, 0.9)};
  value["bias_pct"] = io::Value{sum / n};
  if (banded > 0) value["covered_by_band"] = io::Value{covered / banded};
  return value;
}

io::Value json_of(const Foretold& r) {
  io::Value value{io::Value::Object{}};
  io::Value dims{io::Value::Object{}};
  for (const auto& [key, text] : r.outcome.dims) dims[key] = io::Value{text};
  value["id"] = io::Value{r.backtest};
  value["metric"] = io::Value{r.outcome.metric};
  value["dims"] = std::move(dims);
  value["foretold"] = io::Value{r.value};
  if (r.low) value["low"] = io::Value{*r.low};
  if (r.high) value["high"] = io::Value{*r.high};
  value["outcome"] = io::Value{r.outcome.outcome};
  value["unit"] = io::Value{r.outcome.unit};
  value["error_pct"] = io::Value{100 * r.error()};
  if (r.low) value["covered"] = io::Value{r.is_covered()};
  if (r.outcome.goal) value["goal_pct"] = io::Value{100 * *r.outcome.goal};
  if (r.outcome.goal) value["passes"] = io::Value{r.passes()};
  value["source"] = io::Value{r.outcome.source};
  if (!r.outcome.note.empty()) value["note"] = io::Value{r.outcome.note};
  return value;
}

}  // namespace

const io::Record<KnownOutcome>& KnownOutcome::record() {
  using O = KnownOutcome;
  static const auto record = io::Record<O>("known_outcome", "What came, and the metric that foretells it.")
                                 .required("metric", &O::metric, {.doc = "Name of a metric of summary.json."})
                                 .optional("dims", &O::dims, {.doc = "Its dimensions."})
                                 .required("outcome", &O::outcome, {.doc = "What came."})
                                 .required("unit", &O::unit, {.doc = "Unit of the outcome; the metric's own."})
                                 .required("source", &O::source, {.doc = "Where the outcome is from."})
                                 .optional("note", &O::note, {.doc = "Remarks."})
                                 .optional("goal", &O::goal, {.doc = "Largest relative error that passes; absent: reported only.", .above = 0.0, .at_most = 10.0});
  return record;
}

const io::Record<Backtest>& Backtest::record() {
  using B = Backtest;
  static const auto record = io::Record<B>("backtest", "A scenario that starts in the past.")
                                 .required("id", &B::id, {.doc = "Id of the backtest."})
                                 .required("question", &B::question, {.doc = "What it asks."})
                                 .required("scenario", &B::scenario, {.doc = "Scenario file, relative to this one."})
                                 .required("outcomes", &B::outcomes, {.doc = "What came."})
                                 .optional("note", &B::note, {.doc = "Remarks."});
  return record;
}

const io::Record<BacktestFile>& BacktestFile::record() {
  using F = BacktestFile;
  static const auto record = io::Record<F>("backtests", "Backtests of a set.")
                                 .required("schema", &F::schema, {.doc = "\"waferwatt.backtests/1\"."})
                                 .required("cases", &F::cases, {.doc = "The backtests."})
                                 .check([](const F& f, const io::FieldComplaint& complain) {
                                   if (f.schema != kBacktestSchema) complain("schema", fmt::format("expected \"{}\"", kBacktestSchema));
                                 });
  return record;
}

io::Value BacktestReport::json(std::string_view set) const {
  std::map<std::string, std::vector<const Foretold*>> by_id, by_metric;
  io::Value::List cases, left_out;
  for (const auto& r : results) {
    by_id[r.backtest].push_back(&r);
    by_metric[r.outcome.metric].push_back(&r);
    cases.push_back(json_of(r));
  }
  for (const auto& [id, reason] : skipped) left_out.push_back(io::Value{io::Value::Object{{"id", io::Value{id}}, {"reason", io::Value{reason}}}});
  io::Value value{io::Value::Object{}}, metrics{io::Value::Object{}}, groups{io::Value::Object{}};
  for (const auto& [id, members] : by_id) metrics[id] = error_summary(members);
  for (const auto& [metric, members] : by_metric) groups[metric] = error_summary(members);
  value["set"] = io::Value{std::string{set}};
  value["n_cases"] = io::Value{static_cast<double>(results.size())};
  value["n_skipped"] = io::Value{static_cast<double>(skipped.size())};
  value["skipped"] = io::Value{std::move(left_out)};
  value["metrics"] = std::move(metrics);
  value["groups"] = std::move(groups);
  value["cases"] = io::Value{std::move(cases)};
  return value;
}

std::string BacktestReport::text() const {
  std::string text = fmt::format("{:<5} {:<62} {:>9} {:>9} {:>21} {:>8}  {}\n", "test", "what", "foretold", "outcome", "80 % band", "error", "verdict");
  double covered = 0, banded = 0, failed = 0, with_goal = 0;
  for (const auto& r : results) {
    const std::string band = r.low ? fmt::format("{} to {}", compact_number(*r.low), compact_number(*r.high)) : "";
    std::string verdict = r.outcome.goal ? (r.passes() ? "pass" : fmt::format("FAIL (goal {:.0f} %)", 100 * *r.outcome.goal)) : "";
    if (r.low) verdict += fmt::format("{}{}", verdict.empty() ? "" : ", ", r.is_covered() ? "covered" : "not covered");
    text += fmt::format("{:<5} {:<62} {:>9} {:>9} {:>21} {:>8}  {}\n", r.backtest, label(r).substr(0, 62), compact_number(r.value), compact_number(r.outcome.outcome), band,
                        r.outcome.outcome != 0 ? fmt::format("{:+.1f} %", 100 * r.error()) : "", verdict);
    covered += r.is_covered();
    banded += r.low.has_value();
    failed += !r.passes();
    with_goal += r.outcome.goal.has_value();
  }
  for (const auto& [id, reason] : skipped) text += fmt::format("{:<5} skipped: {}\n", id, reason);
  text += fmt::format("{:.0f} of {:.0f} goals met; the 80 % band covers {:.0f} of {:.0f} outcomes\n", with_goal - failed, with_goal, covered, banded);
  return text;
}

BacktestReport run_backtests(const std::filesystem::path& file, std::shared_ptr<const catalog::Catalog> catalog, const RunOptions& options) {
  Diagnostics diagnostics;
  const io::Value document = io::read_json_file(file.string(), diagnostics);
  diagnostics.throw_if_any();
  BacktestFile backtests;
  io::ReadContext context{diagnostics};
  BacktestFile::record().read(document, "", context, backtests);
  diagnostics.throw_if_any();

  BacktestReport report;
  std::map<std::string, Result> results;  // several tests may look at one scenario
  for (std::size_t i = 0; i < backtests.cases.size(); ++i) {
    const auto& test = backtests.cases[i];
    options.progress(static_cast<double>(i) / static_cast<double>(backtests.cases.size()), test.id);
    try {
      auto found = results.find(test.scenario);
      if (found == results.end()) found = results.emplace(test.scenario, run_isolated(load((file.parent_path() / test.scenario).string(), catalog), {.n_jobs = options.n_jobs}).result).first;
      const auto& metrics = found->second.metrics;
      for (const auto& outcome : test.outcomes) {
        const auto metric = std::ranges::find_if(metrics, [&](const Metric& m) { return m.name == outcome.metric && m.dims == outcome.dims; });
        if (metric != metrics.end()) {
          report.results.push_back({test.id, outcome, metric->value, metric->low, metric->high});
        } else {
          Foretold wanted{test.id, outcome, 0, {}, {}};
          report.skipped.emplace_back(test.id, fmt::format("the run has no metric {}", label(wanted)));
        }
      }
    } catch (const InputError& error) {
      report.skipped.emplace_back(test.id, error.what());
    } catch (const RunError& error) {
      report.skipped.emplace_back(test.id, error.what());
    }
  }
  return report;
}

}  // namespace waferwatt::scenario
