// SPDX-License-Identifier: Apache-2.0
// What holds for any workload: accounts that add up, theory where there is some, the same bytes on both loops.
#include <catch2/catch.hpp>
#include <cstring>
#include <numeric>

#include "fixture.hpp"
#include "waferwatt/engine/simgrid_loop.hpp"

using namespace waferwatt;
using namespace waferwatt::fleet;

namespace {

FleetSpec hard_spec(const char* policy, std::uint64_t seed) {
  auto site = plain_site(24);
  site.failures_per_accelerator_hour = 2e-3;
  site.repair = 5 * hour;
  site.spread_penalty = 0.1;
  std::vector<Power> limit;
  RandomStream random(seed, "limit");
  for (int h = 0; h < 50; ++h) limit.push_back(random.uniform(30, 200) * kilo * watt);
  site.limit = power::Hourly<Power>(0, limit);
  site.energised = {{0 * second, 100 * kilo * watt}, {9 * hour, 400 * kilo * watt}};
  auto other = plain_site(10, 4, 2);
  other.failures_per_accelerator_hour = 1e-3;
  auto spec = spec_of(site, policy);
  spec.sites.push_back(other);
  spec.capping = seed % 2 ? power::CapPolicy::inference_first : power::CapPolicy::priority;
  return spec;
}

/// Erlang's C: mean wait of M/M/c over the mean service time.
double erlang_wait(double load, int c) {
  double term = 1, sum = 0;
  for (int k = 0; k < c; ++k) sum += term, term *= load / (k + 1);
  const double tail = term * c / (c - load);
  return tail / (sum + tail) / (c - load);
}

}  // namespace

TEST_CASE("every accelerator-second is in one account and every joule at the meter, whatever happens") {
  for (const char* policy : {"fcfs", "easy", "shortest-first", "priority", "fair-share"}) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      const auto spec = hard_spec(policy, seed);
      const auto out = play(spec, mixture(400, seed), seed);
      CAPTURE(policy, seed);
      double jobs = 0, lost = 0;
      for (const auto& job : out.jobs) jobs += job.energy_j, lost += job.lost_s;
      double metered = 0;
      for (const auto& site : out.sites) {
        CHECK(site.ledger.total() == Approx(site.accelerator_s).epsilon(1e-9));
        CHECK(site.it_j + site.overhead_j == Approx(site.meter_j).epsilon(1e-9));
        CHECK(site.jobs_j + site.idle_j == Approx(site.meter_j).epsilon(1e-9));
        for (std::size_t use = 0; use < kNUses; ++use) CHECK(site.ledger.at(static_cast<Use>(use)) >= -1e-6);
        CHECK(site.ledger.at(Use::lost_work) == Approx(std::accumulate(site.lost_s.begin(), site.lost_s.end(), 0.0)).epsilon(1e-9));
        metered += site.jobs_j;
      }
      CHECK(jobs == Approx(metered).epsilon(1e-9));
      CHECK(out.ledger().at(Use::lost_work) == Approx(lost).epsilon(1e-9));
      CHECK(out.n_completed + out.n_rejected + out.n_unfinished == 400);
      CHECK(out.n_unfinished == 0);
      CHECK(out.sites[0].n_failures > 0);
      CHECK(out.sites[0].lost_s[static_cast<std::size_t>(LossCause::hardware_failure)] > 0);
      CHECK(out.sites[0].lost_s[static_cast<std::size_t>(LossCause::resize)] > 0);
      if (spec.policy->preempts) CHECK(out.sites[0].lost_s[static_cast<std::size_t>(LossCause::preemption)] > 0);
    }
  }
}

TEST_CASE("the wait of M/M/c is Erlang's") {
  for (const auto& [c, rho] : {std::pair{1, 0.6}, std::pair{8, 0.8}}) {
    RandomStream random(7, "queue");
    std::vector<Job> jobs;
    double at = 0;
    for (int i = 0; i < 60000; ++i) {
      at += random.exponential(100 / (c * rho));
      jobs.push_back(job_of(at, 1, random.exponential(100)));
    }
    const auto out = play(spec_of(plain_site(static_cast<std::uint32_t>(c), 1), "fcfs"), jobs);
    double wait = 0;
    for (std::size_t i = 0; i < jobs.size(); ++i) wait += out.jobs[i].first_start_s - jobs[i].submit.in(second);
    CHECK(wait / 60000 / 100 == Approx(erlang_wait(c * rho, c)).epsilon(0.06));
  }
}

