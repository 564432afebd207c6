// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "fixture.hpp"

using namespace waferwatt;
using namespace waferwatt::fleet;

TEST_CASE("one job by hand: time, energy, ledger") {
  // 2 nodes of 8 at 1 kW; 16 accelerators for 2 h at 75 % of it, at 15 degrees: PUE of cooling.hpp by its own test.
  const auto out = play(spec_of(plain_site(2)), {job_of(3600, 16, 7200)});
  REQUIRE(out.n_completed == 1);
  CHECK(out.jobs[0].first_start_s == 3600);
  CHECK(out.jobs[0].finish_s == Approx(3600 + 7200));
  CHECK(out.jobs[0].accelerator_s == Approx(16 * 7200));
  const auto& site = out.sites[0];
  CHECK(site.it_j == Approx(16 * 750.0 * 7200 + 16 * 250.0 * 3600));
  CHECK(site.ledger.at(Use::useful) == Approx(16 * 7200));
  CHECK(site.ledger.at(Use::idle) == Approx(16 * 3600));
  const double pue = power::facility_load({}, 12 * kilo * watt, 16 * kilo * watt, {15, 10}).pue();
  CHECK(out.jobs[0].energy_j == Approx(16 * 750.0 * 7200 * pue));
  CHECK(out.jobs[0].carbon_kg == Approx(16 * 0.75 * 2 * pue * 0.4));
  CHECK(out.jobs[0].cost_usd == Approx(16 * 0.75 * 2 * pue * 0.05));
}

TEST_CASE("EASY lets later jobs pass where the first is not delayed; fcfs does not") {
  // 8 accelerators. A takes 6 for 100 s; B needs 8: waits; C needs 2 for 50 s: fits beside A; D needs 2 for 200 s: would delay B.
  const std::vector<Job> jobs{job_of(0, 6, 100), job_of(1, 8, 100), job_of(2, 2, 50), job_of(3, 2, 200)};
  const auto easy = play(spec_of(plain_site(1)), jobs);
  CHECK(easy.jobs[2].first_start_s == 2);
  CHECK(easy.jobs[1].first_start_s == Approx(100));
  CHECK(easy.jobs[3].first_start_s == Approx(200));
  const auto fcfs = play(spec_of(plain_site(1), "fcfs"), jobs);
  CHECK(fcfs.jobs[2].first_start_s == Approx(200));
  CHECK(fcfs.jobs[1].first_start_s == Approx(100));
}

TEST_CASE("priority preempts, keeps the work and pays a restart") {
  std::vector<Job> jobs{job_of(0, 8, 1000), job_of(100, 8, 50)};
  jobs[0].restart = 10 * second;
  jobs[1].priority = 1;
  const auto out = play(spec_of(plain_site(1), "priority"), jobs);
  CHECK(out.jobs[1].first_start_s == 100);
  CHECK(out.jobs[0].n_preemptions == 1);
  CHECK(out.jobs[0].finish_s == Approx(1000 + 50 + 10));
  CHECK(out.sites[0].ledger.at(Use::lost_work) == Approx(8 * 10));
  CHECK(out.sites[0].lost_s[static_cast<std::size_t>(LossCause::preemption)] == Approx(8 * 10));
}

TEST_CASE("fair share serves the user who has used less") {
  std::vector<Job> jobs{job_of(0, 8, 100), job_of(1, 8, 100), job_of(2, 8, 100)};
  jobs[2].user = 1;
  const auto out = play(spec_of(plain_site(1), "fair-share"), jobs);
  CHECK(out.jobs[2].first_start_s < out.jobs[1].first_start_s);
}

