// SPDX-License-Identifier: Apache-2.0
#pragma once
// The scenario kind "fleet": many jobs on one datacenter or several.
#include "waferwatt/catalog/catalog.hpp"
#include "waferwatt/fleet/fleet.hpp"
#include "waferwatt/fleet/job_source.hpp"
#include "waferwatt/scenario/training_scenario.hpp"

namespace waferwatt::scenario {

/// A user's hourly series: a CSV file beside the scenario.
struct SeriesFile {
  Located<std::string> file;
  std::string time = "timestamp", value = "value";
  std::optional<double> low, high;   ///< values outside are bad rows
  std::int64_t longest_gap = 6;
  double utc_offset_hours = 0;

  static const io::Record<SeriesFile>& record();
};

/// A time in which a site may draw less: curtailment, brown-out, demand response.
struct PowerEvent {
  Time start, duration;
  double fraction = 0.5;  ///< of the site's budget, or of its nameplate
  Time period;            ///< repeats so often; zero: once
  std::int64_t n_times = 1;

  static const io::Record<PowerEvent>& record();
};

struct FleetSiteRecord {
  Located<std::string> name;
  catalog::Reference<catalog::System> system;
  Located<std::int64_t> n_accelerators{8, {}, {}};
  std::int64_t nodes_per_leaf = 32;
  std::optional<std::int64_t> accelerators_per_node;
  catalog::Reference<catalog::Grid> grid;
  power::CoolingKind cooling = power::CoolingKind::air;
  power::HeatRejection heat_rejection = power::HeatRejection::dry;
  std::optional<Power> power_budget;
  std::vector<PowerEvent> power_events;
  std::optional<Ramp<double>> delivered, housed;
  std::optional<Ramp<Power>> energised;
  double relative_failure_rate = 1, hardware_share = 0.7, spread_penalty = 0, idle_load = 0.25;
  Time repair = 24 * hour;
  bool noise = true;  ///< of the grid's and the weather's hours
  std::optional<SeriesFile> carbon_series, price_series, temperature_series;

  static const io::Record<FleetSiteRecord>& record();
};

/// What a job has beside its size and time.
struct FleetJobTraits {
  double bubble = 0, exposed_communication = 0, memory_bound = 0;
  std::optional<Located<std::string>> scenario;  ///< of the job's kind: power, parts of an iteration, part of the time that serves
  std::optional<Time> checkpoint_interval;
  Time checkpoint_stop, restart = 10 * minute, slack;
  double power_fraction = 0, priority = 0;
  std::optional<double> load;

  static const io::Record<FleetJobTraits>& record();
};

struct FleetJobRecord {
  std::string name;
  fleet::JobKind kind = fleet::JobKind::training;
  Time submit;
  Located<std::int64_t> n_accelerators{1, {}, {}};
  std::optional<Time> duration, estimate;  ///< a deployment without duration runs to the end
  std::int64_t min_accelerators = 0, max_accelerators = 0;
  std::int64_t user = 0, count = 1;
  std::optional<Located<std::string>> site;
  FleetJobTraits traits;

  static const io::Record<FleetJobRecord>& record();
};

struct FleetTrace {
  Located<std::string> file;
  fleet::TraceFormat format = fleet::TraceFormat::csv;
  Time from, until;
  double rate_scale = 1, size_scale = 1, processors_per_accelerator = 1;

  static const io::Record<FleetTrace>& record();
};

struct FleetGenerator {
  std::vector<double> sizes = fleet::JobGenerator{}.sizes, weights = fleet::JobGenerator{}.weights;
  std::int64_t n_jobs = 1000, n_users = 10;
  Time mean_gap = 10 * minute, median_duration = 30 * minute;
  double daily_swing = 0.3, duration_spread = 1.5, size_exponent = 0.2, estimate_factor = 2;

  static const io::Record<FleetGenerator>& record();
  fleet::JobGenerator model() const;
};

struct FleetScenario {
  Date start = Date::from_civil(2025, 1, 1);
  std::optional<Time> horizon;
  std::vector<FleetSiteRecord> sites;
  std::vector<FleetJobRecord> jobs;
  std::optional<FleetTrace> trace;
  std::optional<FleetGenerator> generator;
  FleetJobTraits job_traits;
  Located<std::string> policy{"easy", {}, {}};
  fleet::PlacementPolicy placement = fleet::PlacementPolicy::packed;
  power::CapPolicy capping = power::CapPolicy::uniform;
  fleet::ShiftGoal shift = fleet::ShiftGoal::none;
  std::int64_t backfill_depth = 200, largest_job_table = 200000;
  std::optional<std::string> jobs_file;
  std::optional<MoneyRate> accelerator_hour_price;

  static const io::Record<FleetScenario>& record();
};

void check(const FleetScenario&, const catalog::Catalog&, Diagnostics&);
Result run(const FleetScenario&, const catalog::Catalog&, const RunContext&);
/// The same on a loop of the caller's.
Result run(const FleetScenario&, const catalog::Catalog&, const RunContext&, engine::EventLoop&);

}  // namespace waferwatt::scenario

namespace waferwatt::io {
template <> struct EnumTexts<power::CoolingKind> {
  static constexpr std::array values{std::pair{power::CoolingKind::air, "air"}, std::pair{power::CoolingKind::liquid, "liquid"},
                                     std::pair{power::CoolingKind::legacy_air, "legacy-air"}};
};
template <> struct EnumTexts<power::HeatRejection> {
  static constexpr std::array values{std::pair{power::HeatRejection::dry, "dry"}, std::pair{power::HeatRejection::evaporative, "evaporative"}};
};
template <> struct EnumTexts<power::CapPolicy> {
  static constexpr std::array values{std::pair{power::CapPolicy::uniform, "uniform"}, std::pair{power::CapPolicy::priority, "priority"},
                                     std::pair{power::CapPolicy::inference_first, "inference-first"}};
};
template <> struct EnumTexts<fleet::JobKind> {
  static constexpr std::array values{std::pair{fleet::JobKind::training, "training"}, std::pair{fleet::JobKind::serving, "serving"}};
};
template <> struct EnumTexts<fleet::TraceFormat> {
  static constexpr std::array values{std::pair{fleet::TraceFormat::csv, "csv"}, std::pair{fleet::TraceFormat::swf, "swf"}};
};
template <> struct EnumTexts<fleet::PlacementPolicy> {
  static constexpr std::array values{std::pair{fleet::PlacementPolicy::packed, "packed"}, std::pair{fleet::PlacementPolicy::first_fit, "first-fit"}};
};
template <> struct EnumTexts<fleet::ShiftGoal> {
  static constexpr std::array values{std::pair{fleet::ShiftGoal::none, "none"}, std::pair{fleet::ShiftGoal::carbon, "carbon"},
                                     std::pair{fleet::ShiftGoal::price, "price"}};
};
}  // namespace waferwatt::io
