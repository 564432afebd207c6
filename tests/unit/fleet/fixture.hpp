// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "waferwatt/engine/bare_loop.hpp"
#include "waferwatt/fleet/fleet.hpp"

namespace waferwatt::fleet {

inline FleetSite plain_site(std::uint32_t n_nodes, std::uint32_t per_node = 8, std::uint32_t nodes_per_leaf = 4) {
  FleetSite site{.name = "site", .n_nodes = n_nodes, .per_node = per_node, .nodes_per_leaf = nodes_per_leaf, .it_nameplate = 1000 * watt};
  site.around.price = power::Hourly<EnergyPrice>::constant(0.05 * usd / (kilo * watt_hour));
  site.around.carbon_intensity = power::Hourly<CarbonIntensity>::constant(0.4 * kg_co2e / (kilo * watt_hour));
  site.around.weather = power::Hourly<power::Weather>::constant({15, 10});
  return site;
}

inline Job job_of(double submit_s, std::int64_t n, double duration_s) {
  return {.name = "job", .submit = submit_s * second, .n_accelerators = n, .duration = duration_s * second};
}

/// What became of a run and of each job, by the order of submission.
struct Played : FleetOutcome {
  std::vector<JobRecord> jobs;
};

class KeepingSink final : public JobSink {
 public:
  void take(std::uint32_t number, const Job&, const JobRecord& record) override {
    if (records.size() <= number) records.resize(number + 1), taken.resize(number + 1);
    records[number] = record;
    ++taken[number];
  }
  std::vector<JobRecord> records;
  std::vector<int> taken;
};

inline Played play(engine::EventLoop& loop, const FleetSpec& spec, const std::vector<Job>& jobs, std::uint64_t seed = 1) {
  JobList list(jobs);
  KeepingSink sink;
  Played played{simulate(loop, spec, list, RandomStream(seed, "fleet"), sink), std::move(sink.records)};
  return played;
}

inline Played play(const FleetSpec& spec, const std::vector<Job>& jobs, std::uint64_t seed = 1) {
  engine::BareLoop loop;
  return play(loop, spec, jobs, seed);
}

inline FleetSpec spec_of(FleetSite site, const char* policy = "easy") {
  FleetSpec spec;
  spec.sites = {std::move(site)};
  spec.policy = find_policy(policy);
  return spec;
}

/// A busy mixture of gangs, deployments, failures, checkpoints and elastic jobs.
inline std::vector<Job> mixture(std::size_t n_jobs, std::uint64_t seed, double mean_gap_s = 600) {
  RandomStream random(seed, "mixture");
  std::vector<Job> jobs;
  double at = 0;
  for (std::size_t i = 0; i < n_jobs; ++i) {
    at += random.exponential(mean_gap_s);
    Job job = job_of(at, std::int64_t{1} << random.below(7), random.lognormal(3600, 1.2));
    job.user = static_cast<std::uint32_t>(random.below(5));
    job.priority = static_cast<double>(random.below(3));
    job.estimate = job.duration * random.uniform(1, 3);
    job.checkpoint_interval = random.uniform() < 0.7 ? 1800 * second : 0 * second;
    job.checkpoint_stop = 30 * second, job.restart = 300 * second;
    job.split = {.bubble = 0.1, .exposed_communication = 0.15, .memory_bound = 0.05};
    if (i % 17 == 0) job.kind = JobKind::serving, job.load = 0.6;
    if (i % 11 == 0 && job.n_accelerators >= 8) job.min_accelerators = job.n_accelerators / 2, job.max_accelerators = job.n_accelerators * 2;
    jobs.push_back(job);
  }
  return jobs;
}

}  // namespace waferwatt::fleet