TEST_CASE("fair share: users take turns by what they have used, by hand") {
  // 8 accelerators, gangs of 8. User 0 sends three jobs of 100 s at 0, user 1 two of 60 s at 10.
  //   0-100   user 0 (used 100); user 1 has used 0, so both of its jobs are ahead:
  //   100-160 user 1 (60 < 100), 160-220 user 1 (60 < 100; 120 after it), then user 0 twice: 220-320, 320-420.
  std::vector<Job> jobs{job_of(0, 8, 100), job_of(0, 8, 100), job_of(0, 8, 100), job_of(10, 8, 60), job_of(10, 8, 60)};
  jobs[3].user = jobs[4].user = 1;
  const auto out = play(spec_of(plain_site(1), "fair-share"), jobs);
  std::vector<double> starts;
  for (const auto& job : out.jobs) starts.push_back(job.first_start_s);
  CHECK(starts == std::vector<double>{0, 220, 320, 100, 160});
}

TEST_CASE("shortest first goes by estimates, by hand") {
  // 8 accelerators, busy to 100. Then the shortest estimate first: 50, 60, 300 s.
  const std::vector<Job> jobs{job_of(0, 8, 100), job_of(1, 8, 300), job_of(2, 8, 50), job_of(3, 8, 60)};
  const auto out = play(spec_of(plain_site(1), "shortest-first"), jobs);
  CHECK(out.jobs[2].first_start_s == 100);
  CHECK(out.jobs[3].first_start_s == 150);
  CHECK(out.jobs[1].first_start_s == 210);
}

TEST_CASE("priority preempts the lowest and latest, and no more than it needs, by hand") {
  // 16 accelerators: A (8, priority 1), B (4, priority 0), C (4, priority 0, later). D (4, priority 2) comes at 50: C gives way.
  // C has 950 s to go; it starts again when D ends at 150, pays its restart of 10 s, and ends at 150 + 10 + 950.
  std::vector<Job> jobs{job_of(0, 8, 1000), job_of(0, 4, 1000), job_of(0, 4, 1000), job_of(50, 4, 100)};
  jobs[0].priority = 1, jobs[3].priority = 2;
  for (auto& job : jobs) job.restart = 10 * second;
  const auto out = play(spec_of(plain_site(2), "priority"), jobs);
  CHECK(out.jobs[3].first_start_s == 50);
  CHECK(out.jobs[0].n_preemptions + out.jobs[1].n_preemptions == 0);
  CHECK(out.jobs[2].n_preemptions == 1);
  CHECK(out.jobs[1].finish_s == Approx(1000));
  CHECK(out.jobs[2].finish_s == Approx(150 + 10 + 950));
}

TEST_CASE("a replay starts jobs as recorded, and as soon as there is room where there was none") {
  // A from 50 to 150 on all 8; B was recorded at 60 and has to wait for A; C was recorded at 400.
  std::vector<Job> jobs{job_of(0, 8, 100), job_of(10, 8, 10), job_of(20, 8, 10)};
  jobs[0].recorded_start = 50 * second, jobs[1].recorded_start = 60 * second, jobs[2].recorded_start = 400 * second;
  const auto out = play(spec_of(plain_site(1), "replay"), jobs);
  CHECK(out.jobs[0].first_start_s == 50);
  CHECK(out.jobs[1].first_start_s == 150);
  CHECK(out.jobs[2].first_start_s == 400);
  CHECK(out.n_delayed_starts == 1);
  CHECK(play(spec_of(plain_site(1), "fcfs"), jobs).jobs[0].first_start_s == 0);
}

TEST_CASE("a gang on more leaves than it needs takes longer, by hand") {
  // Two leaves of 4 nodes; two small jobs share the first node. A gang of 4 nodes gets the second leaf when packed, and otherwise
  // the next four nodes, one of them on the second leaf.
  auto site = plain_site(8);
  site.spread_penalty = 0.25;
  auto spec = spec_of(site);
  const std::vector<Job> jobs{job_of(0, 4, 5000), job_of(0, 4, 5000), job_of(10, 32, 1000)};
  CHECK(play(spec, jobs).jobs[2].finish_s == Approx(10 + 1000));
  spec.placement = PlacementPolicy::first_fit;
  const auto spread = play(spec, jobs);
  CHECK(spread.jobs[2].finish_s == Approx(10 + 1250));
  CHECK(spread.ledger().at(Use::exposed_communication) == Approx(32 * 250));
}

