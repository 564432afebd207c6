// SPDX-License-Identifier: Apache-2.0
#include "serving_result.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace waferwatt::scenario {
namespace {

using serving::Charge;
using serving::kNCharges;

constexpr double kMillisecond = 1e-3;

struct ComponentTime {
  const char* resource;
  double time_s;
};

std::vector<ComponentTime> iteration_components(const serving::IterationCost& busy) {
  return {{"memory bandwidth", busy.memory_s},
          {"compute", busy.compute_s},
          {"kernel launch", busy.launch_s},
          {"network", busy.network_s},
          {"host", busy.host_s}};
}

void strongest_first(std::vector<Binding>& binds) {
  std::ranges::stable_sort(binds, std::ranges::greater{}, &Binding::share);
}

std::vector<std::pair<const char*, double>> statistics_of(const Percentiles& p) {
  return {{"p50", p.p50}, {"p90", p.p90}, {"p95", p.p95}, {"p99", p.p99}, {"p99.9", p.p999}, {"mean", p.mean}};
}

void add_latency(std::vector<Metric>& metrics, const std::string& name, const Percentiles& p) {
  for (const auto& [statistic, value] : statistics_of(p))
    metrics.push_back({.name = name, .dims = {{"statistic", statistic}}, .value = value, .unit = "s"});
}

/// Long waits in seconds.
std::string latency_text(double time_s, int decimals) {
  if (time_s >= 100) return fmt::format("{:.0f} s", time_s);
  return time_s >= 1 ? fmt::format("{:.3g} s", time_s) : fmt::format("{:.{}f} ms", time_s / kMillisecond, decimals);
}

std::string accelerators_text(const serving::Deployment& deployment) {
  std::string text;
  for (const serving::ReplicaGroup& group : deployment.groups) {
    if (!text.empty()) text += " and ";
    text += fmt::format("{} x {}", group.n_accelerators(), group.accelerator->name);
    if (group.role != serving::Role::mixed) text += fmt::format(" for {}", io::enum_text(group.role));
  }
  return text;
}

}  // namespace

std::string headline_of(const serving::Deployment& deployment, const serving::ServingSummary& s) {
  std::string text = fmt::format(
      "{} serve {} at {:.0f} output tokens/s ({:.0f} per accelerator), busy {:.0f} % of the time; {:.1f} % of {} requests meet the service "
      "level. TTFT p50 {}, p99 {}; TPOT p50 {}, p99 {}; {:.2f} J per output token",
      accelerators_text(deployment), deployment.model->name, s.output_tokens_per_s,
      s.output_tokens_per_s_per_accelerator, 100 * s.busy_fraction, 100 * s.attainment, s.n_requests, latency_text(s.ttft_s.p50, 0),
      latency_text(s.ttft_s.p99, 0), latency_text(s.tpot_s.p50, 1), latency_text(s.tpot_s.p99, 1), s.joule_per_output_token);
  if (s.cached_share > 0) text += fmt::format("; {:.0f} % of prompt tokens from the prefix cache", 100 * s.cached_share);
  if (s.n_rejected > 0) text += fmt::format("; {} request{} refused", s.n_rejected, s.n_rejected == 1 ? "" : "s");
  if (s.usd_per_million_output_tokens > 0)
    text += fmt::format("; {:.2f} USD per million output tokens", s.usd_per_million_output_tokens);
  return text;
}

std::vector<Binding> binds_of(const serving::ServingSummary& s) {
  std::vector<Binding> requests, iterations;
  for (std::size_t i = 0; i < kNCharges && s.end_to_end_s > 0; ++i) {
    const double share = s.charged_s[i] / s.end_to_end_s;
    const char* name = serving::charge_name(static_cast<Charge>(i));
    if (share > 0)
      requests.push_back(
          {name, "requests", share,
           fmt::format("{:.1f} % of the time from arrival to last token is charged to {}", 100 * share, name)});
  }
  for (const auto& [resource, time_s] : iteration_components(s.busy)) {
    const double share = s.busy.time_s > 0 ? time_s / s.busy.time_s : 0;
    if (share > 0)
      iterations.push_back({resource, "iterations", share,
                            fmt::format("{:.1f} % of iteration time waits for {}", 100 * share, resource)});
  }
  strongest_first(requests);
  strongest_first(iterations);
  requests.insert(requests.end(), iterations.begin(), iterations.end());
  return requests;
}

