// SPDX-License-Identifier: Apache-2.0
// From a fleet scenario to the models' records.
#include "waferwatt/scenario/fleet_scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fleet_jobs.hpp"
#include "fleet_report.hpp"
#include "hourly_series.hpp"
#include "waferwatt/core/unit_text.hpp"
#include "waferwatt/engine/simgrid_loop.hpp"
#include "waferwatt/power/levels.hpp"
#include "waferwatt/scenario/runner.hpp"
#include "waferwatt/scenario/scenario.hpp"
#include "waferwatt/training/failure.hpp"

namespace waferwatt::scenario {
namespace {

double mean_failure_rate() {
  double rate = 0;
  for (const auto& kind : training::observed_failures()) rate += kind.per_accelerator_hour;
  return rate;
}

/// Steps from a ramp: its value at each of its points, as times from the start of the run.
template <class T, class V>
std::vector<fleet::TimedStep<V>> steps_of(const std::optional<Ramp<T>>& ramp, Date start) {
  std::vector<fleet::TimedStep<V>> steps;
  if (!ramp) return steps;
  steps.push_back({0 * second, ramp->points().front().first <= start ? ramp->at(start) : T{}});
  for (const auto& [date, value] : ramp->points())
    if (date > start) steps.push_back({date - start, value});
  return steps;
}

std::int64_t accelerators_per_node(const FleetSiteRecord& site, const catalog::System& system) {
  return std::min(site.accelerators_per_node.value_or(*system.n_accelerators), site.n_accelerators.value);
}

class FleetBuilder {
 public:
  FleetBuilder(const FleetScenario& s, const catalog::Catalog& catalog, const RunContext& context) : s_(s), catalog_(catalog), context_(context), energy_(catalog::EnergyShelves::load(catalog.folder)) {}

  fleet::FleetSpec spec() {
    fleet::FleetSpec spec{.policy = fleet::find_policy(s_.policy.value), .placement = s_.placement, .capping = s_.capping, .shift = s_.shift,
                          .backfill_depth = s_.backfill_depth, .horizon = s_.horizon.value_or(0 * second)};
    for (std::size_t i = 0; i < s_.sites.size(); ++i) spec.sites.push_back(site(s_.sites[i], i));
    return spec;
  }

  fleet::MergedJobs jobs() {
    fleet::MergedJobs all;
    all.add(std::make_unique<fleet::JobList>(listed()));
    const fleet::Job defaults = traits(s_.job_traits, fleet::JobKind::training, s_.sites.front());
    if (s_.trace) all.add(traced(*s_.trace, defaults));
    if (s_.generator) all.add(std::make_unique<fleet::GeneratedJobs>(s_.generator->model(), defaults, RandomStream(context_.seed, "jobs")));
    return all;
  }

  const std::vector<std::string>& notes() const { return notes_; }

 private:
  std::vector<fleet::JobList::Entry> listed() {
    std::vector<fleet::JobList::Entry> jobs;
    for (const auto& record : s_.jobs) {
      const auto own = std::ranges::find_if(s_.sites, [&](const auto& site) { return record.site && site.name.value == record.site->value; });
      fleet::Job job = traits(record.traits, record.kind, own == s_.sites.end() ? s_.sites.front() : *own);
      job.name = record.name, job.submit = record.submit, job.n_accelerators = record.n_accelerators.value;
      job.duration = record.duration ? *record.duration : *s_.horizon;
      job.estimate = record.estimate.value_or(0 * second);
      job.min_accelerators = record.min_accelerators, job.max_accelerators = record.max_accelerators;
      job.user = static_cast<std::uint32_t>(record.user);
      if (record.site)
        for (std::uint32_t i = 0; i < s_.sites.size(); ++i)
          if (s_.sites[i].name.value == record.site->value) job.site = i;
      jobs.push_back({std::move(job), record.count});
    }
    return jobs;
  }