TEST_CASE("what a deployment has served is not lost at a failure") {
  auto site = plain_site(1);
  site.failures_per_accelerator_hour = 0.05;
  site.hardware_share = 0;
  auto job = job_of(0, 8, 100 * 3600);
  job.kind = JobKind::serving;
  const auto out = play(spec_of(site), {job});
  CHECK(out.jobs[0].n_failures > 10);
  CHECK(out.jobs[0].lost_s == 0);
  CHECK(out.jobs[0].finish_s == Approx(100 * 3600));
}

TEST_CASE("jobs larger than the cluster are rejected and counted") {
  const auto out = play(spec_of(plain_site(1)), {job_of(0, 9, 10), job_of(0, 8, 10)});
  CHECK(out.n_rejected == 1);
  CHECK(out.jobs[0].state == JobState::rejected);
  CHECK(out.n_completed == 1);
}

TEST_CASE("free accelerators that do not make a gang are fragmented") {
  // Three jobs of 5 leave 3 free on each of two nodes ... the third waits although 6 are free.
  const auto out = play(spec_of(plain_site(2), "fcfs"), {job_of(0, 5, 100), job_of(0, 5, 100), job_of(0, 5, 100)});
  CHECK(out.sites[0].ledger.at(Use::fragmented) == Approx(5 * 100));
  CHECK(out.sites[0].ledger.at(Use::idle) == Approx(1 * 100 + 11 * 100));
}

TEST_CASE("elastic jobs shrink for others and grow when alone") {
  std::vector<Job> jobs{job_of(0, 8, 8000), job_of(1000, 8, 100)};
  jobs[0].min_accelerators = 8, jobs[0].max_accelerators = 16;
  const auto out = play(spec_of(plain_site(2)), jobs);
  CHECK(out.jobs[1].first_start_s == 1000);
  CHECK(out.jobs[0].accelerator_s > 8 * 2000);
  CHECK(out.jobs[0].finish_s < 8000);
}

TEST_CASE("a power limit slows all alike, by the curve") {
  auto site = plain_site(1);
  site.idle_load = 0.1;
  // Floors are 40 % of 750 W; a limit of 4.5 kW of IT is 0.75 of what 8 x 750 W need.
  const auto weather = power::Weather{15, 10};
  site.limit = power::Hourly<Power>::constant(power::facility_load(site.cooling, 4.5 * kilo * watt, 8 * kilo * watt, weather).total());
  const auto out = play(spec_of(site), {job_of(0, 8, 1000)});
  const double speed = power::capped_speed(0.75, power::kStaticFraction / 0.75, 1.0);
  CHECK(out.jobs[0].finish_s == Approx(1000 / speed).epsilon(1e-6));
  CHECK(out.sites[0].ledger.at(Use::capped) == Approx(8 * 1000 / speed * (1 - speed)).epsilon(1e-6));
  CHECK(out.sites[0].overdraft_s == 0);
}

TEST_CASE("chips wait for halls and for power") {
  auto site = plain_site(4);
  site.delivered = {{0 * second, 32}};
  site.housed = {{0 * second, 24}, {200 * second, 32}};
  site.energised = {{100 * second, 1000 * watt * 16 * site.nameplate_pue}, {300 * second, 1000 * watt * 32 * site.nameplate_pue}};
  auto spec = spec_of(site);
  spec.horizon = 400 * second;
  const auto out = play(spec, {});
  const auto& ledger = out.sites[0].ledger;
  CHECK(ledger.at(Use::awaiting_site) == Approx(8 * 200));
  CHECK(ledger.total() == Approx(32 * 400));
  const auto busy = play(spec, {job_of(0, 32, 50)});
  const auto& l = busy.sites[0].ledger;
  CHECK(l.at(Use::awaiting_site) == Approx(8 * 200));
  CHECK(l.at(Use::awaiting_power) == Approx(24 * 100 + 8 * 100 + 16 * 100));
  CHECK(busy.jobs[0].first_start_s == 300);
}