std::vector<Metric> metrics_of(const serving::ServingSummary& s, const serving::ServingOutcome& outcome) {
  std::vector<Metric> metrics;
  add_latency(metrics, "time_to_first_token", s.ttft_s);
  add_latency(metrics, "time_per_output_token", s.tpot_s);
  add_latency(metrics, "inter_token_latency", s.itl_s);
  add_latency(metrics, "end_to_end_latency", s.e2e_s);
  const auto add = [&](const char* name, double value, const char* unit) {
    metrics.push_back({.name = name, .value = value, .unit = unit});
  };
  const auto count = [&](const char* name, std::int64_t n) { add(name, static_cast<double>(n), "1"); };
  add("output_throughput", s.output_tokens_per_s, "token/s");
  add("input_throughput", s.input_tokens_per_s, "token/s");
  add("output_throughput_per_accelerator", s.output_tokens_per_s_per_accelerator, "token/s");
  add("goodput", s.goodput_requests_per_s, "1/s");
  add("service_level_attainment", s.attainment, "1");
  count("requests_completed", s.n_completed);
  count("requests_rejected", s.n_rejected);
  count("requests_rate_limited", s.n_rate_limited);
  count("requests_overloaded", s.n_overloaded);
  count("retries", outcome.n_retries);
  count("replica_failures", outcome.n_failures);
  count("replica_starts", outcome.n_starts);
  count("preemptions", s.n_preemptions);
  add("mean_requests_in_system", s.mean_requests_in_system, "1");
  add("prefix_cache_share", s.cached_share, "1");
  add("kv_transferred", outcome.transferred_byte, "B");
  add("kv_occupancy_mean", s.kv_occupancy_mean, "1");
  add("kv_occupancy_peak", s.kv_occupancy_peak, "1");
  add("busy_fraction", s.busy_fraction, "1");
  add("accelerator_hours", s.accelerator_hours, "h");
  add("accelerator_energy", s.energy_j, "J");
  add("energy_per_output_token", s.joule_per_output_token, "J/token");
  metrics.push_back({.name = "energy_per_token", .dims = {{"side", "input"}}, .value = s.joule_per_input, .unit = "J/token"});
  metrics.push_back({.name = "energy_per_token", .dims = {{"side", "output"}}, .value = s.joule_per_output, .unit = "J/token"});
  if (s.usd > 0) {
    add("cost_per_output_token", s.usd_per_million_output_tokens, "USD/Mtoken");
    metrics.push_back({.name = "cost_per_token", .dims = {{"side", "input"}}, .value = s.usd_per_million_input, .unit = "USD/Mtoken"});
    metrics.push_back({.name = "cost_per_token", .dims = {{"side", "output"}}, .value = s.usd_per_million_output, .unit = "USD/Mtoken"});
  }
  add("carbon_per_output_token", s.g_co2e_per_million_output_tokens, "gCO2e/Mtoken");
  add("expected_iteration_time_error", s.error, "1");
  return metrics;
}

Table percentile_table(const serving::ServingSummary& s) {
  Table table("percentiles", {{"quantity", Table::Kind::text},
                              {"p50_s"},
                              {"p90_s"},
                              {"p95_s"},
                              {"p99_s"},
                              {"p99_9_s"},
                              {"mean_s"},
                              {"maximum_s"}});
  const std::pair<const char*, const Percentiles*> rows[] = {{"time_to_first_token", &s.ttft_s},
                                                             {"time_per_output_token", &s.tpot_s},
                                                             {"inter_token_latency", &s.itl_s},
                                                             {"end_to_end_latency", &s.e2e_s}};
  for (const auto& [name, p] : rows)
    table.add({std::string{name}, p->p50, p->p90, p->p95, p->p99, p->p999, p->mean, p->maximum});
  return table;
}