  std::unique_ptr<fleet::JobStream> traced(const FleetTrace& t, const fleet::Job& defaults) {
    Diagnostics diagnostics;
    const fleet::TraceOptions options{t.format, t.from, t.until, t.rate_scale, t.size_scale, t.processors_per_accelerator};
    auto jobs = std::make_unique<fleet::TraceJobs>(path_of(t.file), text_of(t.file), options, defaults, diagnostics);
    diagnostics.throw_if_any();
    notes_.push_back(fmt::format("{}: {}", t.file.value, jobs->counts().text()));
    if (s_.policy.value == "replay" && !jobs->has_starts())
      notes_.back() += ", none with a start: they start as they come";
    return jobs;
  }

  fleet::FleetSite site(const FleetSiteRecord& r, std::size_t index) {
    Diagnostics diagnostics;
    const catalog::System& system = *r.system.resolve(catalog_.systems, diagnostics);
    const catalog::Grid& grid = *r.grid.resolve(catalog_.grids, diagnostics);
    fleet::FleetSite site{.name = r.name.value};
    site.per_node = static_cast<std::uint32_t>(accelerators_per_node(r, system));
    site.n_nodes = static_cast<std::uint32_t>(r.n_accelerators.value) / site.per_node;
    site.nodes_per_leaf = static_cast<std::uint32_t>(r.nodes_per_leaf);
    site.it_nameplate = *system.it_power_per_accelerator;
    site.mean_load = *system.mean_load_fraction, site.idle_load = r.idle_load;
    site.cooling = power::CoolingDesign::of(r.cooling, r.heat_rejection);
    site.first_hour = power::hour_of(s_.start);
    site.around = around(r, grid, index, site.first_hour);
    site.limit = limit(r, site);
    site.delivered = steps_of<double, double>(r.delivered, s_.start), site.housed = steps_of<double, double>(r.housed, s_.start);
    site.energised = steps_of<Power, Power>(r.energised, s_.start);
    site.failures_per_accelerator_hour = r.relative_failure_rate * mean_failure_rate();
    site.hardware_share = r.hardware_share, site.repair = r.repair, site.spread_penalty = r.spread_penalty;
    return site;
  }

  power::HourlySurroundings around(const FleetSiteRecord& r, const catalog::Grid& grid, std::size_t index, power::HourIndex first) {
    constexpr std::size_t kHoursOfYear = 8760;
    const auto n_hours = static_cast<std::size_t>(s_.horizon ? std::max(s_.horizon->in(hour), 24.0) : 0) + kHoursOfYear;
    const auto noise = r.noise ? std::optional(RandomStream(context_.seed, "site hours").substream(grid.id, index)) : std::nullopt;
    auto around = power::surroundings(grid, energy_.climates.find(grid.id), first, n_hours, noise);
    const auto last = first + static_cast<power::HourIndex>(s_.horizon ? s_.horizon->in(hour) - 1 : 0);
    take_series(r.carbon_series, r.price_series, r.temperature_series, first, last, around, notes_);
    return around;
  }

  std::optional<power::Hourly<Power>> limit(const FleetSiteRecord& r, const fleet::FleetSite& site) const {
    if (!r.power_budget && r.power_events.empty()) return std::nullopt;
    const Power whole = r.power_budget.value_or(static_cast<double>(site.n_accelerators()) * site.it_nameplate * site.nameplate_pue);
    if (r.power_events.empty()) return power::Hourly<Power>::constant(whole);
    double last = 0;
    for (const auto& e : r.power_events) last = std::max(last, (e.start + e.duration + static_cast<double>(e.n_times - 1) * e.period).in(hour));
    const double horizon = s_.horizon ? s_.horizon->in(hour) : last + 10 * 8760;
    std::vector<Power> hours(static_cast<std::size_t>(std::max(last, horizon)) + 2, whole);
    for (const auto& e : r.power_events)
      for (std::int64_t k = 0; k < e.n_times; ++k) {
        const double from = (e.start + static_cast<double>(k) * e.period).in(hour);
        for (auto h = static_cast<std::size_t>(from); h < std::min(hours.size(), static_cast<std::size_t>(std::ceil(from + e.duration.in(hour)))); ++h)
          hours[h] = std::min(hours[h], e.fraction * whole);
      }
    return power::Hourly<Power>(site.first_hour, std::move(hours));
  }

