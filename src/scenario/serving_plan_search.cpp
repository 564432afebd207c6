// SPDX-License-Identifier: Apache-2.0
// The search for the deployment of a serving scenario that holds the service level with the least.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "waferwatt/core/parallel.hpp"
#include "waferwatt/engine/bare_loop.hpp"
#include "waferwatt/scenario/serving_scenario.hpp"
#include "waferwatt/serving/scheduling.hpp"

namespace waferwatt::scenario {
namespace {

/// One accelerator, split and policy, and the fewest replicas of it that hold the service level.
struct Candidate {
  ServingScenario scenario;
  std::string name;
  std::int64_t n_accelerators = 0;
  serving::ServingSummary summary;
  double usd_per_hour = 0, power_w = 0;
  bool holds = false;
  std::string why_not;
};

template <class T>
std::vector<T> or_else(const std::vector<T>& choices, T own) {
  return choices.empty() ? std::vector<T>{std::move(own)} : choices;
}

std::vector<Candidate> candidates_of(const ServingScenario& base, const catalog::Catalog& catalog) {
  const ServingSearch& search = base.search;
  const auto usual = serving::policy_of(deployment_of(base, catalog).groups.front().engine).policy;
  std::vector<Candidate> all;
  for (const auto& accelerator : or_else(search.accelerators, *base.accelerator))
    for (const std::int64_t tensor_parallel : or_else(search.tensor_parallel, base.tensor_parallel))
      for (const std::int64_t stages : or_else(search.pipeline_parallel, base.pipeline_parallel))
        for (const auto policy : or_else(search.policies, usual)) {
          Candidate candidate{.scenario = base};
          ServingScenario& s = candidate.scenario;
          s.accelerator = accelerator;
          if (s.weight_format)
            s.weight_format = serving::runnable_format(catalog.accelerators.at(accelerator.id()), *s.weight_format);
          s.tensor_parallel = tensor_parallel;
          s.pipeline_parallel = stages;
          if (!search.policies.empty()) s.engine.scheduler.policy = policy;
          s.autoscaling.reset();
          s.requests_file.reset();
          const auto price = search.accelerator_hour_prices.find(accelerator.id());
          if (price != search.accelerator_hour_prices.end()) s.accelerator_hour_price = price->second;
          candidate.name = fmt::format("{} x {}{}, {}", tensor_parallel * stages, accelerator.id(),
                                       stages > 1 ? fmt::format(" in {} stages", stages) : "", io::enum_text(policy));
          all.push_back(std::move(candidate));
        }
  return all;
}

/// Runs one number of replicas with the search's random numbers: more replicas meet the same requests.
bool holds_with(Candidate& candidate, std::int64_t n_replicas, const catalog::Catalog& catalog, std::uint64_t seed) {
  ServingScenario& s = candidate.scenario;
  s.n_replicas = n_replicas;
  serving::Deployment deployment = deployment_of(s, catalog);
  std::unique_ptr<traces::Source> trace;
  if (s.workload.trace) trace = std::make_unique<traces::ReplaySource>(*s.workload.trace);
  const RandomStream random(seed, "serving");
  serving::WorkloadStream stream(s.workload, random, std::move(trace));
  serving::RequestMeter meter(s.service_level);
  engine::BareLoop loop;
  const auto outcome = serving::simulate(loop, deployment, stream, catalog, random, meter);
  candidate.n_accelerators = deployment.n_accelerators();
  if (!outcome.infeasible.empty()) {
    candidate.why_not = outcome.infeasible;
    return false;
  }
  candidate.summary = serving::summarise(meter, outcome, deployment, rates_of(s, catalog));
  candidate.usd_per_hour = outcome.end_s > 0 ? candidate.summary.usd / (outcome.end_s / 3600) : 0;
  candidate.power_w = outcome.end_s > 0 ? candidate.summary.energy_j / outcome.end_s : 0;
  candidate.why_not = fmt::format(
      "only {:.1f} % of requests meet the service level on {} replicas (TTFT p90 {:.0f} ms, TPOT p90 {:.1f} ms)",
      100 * candidate.summary.attainment, n_replicas, 1e3 * candidate.summary.ttft_s.p90, 1e3 * candidate.summary.tpot_s.p90);
  if (const auto n = candidate.summary.n_rejected; n > 0)
    candidate.why_not += fmt::format("; {:.1f} % are refused, as a server would what is longer than its KV cache or beyond what it admits",
                                     100 * static_cast<double>(n) / static_cast<double>(candidate.summary.n_requests));
  return candidate.summary.attainment >= s.service_level.attainment;
}

/// Doubles the replicas until the level holds, then halves the gap.
void find_fewest(Candidate& candidate, const catalog::Catalog& catalog, std::uint64_t seed) {
  const std::int64_t most = candidate.scenario.search.max_replicas;
  std::int64_t low = 0, high = 1;
  while (!holds_with(candidate, high, catalog, seed)) {
    if (high == most || candidate.summary.n_requests == 0) return;
    low = high;
    high = std::min(2 * high, most);
  }
  Candidate best = candidate;
  while (high - low > 1) {
    const std::int64_t middle = (low + high) / 2;
    if (holds_with(candidate, middle, catalog, seed)) {
      high = middle;
      best = candidate;
    } else {
      low = middle;
    }
  }
  candidate = std::move(best);
  candidate.holds = true;
  candidate.why_not.clear();
}

double value_of(const Candidate& candidate, ServingObjective objective) {
  switch (objective) {
    case ServingObjective::accelerators:
      return static_cast<double>(candidate.n_accelerators);
    case ServingObjective::cost:
      return candidate.usd_per_hour;
    case ServingObjective::energy:
      return candidate.power_w;
  }
  return 0;
}

std::string why_it_loses(const Candidate& candidate, const Candidate& best, ServingObjective objective) {
  if (!candidate.holds) return candidate.why_not;
  const double value = value_of(candidate, objective), least = value_of(best, objective);
  constexpr const char* kWhat[] = {"accelerators", "USD/h", "W"};
  const auto& busy = candidate.summary.busy;
  const std::pair<const char*, double> parts[] = {{"memory bandwidth", busy.memory_s},
                                                  {"compute", busy.compute_s},
                                                  {"kernel launch", busy.launch_s},
                                                  {"the network", busy.network_s},
                                                  {"the host", busy.host_s}};
  const auto& most = *std::ranges::max_element(parts, {}, [](const auto& part) { return part.second; });
  return fmt::format("{:.4g} {} against {:.4g} ({:+.0f} %); its iterations wait for {} most ({:.0f} %)", value,
                     kWhat[static_cast<std::size_t>(objective)], least, 100 * (value / least - 1), most.first,
                     100 * most.second / std::max(busy.time_s, 1e-12));
}

Table deployment_table(const std::vector<Candidate>& candidates, ServingObjective objective) {
  Table table("deployments", {{"rank", Table::Kind::integer},
                              {"deployment", Table::Kind::text},
                              {"holds", Table::Kind::text},
                              {"replicas", Table::Kind::integer},
                              {"accelerators", Table::Kind::integer},
                              {"attainment"},
                              {"ttft_p90_s"},
                              {"tpot_p90_s"},
                              {"cost_usd_per_h"},
                              {"power_w"},
                              {"cost_usd_per_mtoken"},
                              {"energy_j_per_token"},
                              {"why", Table::Kind::text}});
  std::int64_t rank = 0;
  for (const Candidate& c : candidates)
    table.add({++rank, c.name, std::string{c.holds ? "yes" : "no"}, c.scenario.n_replicas, c.n_accelerators,
               c.summary.attainment, c.summary.ttft_s.p90, c.summary.tpot_s.p90, c.usd_per_hour, c.power_w,
               c.summary.usd_per_million_output_tokens, c.summary.joule_per_output_token,
               rank == 1 && c.holds ? std::string{"best"} : why_it_loses(c, candidates.front(), objective)});
  return table;
}

}  // namespace

Result deployment_search(const ServingScenario& scenario, const catalog::Catalog& catalog, ServingObjective objective,
                         std::uint64_t seed, unsigned n_jobs) {
  if (!scenario.groups.empty())
    throw InputError("deployments are searched for one group: write \"accelerator\" and its split at the top, not \"groups\"");
  std::vector<Candidate> candidates = candidates_of(scenario, catalog);
  for (const Candidate& candidate : candidates)
    if (objective == ServingObjective::cost && !candidate.scenario.accelerator_hour_price)
      throw InputError(fmt::format("the cheapest deployment needs the price of {}: give accelerator_hour_price, or "
                                   "search.accelerator_hour_prices",
                                   candidate.scenario.accelerator->id()));
  core::in_parallel(candidates.size(), n_jobs, [&](std::size_t at) {
    try {
      find_fewest(candidates[at], catalog, seed);
    } catch (const std::exception& error) {  // of this candidate alone: the reason why it loses
      candidates[at].why_not = error.what();
    }
  });
  std::ranges::stable_sort(candidates, {}, [&](const Candidate& c) {
    const double cents_per_hour = std::round(100 * c.usd_per_hour);
    const double value = objective == ServingObjective::cost ? cents_per_hour : value_of(c, objective);
    return std::tuple{!c.holds, c.holds ? value : 0.0, cents_per_hour, c.holds ? c.power_w : 0.0, c.name};
  });
  Result result;
  const Candidate& best = candidates.front();
  if (!best.holds) {
    result.infeasible = "no deployment holds the service level:";
    for (const Candidate& c : candidates) result.infeasible += fmt::format("\n  {}: {}", c.name, c.why_not);
    return result;
  }
  result.headline = fmt::format(
      "best of {} deployments: {} replica{} of {}: {} accelerators, {:.1f} % of requests within the service level, "
      "{:.1f} kW",
      candidates.size(), best.scenario.n_replicas, best.scenario.n_replicas == 1 ? "" : "s", best.name, best.n_accelerators, 100 * best.summary.attainment,
      best.power_w / 1e3);
  if (best.usd_per_hour > 0)
    result.headline += fmt::format(", {:.2f} USD/h, {:.2f} USD per million output tokens", best.usd_per_hour,
                                   best.summary.usd_per_million_output_tokens);
  result.metrics = {{.name = "accelerators", .value = static_cast<double>(best.n_accelerators), .unit = "1"},
                    {.name = "accelerator_power", .value = best.power_w, .unit = "W"}};
  result.tables = {deployment_table(candidates, objective)};
  return result;
}

}  // namespace waferwatt::scenario