TEST_CASE("a deferrable job takes the cleanest hours of the cleanest region") {
  auto clean = plain_site(1), dirty = plain_site(1);
  std::vector<CarbonIntensity> day;
  for (int h = 0; h < 24; ++h) day.push_back((h >= 10 && h < 14 ? 0.1 : 0.3) * kg_co2e / (kilo * watt_hour));
  clean.around.carbon_intensity = power::Hourly<CarbonIntensity>(0, day);
  auto spec = spec_of(dirty);
  spec.sites.push_back(clean);
  spec.shift = ShiftGoal::carbon;
  auto job = job_of(0, 8, 4 * 3600);
  job.slack = 20 * hour;
  const auto out = play(spec, {job});
  CHECK(out.jobs[0].site == 1);
  CHECK(out.jobs[0].first_start_s == 10 * 3600);
  job.slack = {};
  const auto now = play(spec, {job});
  CHECK(now.jobs[0].first_start_s == 0);
  CHECK(now.jobs[0].carbon_kg == Approx(3 * out.jobs[0].carbon_kg));
}

TEST_CASE("deferrable jobs do not all choose the same hours: what is planned counts") {
  // Hours 10 to 14 are clean and hold one gang of four hours; the second finds room outside them only.
  auto site = plain_site(1);
  std::vector<CarbonIntensity> day;
  for (int h = 0; h < 24; ++h) day.push_back((h >= 10 && h < 14 ? 0.1 : 0.3) * kg_co2e / (kilo * watt_hour));
  site.around.carbon_intensity = power::Hourly<CarbonIntensity>(0, day);
  auto spec = spec_of(site);
  spec.shift = ShiftGoal::carbon;
  auto job = job_of(0, 8, 4 * 3600);
  job.slack = 20 * hour;
  auto shorter = job_of(0, 8, 2 * 3600);
  shorter.estimate = 4 * hour, shorter.slack = 20 * hour;
  const auto out = play(spec, {job, job});
  CHECK(out.jobs[0].first_start_s == 10 * 3600);
  CHECK((out.jobs[1].first_start_s <= 6 * 3600 || out.jobs[1].first_start_s >= 14 * 3600));
  CHECK(out.jobs[1].carbon_kg == Approx(3 * out.jobs[0].carbon_kg));
  // One that ends before its estimate gives the rest of its plan back: at hour 12.5 the clean hours from 12.5 on are free.
  auto late = job_of(12.5 * 3600, 8, 3600);
  late.slack = 5 * hour;
  const auto freed = play(spec, {shorter, late});
  CHECK(freed.jobs[0].first_start_s == 10 * 3600);
  CHECK(freed.jobs[1].first_start_s == 12.5 * 3600);
}

TEST_CASE("a deferrable job takes the cheapest hours, negative prices too, and pays them") {
  auto site = plain_site(1);
  std::vector<EnergyPrice> day;
  for (int h = 0; h < 24; ++h) day.push_back((h == 13 ? -0.02 : h == 14 ? 0.01 : 0.08) * usd / (kilo * watt_hour));
  site.around.price = power::Hourly<EnergyPrice>(0, day);
  auto spec = spec_of(site);
  spec.shift = ShiftGoal::price;
  auto job = job_of(0, 8, 2 * 3600);
  job.slack = 20 * hour;
  const auto out = play(spec, {job});
  CHECK(out.jobs[0].first_start_s == 13 * 3600);
  const double pue = power::facility_load({}, 6 * kilo * watt, 8 * kilo * watt, {15, 10}).pue();
  CHECK(out.jobs[0].cost_usd == Approx(6 * pue * (-0.02 + 0.01)));
}