  /// \param site where it runs; of a job that may choose, the first
  fleet::Job traits(const FleetJobTraits& t, fleet::JobKind kind, const FleetSiteRecord& site) {
    fleet::Job job{.priority = t.priority, .kind = kind};
    job.checkpoint_interval = t.checkpoint_interval.value_or(0 * second);
    job.checkpoint_stop = t.checkpoint_stop, job.restart = t.restart, job.slack = t.slack;
    job.power_fraction = t.power_fraction, job.load = t.load.value_or(1);
    job.split = {t.bubble, t.exposed_communication, t.memory_bound};
    if (!t.scenario) return job;
    const Workload& work = workload_of(*t.scenario, kind);
    job.split = work.split;
    job.load = t.load.value_or(work.busy);
    if (t.power_fraction > 0) return job;
    // What the scenario draws in the mean holds its idle time; the job's power is that while it works.
    const double mean = power_fraction(work.accelerator_power, site);
    job.power_fraction = site.idle_load + std::max(mean - site.idle_load, 0.0) / work.busy;
    return job;
  }

  /// IT power over its nameplate where an accelerator of the site draws so much.
  double power_fraction(Power accelerator_power, const FleetSiteRecord& site) const {
    Diagnostics diagnostics;
    const catalog::System& system = *site.system.resolve(catalog_.systems, diagnostics);
    const auto& accelerator = catalog_.accelerators.at(system.accelerator);
    return std::min(1.0, power::server_load(accelerator, &system, accelerator_power));
  }

  /// What the simulation of a job says of it.
  struct Workload {
    fleet::WorkSplit split;
    Power accelerator_power;  ///< mean, idle time included
    double busy = 1;          ///< part of the time
  };

  /// Parts of an iteration of a training scenario, mean power of an accelerator of it or of a serving scenario; each scenario is
  /// run once, in a process of its own: it may need an engine of its own.
  const Workload& workload_of(const Located<std::string>& file, fleet::JobKind kind) {
    const auto [at, is_new] = workloads_.try_emplace(path_of(file));
    Workload& work = at->second;
    if (!is_new) return work;
    const std::shared_ptr<const catalog::Catalog> shared(std::shared_ptr<void>{}, &catalog_);
    const Scenario scenario = load(at->first, shared);
    const char* expected = kind == fleet::JobKind::serving ? "serving" : "training";
    if (scenario.header.kind != expected)
      throw InputError({file.problem(fmt::format("expected a {0} scenario for a job of kind {0}, this one is of kind {1}", expected, scenario.header.kind))});
    const Result result = run_isolated(scenario, {}).result;
    const auto metric = [&](const char* name) {
      const auto found = std::ranges::find(result.metrics, name, &Metric::name);
      return found == result.metrics.end() ? 0.0 : found->value;
    };
    if (!result.infeasible.empty()) throw InputError({file.problem(fmt::format("expected a scenario with a result; this one has none: {}", result.infeasible))});
    const double served_h = metric("accelerator_energy") > 0 ? metric("accelerator_hours") : 0;
    work.accelerator_power = served_h > 0 ? metric("accelerator_energy") / (3600 * served_h) * watt : metric("accelerator_power") * watt;
    const auto table = std::ranges::find(result.tables, "breakdown", &Table::name);
    if (work.accelerator_power <= 0 * watt || (served_h <= 0 && table == result.tables.end()))
      throw InputError({file.problem("expected a scenario that tells the power of an accelerator; a sweep or a search does not")});
    notes_.push_back(fmt::format("{}: {:.0f} W an accelerator", file.value, work.accelerator_power.in(watt)));
    if (served_h > 0) {
      work.busy = std::clamp(metric("busy_fraction"), 0.01, 1.0);
      notes_.back() += fmt::format(" in the mean, busy {:.1f} % of the time", 100 * work.busy);
    } else {
      split_iteration(*table, work.split, notes_.back());
    }
    return work;
  }

