// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/validation/network_cases.hpp"

#include <fmt/format.h>

#include <cmath>

#include "collective_cases.hpp"
#include "waferwatt/cost/operator_fit.hpp"
#include "waferwatt/network/collectives.hpp"

namespace waferwatt::validation {
namespace {

struct Errors {
  std::map<std::string, std::vector<double>> groups;
  std::vector<double> all;

  void add(const std::vector<std::string>& names, double error) {
    for (const auto& name : names) groups[name].push_back(error);
    all.push_back(error);
  }
  std::map<std::string, catalog::ErrorSummary> summaries() {
    std::map<std::string, catalog::ErrorSummary> result;
    for (auto& [name, list] : groups) result[name] = cost::error_summary("", std::move(list));
    return result;
  }
};

std::vector<std::string> groups_of(const CollectiveCase& c) {
  constexpr double kMebibyte = 1048576;
  std::vector<std::string> names{fmt::format("{} {} {}", c.accelerator, library_family(c.library), c.operation)};
  if (c.is_exchange_of_tokens)
    names.push_back(fmt::format("all {} {}", library_family(c.library), c.operation));
  else
    names.push_back(fmt::format("all {} {}", library_family(c.library), c.size >= kMebibyte ? "from 1 MiB" : "below 1 MiB"));
  return names;
}

/// By the two-level network: curves carried over from another accelerator, or the closed form.
std::optional<Time> modelled(const catalog::Catalog& catalog, const CollectiveCase& c) {
  const auto* accelerator = catalog.accelerators.find(c.accelerator);
  if (!accelerator) return std::nullopt;
  const auto network = network::network_of(*accelerator, catalog.system_of(c.accelerator), nullptr, c.n_ranks, catalog);
  if (!network) return std::nullopt;
  const network::Group group{c.n_ranks, c.n_nodes > 1 ? std::max<std::int64_t>(1, c.n_ranks / c.n_nodes) : std::min(c.n_ranks, network->domain_size())};
  const DataSize size = c.size * byte;
  const std::string library = library_family(c.library);
  if (c.operation == "all-reduce") return network->all_reduce_time(group, size, library);
  if (c.operation == "all-gather") return network->all_gather_time(group, size);
  if (c.operation == "reduce-scatter") return network->reduce_scatter_time(group, size);
  if (c.operation == "all-to-all") return network->all_to_all_time(group, size);
  if (c.operation == "send") return network->send_time(group.spans_domains(), size);
  return std::nullopt;
}

struct Prediction {
  Time time;
  std::optional<Time> from_neighbours;  ///< held out
};

std::optional<Prediction> prediction(const catalog::Catalog& catalog, const CollectiveCase& c) {
  if (const auto* calibration = catalog.collectives.find(c.accelerator)) {
    const auto curve = calibration->find(c.operation, c.library, c.n_ranks, c.n_nodes);
    const std::string library = curve ? c.library : library_family(c.library);
    if (const auto time = calibration->time(c.operation, library, c.n_ranks, c.n_nodes, c.size)) {
      if (c.is_exchange_of_tokens) return Prediction{*time, {}};
      return Prediction{*time, calibration->time(c.operation, library, c.n_ranks, c.n_nodes, c.size, true)};
    }
  }
  const auto time = modelled(catalog, c);
  return time ? std::optional(Prediction{*time, *time}) : std::nullopt;  // none of its points was seen
}

void predict(const catalog::Catalog& catalog, const CollectiveCase& c, Errors& shipped, Errors& held_out, NetworkReport& report) {
  const auto predicted = prediction(catalog, c);
  if (!predicted)
    return report.skipped.push_back({c.id, fmt::format("{} by {} on {} accelerators of {} is neither measured nor modelled", c.operation, c.library, c.n_ranks, c.accelerator)});
  const double us = predicted->time.in(micro * second);
  const auto names = groups_of(c);
  shipped.add(names, us / c.time_us - 1);
  report.cases.push_back({names.front(), c.time_us * 1e-6, us * 1e-6, c.id});
  if (predicted->from_neighbours) held_out.add(names, predicted->from_neighbours->in(micro * second) / c.time_us - 1);
}

io::Value metric(const catalog::ErrorSummary& e) {
  const auto percent = [](double x) { return std::round(x * 1e5) / 1e3; };
  io::Value::Object found{{"n", io::Value{e.n}}};
  for (const auto& [name, value] : {std::pair{"median_abs_pct", e.median}, {"mean_abs_pct", e.mean}, {"p90_abs_pct", e.p90}, {"bias_pct", e.bias}})
    if (!std::isnan(value)) found.push_back({name, io::Value{percent(value)}});
  return io::Value{std::move(found)};
}

}  // namespace

double distinct_ranks(std::int64_t n_experts, std::int64_t top_k, std::int64_t n_ranks) {
  double none = 1;  // no expert of one rank is drawn
  for (std::int64_t i = 0; i < n_experts / n_ranks; ++i)
    none *= std::max(0.0, static_cast<double>(n_experts - top_k - i)) / static_cast<double>(n_experts - i);
  return static_cast<double>(n_ranks) * (1 - none);
}

NetworkReport validate_network(const catalog::Catalog& catalog, const std::vector<std::string>& files) {
  NetworkReport report;
  Errors shipped, held_out;
  for (const auto& file : files) {
    const auto cases = read_collective_cases(catalog, file, report.skipped);
    for (const CollectiveCase& c : cases) predict(catalog, c, shipped, held_out, report);
  }
  report.n_cases = static_cast<std::int64_t>(report.skipped.size() + report.cases.size());
  report.groups = shipped.summaries();
  report.held_out_groups = held_out.summaries();
  report.all = cost::error_summary("", std::move(shipped.all));
  report.held_out = cost::error_summary("", std::move(held_out.all));
  report.note = "\"time\" is as the catalog's curves tell it, which these cases may have made; \"time_held_out\" tells each size from "
                "its neighbours; what was not measured is carried over from another accelerator or told by the closed form, in both";
  return report;
}

NetworkReport shipped_network_errors(const catalog::Catalog& catalog) {
  NetworkReport report;
  std::map<std::string, std::pair<double, double>> sums;  // points, points x error
  for (const auto& [id, calibration] : catalog.collectives.all())
    for (const auto& curve : calibration.curves) {
      const double n = static_cast<double>(curve.n_points);
      report.n_cases += curve.n_points;
      for (const std::string& name : {fmt::format("{} {} {}", calibration.accelerator, library_family(curve.library), curve.operation), std::string{"all"}}) {
        auto& [points, errors] = sums[name];
        points += n;
        errors += n * curve.held_out_error;
      }
    }
  for (const auto& [name, sum] : sums) {
    // Curves keep their medians only.
    const catalog::ErrorSummary summary{.n = static_cast<std::int64_t>(sum.first), .median = sum.second / sum.first, .mean = NAN, .p90 = NAN, .bias = NAN};
    (name == "all" ? report.all : report.groups[name]) = summary;
  }
  report.held_out = report.all;
  report.note = "held-out medians that ship with the curves (alternate sizes; DeepEP: a quarter of the configurations), averaged by "
                "points; give --cases FILE to predict a file";
  return report;
}

io::Value NetworkReport::json() const {
  io::Value v;
  v["set"] = "network";
  v["n_cases"] = n_cases;
  v["n_skipped"] = static_cast<std::int64_t>(skipped.size());
  io::Value::List list;
  for (const auto& s : skipped) list.push_back(io::Value{io::Value::Object{{"id", io::Value{s.id}}, {"reason", io::Value{s.reason}}}});
  v["skipped"] = io::Value{std::move(list)};
  v["metrics"] = io::Value{io::Value::Object{{"time", metric(all)}, {"time_held_out", metric(held_out)}}};
  io::Value::Object by_group;
  for (const auto& [name, e] : groups) {
    io::Value entry{io::Value::Object{{"time", metric(e)}}};
    if (const auto at = held_out_groups.find(name); at != held_out_groups.end()) entry["time_held_out"] = metric(at->second);
    by_group.push_back({name, std::move(entry)});
  }
  v["groups"] = io::Value{std::move(by_group)};
  v["note"] = note;
  return v;
}

}  // namespace waferwatt::validation
