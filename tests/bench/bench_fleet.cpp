// SPDX-License-Identifier: Apache-2.0
// Fleet: 100,000 jobs on 10,000 accelerators on both loops, over the floor of the bare events (one arrival and one end a job);
// power: a year of hours for 100 sites.
// Usage: bench_fleet [jobs, default 100000] [sites, default 100]
#include <fmt/format.h>

#include <ctime>
#include <cstdlib>

#include "waferwatt/engine/bare_loop.hpp"
#include "waferwatt/engine/simgrid_loop.hpp"
#include "waferwatt/fleet/fleet.hpp"
#include "waferwatt/fleet/job_source.hpp"
#include "waferwatt/power/operation.hpp"

namespace {

using namespace waferwatt;

double user_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

class Nothing : public engine::EventHandler {
 public:
  void handle(const engine::Event&, engine::EventLoop&) override { ++n; }
  std::uint64_t n = 0;
};

fleet::FleetSpec spec_of(const char* policy) {
  fleet::FleetSite site{.name = "cluster", .n_nodes = 1250, .per_node = 8, .nodes_per_leaf = 32, .it_nameplate = 1472 * watt};
  site.around.price = power::Hourly<EnergyPrice>::constant(0.05 * usd / (kilo * watt_hour));
  site.around.carbon_intensity = power::Hourly<CarbonIntensity>::constant(0.4 * kg_co2e / (kilo * watt_hour));
  site.around.weather = power::Hourly<power::Weather>::constant({15, 10});
  site.failures_per_accelerator_hour = 2e-5;
  fleet::FleetSpec spec;
  spec.sites = {site};
  spec.policy = fleet::find_policy(policy);
  return spec;
}

class Forgetting : public fleet::JobSink {
 public:
  void take(std::uint32_t, const fleet::Job&, const fleet::JobRecord&) override {}
};

void play(const char* loop_name, engine::EventLoop& loop, const char* policy, fleet::GeneratedJobs& jobs, double floor_s) {
  jobs.rewind();
  Forgetting sink;
  const double start = user_seconds();
  const auto out = fleet::simulate(loop, spec_of(policy), jobs, RandomStream(1, "fleet"), sink);
  const double spent = user_seconds() - start;
  fmt::print("{:<8} {:<15} {:>8} jobs {:>9} events {:>7.2f} s {:>6.0f} x floor  useful {:.1f} %\n", loop_name, policy, out.n_completed, out.n_events, spent, spent / floor_s,
             100 * out.ledger().at(fleet::Use::useful) / out.ledger().total());
}

}  // namespace

int main(int argc, char** argv) {
  const auto n_jobs = argc > 1 ? std::strtoll(argv[1], nullptr, 10) : 100'000;
  const auto n_sites = argc > 2 ? std::strtoll(argv[2], nullptr, 10) : 100;
  // Light, then so heavy that thousands wait.
  for (const double gap_s : {180.0, 60.0}) {
    fleet::Job traits;
    traits.checkpoint_interval = 30 * minute, traits.checkpoint_stop = 15 * second, traits.restart = 10 * minute;
    fleet::GeneratedJobs jobs({.n_jobs = n_jobs, .mean_gap = gap_s * second, .sizes = {1, 8, 64, 256, 1024}, .weights = {0.45, 0.32, 0.18, 0.04, 0.01}}, traits, RandomStream(1, "jobs"));
    engine::BareLoop empty;
    Nothing nothing;
    const double start = user_seconds();
    for (fleet::Job job; jobs.next(job);) empty.at(job.submit.in(second), 0), empty.at((job.submit + job.duration).in(second), 0);
    empty.run(nothing);
    const double floor_s = user_seconds() - start;
    fmt::print("a job every {:.0f} s; floor {:.3f} s\n", gap_s, floor_s);
    for (const char* policy : {"fcfs", "easy", "priority", "fair-share"}) {
      engine::BareLoop bare;
      play("bare", bare, policy, jobs, floor_s);
    }
    if (gap_s > 100) {
      engine::SimgridLoop simgrid;
      play("simgrid", simgrid, "easy", jobs, floor_s);
    }
  }

  const double start = user_seconds();
  double energy = 0;
  for (std::int64_t i = 0; i < n_sites; ++i) {
    power::OperatedSite site{.it_nameplate = 100 * mega * watt};
    catalog::Grid grid;
    grid.carbon_intensity.value = Ramp<CarbonIntensity>::constant(0.4 * kg_co2e / (kilo * watt_hour));
    grid.price.value = Ramp<EnergyPrice>::constant(0.05 * usd / (kilo * watt_hour));
    const auto shape = [](double mean, double swing, double noise) {
      catalog::SeriesShape s;
      s.months.value.assign(12, mean), s.winter_hours.value.assign(24, swing), s.summer_hours.value.assign(24, -swing);
      s.deviation.value = noise, s.persistence.value = 0.95;
      return s;
    };
    catalog::Climate climate;
    climate.carbon = shape(1, 0.1, 0.1), climate.price = shape(1, 0.1, 0.3), climate.temperature = shape(15, -8, 4), climate.wet_bulb = shape(10, -6, 3);
    site.around = power::surroundings(grid, &climate, 473'352, 8760, RandomStream(1, "hours").substream("site", static_cast<std::uint64_t>(i)));
    energy += power::operate(site, 473'352, 8760).meter.in(tera * watt_hour);
  }
  fmt::print("{} sites through a year of hours: {:.2f} s, {:.1f} TWh\n", n_sites, user_seconds() - start, energy);
}