  static void split_iteration(const Table& breakdown, fleet::WorkSplit& split, std::string& note) {
    const auto& parts = breakdown.texts("part");
    const auto& shares = breakdown.numbers("share");
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (parts[i] == "pipeline bubble") split.bubble += shares[i];
      else if (parts[i].ends_with("communication")) split.exposed_communication += shares[i];
      else if (parts[i] == "memory bound" || parts[i] == "optimizer") split.memory_bound += shares[i];
    }
    note += fmt::format(", bubble {:.1f} %, exposed communication {:.1f} %, memory bound {:.1f} % of an iteration", 100 * split.bubble, 100 * split.exposed_communication, 100 * split.memory_bound);
  }

  const FleetScenario& s_;
  const catalog::Catalog& catalog_;
  const RunContext& context_;
  catalog::EnergyShelves energy_;
  std::vector<std::string> notes_;
  std::map<std::string, Workload> workloads_;
};

}  // namespace

void check(const FleetScenario& s, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  std::vector<std::string> names, policies;
  for (const auto& policy : fleet::scheduling_policies()) policies.emplace_back(policy.name);
  if (!fleet::find_policy(s.policy.value)) diagnostics.add(s.policy.problem(fmt::format("unknown policy \"{}\"{}", s.policy.value, suggestion(s.policy.value, policies, "policies"))));
  for (std::size_t i = 0; i < s.sites.size(); ++i) {
    const auto& site = s.sites[i];
    const auto* system = site.system.resolve(catalog.systems, diagnostics);
    site.grid.resolve(catalog.grids, diagnostics);
    if (std::ranges::find(names, site.name.value) != names.end()) diagnostics.add(site.name.problem(fmt::format("a second site \"{}\"", site.name.value)));
    names.push_back(site.name.value);
    if (!system) continue;
    const std::int64_t n = site.n_accelerators.value, per_node = accelerators_per_node(site, *system);
    if (n % per_node != 0)
      diagnostics.add(site.n_accelerators.problem(fmt::format("expected whole nodes of {} accelerators; write {} or {}", per_node, n / per_node * per_node, (n / per_node + 1) * per_node)));
    const Power rack = *system->it_power_per_accelerator * static_cast<double>(*system->n_accelerators);
    if (rack > power::largest_rack(site.cooling))
      diagnostics.add(io::diagnostic_at(site.name.place, fmt::format("/sites/{}/cooling", i),
                       fmt::format("{} cooling takes up to {} a rack, a {} has {}; write \"liquid\"", io::enum_text(site.cooling), to_text(power::largest_rack(site.cooling)), system->name, to_text(rack))));
  }
  for (const auto& job : s.jobs)
    if (const auto& site = job.site; site && std::ranges::find(names, site->value) == names.end())
      diagnostics.add(site->problem(fmt::format("unknown site \"{}\"{}", site->value, suggestion(site->value, names, "sites"))));
}

namespace {

/// \param make_loop called when the workloads of jobs are known: they run in children, which must not inherit an engine
Result run_on(const FleetScenario& scenario, const catalog::Catalog& catalog, const RunContext& context, const std::function<engine::EventLoop&()>& make_loop) {
  FleetBuilder builder(scenario, catalog, context);
  const auto spec = builder.spec();
  auto stream = builder.jobs();
  FleetJobs jobs(scenario, spec);
  const auto outcome = fleet::simulate(make_loop(), spec, stream, RandomStream(context.seed, "fleet"), jobs, [&](double done) { context.progress(done, "fleet"); });
  jobs.close();
  return fleet_result(scenario, spec, jobs, outcome, builder.notes());
}

}  // namespace

Result run(const FleetScenario& scenario, const catalog::Catalog& catalog, const RunContext& context) {
  std::optional<engine::SimgridLoop> loop;
  return run_on(scenario, catalog, context, [&]() -> engine::EventLoop& { return loop.emplace(); });
}

Result run(const FleetScenario& scenario, const catalog::Catalog& catalog, const RunContext& context, engine::EventLoop& loop) {
  return run_on(scenario, catalog, context, [&]() -> engine::EventLoop& { return loop; });
}

}  // namespace waferwatt::scenario