Table timeline_table(const serving::ServingOutcome& outcome, const serving::Deployment&) {
  Table table("timeline", {{"start_s"},
                           {"length_s"},
                           {"arrivals_per_s"},
                           {"input_tokens_per_s"},
                           {"output_tokens_per_s"},
                           {"sequences_in_batch"},
                           {"requests_waiting"},
                           {"replicas_up"},
                           {"kv_occupancy"},
                           {"busy_fraction"},
                           {"power_w"}});
  for (const serving::LoadInterval& interval : outcome.timeline.intervals()) {
    const double length = interval.length_s, up_s = std::max(interval.up_seconds, 1e-9);
    table.add({interval.start_s, length, static_cast<double>(interval.n_arrivals) / length,
               static_cast<double>(interval.prefill_tokens) / length,
               static_cast<double>(interval.output_tokens) / length, interval.sequence_seconds / length,
               interval.waiting_seconds / length, interval.up_seconds / length, interval.kv_share_seconds / up_s,
               interval.busy_s / up_s, interval.power_j / length});
  }
  return table;
}

Table group_table(const serving::ServingOutcome& outcome, const serving::Deployment& deployment) {
  Table table("groups", {{"group", Table::Kind::integer},
                         {"accelerator", Table::Kind::text},
                         {"role", Table::Kind::text},
                         {"replicas", Table::Kind::integer},
                         {"accelerators_per_replica", Table::Kind::integer},
                         {"kv_blocks_per_replica", Table::Kind::integer},
                         {"replica_hours_up"},
                         {"busy_fraction"},
                         {"requests_completed", Table::Kind::integer},
                         {"preemptions", Table::Kind::integer},
                         {"iterations", Table::Kind::integer}});
  for (std::size_t g = 0; g < outcome.groups.size(); ++g) {
    const serving::ReplicaGroup& group = deployment.groups[g];
    serving::ReplicaTotals sum;
    for (std::size_t i = 0; i < outcome.replicas.size(); ++i) {
      if (outcome.replica_groups[i] != g) continue;
      const serving::ReplicaTotals& totals = outcome.replicas[i];
      sum.cost += totals.cost;
      sum.n_completed += totals.n_completed;
      sum.n_preemptions += totals.n_preemptions;
      sum.n_iterations += totals.n_iterations;
    }
    const double up_s = outcome.groups[g].up_s;
    table.add({static_cast<std::int64_t>(g), group.accelerator->id, io::enum_text(group.role), group.n_replicas,
               group.plan.n_accelerators(), outcome.groups[g].memory.n_kv_blocks, up_s / 3600,
               up_s > 0 ? sum.cost.time_s / up_s : 0.0, sum.n_completed, sum.n_preemptions, sum.n_iterations});
  }
  return table;
}

Table workload_table(const traces::Statistics& statistics) {
  Table table("workload", {{"quantity", Table::Kind::text}, {"value"}, {"unit", Table::Kind::text}});
  const auto add = [&](const std::string& name, double value, const char* unit) {
    table.add({name, value, std::string{unit}});
  };
  add("requests", static_cast<double>(statistics.n_requests()), "1");
  add("span", statistics.span_s(), "s");
  add("rate", statistics.rate_per_s(), "1/s");
  add("gap_variation", statistics.gap_variation(), "1");
  add("minute_dispersion", statistics.minute_dispersion(), "1");
  add("shared_prefix_share", statistics.shared_share(), "1");
  const std::pair<const char*, Percentiles> sides[] = {{"input", statistics.input_tokens()},
                                                       {"output", statistics.output_tokens()}};
  for (const auto& [side, p] : sides)
    for (const auto& [statistic, value] : statistics_of(p)) add(fmt::format("{}_{}", side, statistic), value, "token");
  return table;
}

Table ledger_of(const serving::ServingSummary& s) {
  Table ledger("ledger", {{"account", Table::Kind::text}, {"charged_to", Table::Kind::text}, {"time_s"}, {"share"}});
  for (std::size_t i = 0; i < kNCharges; ++i)
    ledger.add({std::string{"requests"}, std::string{serving::charge_name(static_cast<Charge>(i))}, s.charged_s[i],
                s.end_to_end_s > 0 ? s.charged_s[i] / s.end_to_end_s : 0.0});
  for (const auto& [resource, time_s] : iteration_components(s.busy))
    ledger.add(
        {std::string{"iterations"}, std::string{resource}, time_s, s.busy.time_s > 0 ? time_s / s.busy.time_s : 0.0});
  return ledger;
}

}  // namespace waferwatt::scenario
