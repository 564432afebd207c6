// SPDX-License-Identifier: Apache-2.0
// How a fleet scenario is written.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "waferwatt/scenario/fleet_scenario.hpp"

namespace waferwatt::scenario {

const io::Record<SeriesFile>& SeriesFile::record() {
  using F = SeriesFile;
  static const auto record =
      io::Record<F>("series_file", "Hours out of a CSV file; repairs are counted and reported.")
          .required("file", &F::file, {.doc = "CSV file, relative to the scenario."})
          .optional("time", &F::time, {.doc = "Column of the time."})
          .optional("value", &F::value, {.doc = "Column of the value: gCO2e/kWh, USD/MWh or degrees Celsius."})
          .optional("low", &F::low, {.doc = "Values below are bad rows and bridged; absent: none is too low.", .at_least = -1e9, .at_most = 1e9})
          .optional("high", &F::high, {.doc = "Values above are bad rows.", .at_least = -1e9, .at_most = 1e9})
          .optional("longest_gap", &F::longest_gap, {.doc = "Hours without a value that are bridged; longer gaps are refused.", .at_least = 0, .at_most = 1000})
          .optional("utc_offset_hours", &F::utc_offset_hours, {.doc = "Of times without a zone.", .at_least = -12.0, .at_most = 14.0});
  return record;
}

const io::Record<PowerEvent>& PowerEvent::record() {
  using P = PowerEvent;
  static const auto record =
      io::Record<P>("power_event", "Curtailment, brown-out or demand response.")
          .required("start", &P::start, {.doc = "From the start of the run.", .at_least = 0 * second, .at_most = 20 * year})
          .required("duration", &P::duration, {.doc = "How long.", .above = 0 * second, .at_most = 5 * year})
          .required("fraction", &P::fraction, {.doc = "What the site may draw of its budget, or of its nameplate where it has none.", .at_least = 0.0, .at_most = 1.0})
          .optional("period", &P::period, {.doc = "From one to the next.", .at_least = 0 * second, .at_most = 5 * year})
          .optional("n_times", &P::n_times, {.doc = "How often.", .at_least = 1, .at_most = 100'000})
          .check([](const P& p, const io::FieldComplaint& complain) {
            if (p.n_times > 1 && p.period <= p.duration) complain("n_times", "more than one needs a period longer than the duration");
          });
  return record;
}

const io::Record<FleetSiteRecord>& FleetSiteRecord::record() {
  using S = FleetSiteRecord;
  static const auto record =
      io::Record<S>("fleet_site", "A datacenter.")
          .required("name", &S::name, {.doc = "Shown in tables."})
          .required("system", &S::system, {.doc = "Servers or racks."})
          .required("n_accelerators", &S::n_accelerators, {.doc = "Accelerators at full build.", .at_least = 1, .at_most = 4'000'000})
          .optional("accelerators_per_node", &S::accelerators_per_node, {.doc = "Absent: those of the system.", .at_least = 1, .at_most = 1024})
          .optional("nodes_per_leaf", &S::nodes_per_leaf, {.doc = "Nodes below one leaf of the fabric.", .at_least = 1, .at_most = 100'000})
          .required("grid", &S::grid, {.doc = "Grid: carbon, price and weather by the hour."})
          .optional("cooling", &S::cooling, {.doc = "How heat leaves the chips."})
          .optional("heat_rejection", &S::heat_rejection, {.doc = "How heat leaves the site."})
          .optional("power_budget", &S::power_budget, {.doc = "Most that the facility may draw; absent: no limit.", .above = 0 * watt, .at_most = 100 * giga * watt})
          .optional("power_events", &S::power_events, {.doc = "Times in which it may draw less."})
          .optional("delivered", &S::delivered, {.doc = "Accelerators delivered by a date (steps at the points); absent: all.", .at_least = 0.0, .at_most = 1e8})
          .optional("housed", &S::housed, {.doc = "Accelerators with a place in a hall by a date; absent: all.", .at_least = 0.0, .at_most = 1e8})
          .optional("energised", &S::energised, {.doc = "Facility nameplate power that is on by a date; absent: all.", .at_least = 0 * watt, .at_most = 100 * giga * watt})
          .optional("relative_failure_rate", &S::relative_failure_rate, {.doc = "Failures over those of Llama 3's run (one in 50,700 accelerator-hours).", .at_least = 0.0, .at_most = 10'000.0})
          .optional("hardware_share", &S::hardware_share, {.doc = "Failures that take the node out for repair.", .at_least = 0.0, .at_most = 1.0})
          .optional("repair", &S::repair, {.doc = "Mean time of a repair; exponential.", .above = 0 * second, .at_most = year})
          .optional("spread_penalty", &S::spread_penalty, {.doc = "Time added to a gang on more leaves than it needs.", .at_least = 0.0, .at_most = 10.0})
          .optional("idle_load", &S::idle_load, {.doc = "IT power of an accelerator without a job over nameplate.", .at_least = 0.0, .at_most = 1.0})
          .optional("noise", &S::noise, {.doc = "Draws weather, carbon and price with their noise; false: their mean hours."})
          .optional("carbon_series", &S::carbon_series, {.doc = "Carbon intensity by the hour, gCO2e/kWh, instead of the grid's."})
          .optional("price_series", &S::price_series, {.doc = "Price by the hour, USD/MWh, instead of the grid's."})
          .optional("temperature_series", &S::temperature_series, {.doc = "Dry-bulb temperature by the hour instead of the grid's."})
          .check([](const S& s, const io::FieldComplaint& complain) {
            if (s.cooling == power::CoolingKind::legacy_air && s.heat_rejection == power::HeatRejection::evaporative)
              complain("heat_rejection", "legacy-air is cooled by chillers; write \"dry\"");
          });
  return record;
}

const io::Record<FleetJobTraits>& FleetJobTraits::record() {
  using T = FleetJobTraits;
  static const auto record =
      io::Record<T>("fleet_job_traits", "What a job has beside its size and time.")
          .optional("bubble", &T::bubble, {.doc = "Part of the running time in pipeline bubbles.", .at_least = 0.0, .at_most = 1.0})
          .optional("exposed_communication", &T::exposed_communication, {.doc = "Part in communication that is not hidden.", .at_least = 0.0, .at_most = 1.0})
          .optional("memory_bound", &T::memory_bound, {.doc = "Part bound by memory bandwidth.", .at_least = 0.0, .at_most = 1.0})
          .optional("scenario", &T::scenario, {.doc = "Of a training run, a training scenario: its iteration gives these parts, its accelerators' mean power that of the job. Of a deployment, a serving scenario: it gives the power and \"load\"."})
          .optional("checkpoint_interval", &T::checkpoint_interval, {.doc = "Work between checkpoints; absent: none.", .above = 0 * second, .at_most = year})
          .optional("checkpoint_stop", &T::checkpoint_stop, {.doc = "The job stands still so long.", .at_least = 0 * second, .at_most = day})
          .optional("restart", &T::restart, {.doc = "From being placed again to going on.", .at_least = 0 * second, .at_most = 10 * day})
          .optional("slack", &T::slack, {.doc = "May start this much later, for \"shift\".", .at_least = 0 * second, .at_most = year})
          .optional("power_fraction", &T::power_fraction, {.doc = "IT power over nameplate while the job works; 0: the scenario's, without one the system's.", .at_least = 0.0, .at_most = 1.0})
          .optional("load", &T::load, {.doc = "Of a deployment: part of the time that serves; absent: the scenario's, without one all.", .at_least = 0.0, .at_most = 1.0})
          .optional("priority", &T::priority, {.doc = "Higher first.", .at_least = -1e6, .at_most = 1e6})
          .check([](const T& t, const io::FieldComplaint& complain) {
            if (t.bubble + t.exposed_communication + t.memory_bound > 1) complain("bubble", "bubble, exposed_communication and memory_bound add up to more than 1");
          });
  return record;
}

const io::Record<FleetJobRecord>& FleetJobRecord::record() {
  using J = FleetJobRecord;
  static const auto record =
      io::Record<J>("fleet_job", "A job, or several alike.")
          .required("name", &J::name, {.doc = "Shown in tables."})
          .optional("kind", &J::kind, {.doc = "A training run, or a deployment that serves."})
          .optional("submit", &J::submit, {.doc = "From the start of the run.", .at_least = 0 * second, .at_most = 20 * year})
          .required("n_accelerators", &J::n_accelerators, {.doc = "Accelerators, all at once.", .at_least = 1, .at_most = 4'000'000})
          .optional("duration", &J::duration, {.doc = "At full speed, without failures; absent: to the end of the run.", .above = 0 * second, .at_most = 20 * year})
          .optional("estimate", &J::estimate, {.doc = "What the scheduler is told; absent: the duration.", .above = 0 * second, .at_most = 20 * year})
          .optional("min_accelerators", &J::min_accelerators, {.doc = "Elastic: the least; 0: n_accelerators.", .at_least = 0, .at_most = 4'000'000})
          .optional("max_accelerators", &J::max_accelerators, {.doc = "Elastic: the most; 0: n_accelerators.", .at_least = 0, .at_most = 4'000'000})
          .optional("user", &J::user, {.doc = "For fair share.", .at_least = 0, .at_most = 100'000})
          .optional("count", &J::count, {.doc = "So many of them.", .at_least = 1, .at_most = 1'000'000})
          .optional("site", &J::site, {.doc = "Name of a site; absent: any."})
          .optional("traits", &J::traits, {.doc = "What else it has."})
          .check([](const J& j, const io::FieldComplaint& complain) {
            if (j.min_accelerators > j.n_accelerators.value) complain("min_accelerators", "more than n_accelerators");
            if (j.max_accelerators > 0 && j.max_accelerators < j.n_accelerators.value) complain("max_accelerators", "less than n_accelerators");
          });
  return record;
}

const io::Record<FleetTrace>& FleetTrace::record() {
  using T = FleetTrace;
  static const auto record =
      io::Record<T>("fleet_trace", "Jobs of a scheduler's trace.")
          .required("file", &T::file, {.doc = "File, relative to the scenario."})
          .optional("format", &T::format, {.doc = "Format of the file; Acme and Philly are CSV."})
          .optional("from", &T::from, {.doc = "Leaves out what was submitted before; after the first job.", .at_least = 0 * second, .at_most = 50 * year})
          .optional("until", &T::until, {.doc = "Leaves out what was submitted after; 0: nothing.", .at_least = 0 * second, .at_most = 50 * year})
          .optional("rate_scale", &T::rate_scale, {.doc = "Jobs come so much faster.", .above = 0.0, .at_most = 1e6})
          .optional("size_scale", &T::size_scale, {.doc = "Jobs ask for so many more accelerators.", .above = 0.0, .at_most = 1e6})
          .optional("processors_per_accelerator", &T::processors_per_accelerator, {.doc = "SWF: processors for which an accelerator stands.", .above = 0.0, .at_most = 1e6});
  return record;
}

const io::Record<FleetGenerator>& FleetGenerator::record() {
  using G = FleetGenerator;
  static const auto record =
      io::Record<G>("fleet_generator", "Jobs drawn at random.")
          .required("n_jobs", &G::n_jobs, {.doc = "How many.", .at_least = 1, .at_most = 10'000'000})
          .optional("mean_gap", &G::mean_gap, {.doc = "Between two submissions.", .above = 0 * second, .at_most = year})
          .optional("daily_swing", &G::daily_swing, {.doc = "Highest rate of the day over the mean, less one.", .at_least = 0.0, .at_most = 1.0})
          .optional("sizes", &G::sizes, {.doc = "Accelerators of a job.", .at_least = 1.0, .at_most = 4e6})
          .optional("weights", &G::weights, {.doc = "How often each size.", .at_least = 0.0, .at_most = 1e9})
          .optional("median_duration", &G::median_duration, {.doc = "Of a job on one accelerator.", .above = 0 * second, .at_most = year})
          .optional("duration_spread", &G::duration_spread, {.doc = "Standard deviation of the logarithm.", .at_least = 0.0, .at_most = 5.0})
          .optional("size_exponent", &G::size_exponent, {.doc = "Durations go with the size to this power.", .at_least = -2.0, .at_most = 2.0})
          .optional("estimate_factor", &G::estimate_factor, {.doc = "Estimates lie between the duration and this times it.", .at_least = 1.0, .at_most = 1000.0})
          .optional("n_users", &G::n_users, {.doc = "Users.", .at_least = 1, .at_most = 100'000})
          .check([](const G& g, const io::FieldComplaint& complain) {
            if (g.sizes.empty() || g.sizes.size() != g.weights.size()) complain("weights", fmt::format("expected one weight for each of the {} sizes, got {}", g.sizes.size(), g.weights.size()));
            else if (std::ranges::all_of(g.weights, [](double weight) { return weight <= 0; })) complain("weights", "all are zero");
            if (std::ranges::any_of(g.sizes, [](double size) { return size != std::floor(size); })) complain("sizes", "expected whole numbers of accelerators");
          });
  return record;
}

fleet::JobGenerator FleetGenerator::model() const {
  return {n_jobs, mean_gap, daily_swing, sizes, weights, median_duration, duration_spread, size_exponent, estimate_factor, n_users};
}

const io::Record<FleetScenario>& FleetScenario::record() {
  using S = FleetScenario;
  static const auto record =
      io::Record<S>("fleet_scenario", "Many jobs on one datacenter or several.")
          .optional("start", &S::start, {.doc = "Date of the first hour."})
          .optional("horizon", &S::horizon, {.doc = "Length of the run; absent: until every job is done.", .above = 0 * second, .at_most = 20 * year})
          .required("sites", &S::sites, {.doc = "The datacenters."})
          .optional("jobs", &S::jobs, {.doc = "Jobs one by one."})
          .optional("trace", &S::trace, {.doc = "Jobs of a trace."})
          .optional("generator", &S::generator, {.doc = "Jobs drawn at random."})
          .optional("job_traits", &S::job_traits, {.doc = "What jobs of the trace and the generator have beside size and time."})
          .optional("policy", &S::policy, {.doc = "Who is next: fcfs, easy, shortest-first, priority, fair-share or replay."})
          .optional("placement", &S::placement, {.doc = "Which nodes a gang gets."})
          .optional("capping", &S::capping, {.doc = "Who bears a power limit."})
          .optional("shift", &S::shift, {.doc = "What decides on site and hour of jobs that have a choice."})
          .optional("backfill_depth", &S::backfill_depth, {.doc = "Jobs looked at behind the first.", .at_least = 0, .at_most = 1'000'000})
          .optional("largest_job_table", &S::largest_job_table, {.doc = "Most jobs for which the results have a table of them; of more, only \"jobs_file\" has the rows.", .at_least = 0, .at_most = 10'000'000})
          .optional("jobs_file", &S::jobs_file, {.doc = "CSV file that every job is written to as it ends; for runs of many."})
          .optional("accelerator_hour_price", &S::accelerator_hour_price, {.doc = "Price of one accelerator, energy not included; absent: only energy is paid.", .above = 0 * usd / hour, .at_most = 10000 * usd / hour})
          .check([](const S& s, const io::FieldComplaint& complain) {
            if (s.sites.empty()) complain("sites", "expected at least one site");
            if (s.sites.size() > 1000) complain("sites", "at most 1000 sites");
            if (s.jobs.empty() && !s.trace && !s.generator) complain("", "no jobs: give \"jobs\", a \"trace\" or a \"generator\"");
            for (const auto& job : s.jobs)
              if (!job.duration && !s.horizon) complain("horizon", "job \"" + job.name + "\" has no duration, so the run needs a horizon");
          });
  return record;
}

}  // namespace waferwatt::scenario