TEST_CASE("the wait of M/D/1 is half that of M/M/1") {
  RandomStream random(9, "queue");
  std::vector<Job> jobs;
  double at = 0;
  for (int i = 0; i < 60000; ++i) {
    at += random.exponential(100 / 0.7);
    jobs.push_back(job_of(at, 8, 100));
  }
  const auto out = play(spec_of(plain_site(1), "fcfs"), jobs);
  double wait = 0;
  for (std::size_t i = 0; i < jobs.size(); ++i) wait += out.jobs[i].first_start_s - jobs[i].submit.in(second);
  CHECK(wait / 60000 / 100 == Approx(0.5 * 0.7 / 0.3).epsilon(0.05));
}

TEST_CASE("failures and checkpoints stretch jobs as renewal theory says") {
  // Rate per job l = 8 x 0.005 / h; segments of t = 1800 s with 60 s of checkpoint, restart R = 300 s. A segment that starts
  // after a restart takes (1/l)(e^(l(t+60)) - 1) in the mean, plus a restart, itself repeated, for each failure.
  auto site = plain_site(64);
  site.failures_per_accelerator_hour = 0.005;
  site.hardware_share = 0;
  std::vector<Job> jobs;
  for (int i = 0; i < 64; ++i) {
    auto job = job_of(0, 8, 500 * 1800.0);
    job.checkpoint_interval = 1800 * second, job.checkpoint_stop = 60 * second, job.restart = 300 * second;
    jobs.push_back(job);
  }
  const auto out = play(spec_of(site), jobs);
  double mean = 0;
  for (const auto& job : out.jobs) mean += job.finish_s / 64;
  const double rate = 8 * 0.005 / 3600, segment = 1860;
  const double expected = 500 * std::exp(rate * 300) / rate * (std::exp(rate * segment) - 1);
  // Checkpoints are spread over the work and work since the last one counts from whole intervals: a failure early in a segment
  // loses as much, so only the restart before the first failure differs.
  CHECK(mean == Approx(expected).epsilon(0.01));
  CHECK(out.ledger().total() == Approx(out.sites[0].accelerator_s).epsilon(1e-9));
}

TEST_CASE("a run is the same bytes on SimGrid's loop and on the bare one") {
  const auto spec = hard_spec("priority", 2);
  const auto jobs = mixture(300, 5);
  engine::SimgridLoop simgrid;
  const auto a = play(simgrid, spec, jobs, 3);
  const auto b = play(spec, jobs, 3);
  REQUIRE(a.jobs.size() == b.jobs.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    CHECK(a.jobs[i].finish_s == b.jobs[i].finish_s);
    CHECK(a.jobs[i].energy_j == b.jobs[i].energy_j);
  }
  for (std::size_t u = 0; u < kNUses; ++u) CHECK(a.ledger().at(static_cast<Use>(u)) == b.ledger().at(static_cast<Use>(u)));
  CHECK(a.n_events == b.n_events);
}

TEST_CASE("more accelerators never make the mean wait longer on a stream of equal jobs") {
  double before = 1e300;
  for (const std::uint32_t nodes : {4u, 5u, 6u, 8u}) {
    RandomStream random(11, "queue");
    std::vector<Job> jobs;
    double at = 0;
    for (int i = 0; i < 3000; ++i) at += random.exponential(300), jobs.push_back(job_of(at, 8, 1000));
    const auto out = play(spec_of(plain_site(nodes), "fcfs"), jobs);
    double wait = 0;
    for (std::size_t i = 0; i < jobs.size(); ++i) wait += out.jobs[i].first_start_s - jobs[i].submit.in(second);
    CHECK(wait <= before);
    before = wait;
  }
}
