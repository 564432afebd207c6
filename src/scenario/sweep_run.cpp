// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/sweep_run.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "sweep_tables.hpp"

namespace waferwatt::scenario {
namespace {

/// Fowler-Noll-Vo, 64 bits: names, not secrets.
class Fingerprint {
 public:
  void add(std::string_view bytes) {
    for (const char c : bytes) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    state_ = (state_ ^ 0xffu) * 0x100000001b3u;
  }
  std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325u;
};

/// Of all files of a catalog, in order of their names.
std::uint64_t catalog_fingerprint(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, error))
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  std::ranges::sort(files);
  Fingerprint print;
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    print.add(std::string{std::istreambuf_iterator<char>(in), {}});
  }
  return print.value();
}

std::string key_of(const Scenario& point, const std::string& program, std::uint64_t catalog) {
  Fingerprint print;
  print.add(io::to_json(point.resolved()));
  print.add(program);
  print.add(std::to_string(catalog));
  return fmt::format("{:016x}", print.value());
}

std::string strongest_bind(const Result& result) {
  const auto at = std::ranges::find_if(result.binds, [](const Binding& bind) { return bind.scope.empty(); });
  if (at != result.binds.end()) return at->resource;
  return result.binds.empty() ? "" : result.binds.front().resource;
}

PointRecord record_of(const RunEnd& end) {
  if (!end.failure.empty()) return {.status = PointStatus::failed, .reason = end.failure};
  if (!end.outcome) return {.status = PointStatus::infeasible, .reason = end.infeasible};
  const Result& result = end.outcome->result;
  return {.status = result.infeasible.empty() ? PointStatus::ok : PointStatus::infeasible,
          .reason = result.infeasible,
          .headline = result.headline,
          .binds = strongest_bind(result),
          .metrics = result.metrics};
}

}  // namespace

const io::Record<PointRecord>& PointRecord::record() {
  static const auto record = io::Record<PointRecord>("sweep_point", "What is kept of one point of a sweep.")
                                 .required("status", &PointRecord::status, {.doc = "How its run ended."})
                                 .optional("reason", &PointRecord::reason, {.doc = "Why there is no result."})
                                 .optional("headline", &PointRecord::headline, {.doc = "Its answer."})
                                 .optional("binds", &PointRecord::binds, {.doc = "What binds most."})
                                 .optional("metrics", &PointRecord::metrics, {.doc = "Its metrics."});
  return record;
}

const io::Record<Metric>& Metric::record() {
  static const auto record = io::Record<Metric>("metric", "One number of a result.")
                                 .required("name", &Metric::name, {.doc = "Name."})
                                 .optional("dims", &Metric::dims, {.doc = "What of."})
                                 .required("value", &Metric::value, {.doc = "Value."})
                                 .required("unit", &Metric::unit, {.doc = "Unit."})
                                 .optional("low", &Metric::low, {.doc = "10 % quantile."})
                                 .optional("high", &Metric::high, {.doc = "90 % quantile."});
  return record;
}

std::string point_key(const Scenario& point, const std::string& program) { return key_of(point, program, catalog_fingerprint(point.catalog->folder)); }

SweepOutcome run_sweep(const Scenario& scenario, const std::string& program, PointStore& store, const RunOptions& options) {
  const auto points = sweep_points(scenario);
  const std::uint64_t catalog = catalog_fingerprint(scenario.catalog->folder);
  std::vector<PointRecord> records(points.size());
  std::vector<std::string> keys;
  std::vector<std::size_t> open;
  std::vector<NamedScenario> runs;
  for (std::size_t i = 0; i < points.size(); ++i) {
    keys.push_back(points[i].scenario ? key_of(*points[i].scenario, program, catalog) : "");
    if (!points[i].scenario) {
      records[i] = {.status = PointStatus::skipped, .reason = points[i].refusal};
    } else if (auto known = store.find(keys.back())) {
      records[i] = std::move(*known);
    } else {
      open.push_back(i);
      runs.push_back({fmt::format("scenario \"{}\", point {}", scenario.header.name, i + 1), &*points[i].scenario});
    }
  }
  const auto count = [&](PointStatus status) { return static_cast<std::size_t>(std::ranges::count(records, status, &PointRecord::status)); };
  SweepOutcome sweep{.outcome = {}, .n_points = points.size(), .n_skipped = count(PointStatus::skipped)};
  sweep.n_known = points.size() - open.size() - sweep.n_skipped;
  run_each_isolated(runs, options, [&](std::size_t run, const RunEnd& end) {
    const std::size_t i = open[run];
    records[i] = record_of(end);
    if (records[i].status != PointStatus::failed) store.keep(keys[i], records[i]);
    if (!end.outcome) return;
    sweep.outcome.wall_time += end.outcome->wall_time;
    sweep.outcome.peak_memory = std::max(sweep.outcome.peak_memory, end.outcome->peak_memory);
  });
  sweep.n_infeasible = count(PointStatus::infeasible);
  sweep.n_failed = count(PointStatus::failed);
  sweep.outcome.result = sweep_result(*scenario.header.sweep, points, records);
  return sweep;
}

}  // namespace waferwatt::scenario
