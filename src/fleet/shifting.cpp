// SPDX-License-Identifier: Apache-2.0
#include "shifting.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace waferwatt::fleet {
namespace {

constexpr double kHour = 3600;

}  // namespace

Shifter::Shifter(const FleetSpec& spec, double last_s) : spec_(spec) {
  if (spec.shift == ShiftGoal::none) return;
  const auto n_hours = static_cast<std::size_t>(std::ceil(last_s / kHour)) + 2;
  for (const auto& site : spec.sites) {
    auto& sums = sums_.emplace_back(n_hours + 1, 0.0);
    planned_.emplace_back(n_hours, 0.0);
    for (std::size_t h = 0; h < n_hours; ++h) {
      const power::HourIndex hour = site.first_hour + static_cast<power::HourIndex>(h);
      const auto& weather = site.around.weather.at(hour);
      const Power full = site.it_nameplate * static_cast<double>(site.n_accelerators());
      const double pue = power::facility_load(site.cooling, site.mean_load * full, full, weather).pue();
      sums[h + 1] = sums[h] + pue * (spec.shift == ShiftGoal::carbon ? site.around.carbon_intensity.at(hour).base() : site.around.price.at(hour).base());
    }
  }
}

double Shifter::mean(std::uint32_t site, double from_s, double length_s) const {
  const auto& sums = sums_[site];
  const auto last = static_cast<double>(sums.size() - 1);
  const auto up_to = [&](double t_s) {
    const double hours = std::clamp(t_s / kHour, 0.0, last);
    const auto whole = std::min(static_cast<std::size_t>(hours), sums.size() - 2);
    return sums[whole] + (hours - static_cast<double>(whole)) * (sums[whole + 1] - sums[whole]);
  };
  const double length = std::max(length_s, 60.0);
  return (up_to(from_s + length) - up_to(from_s)) / length;
}

bool Shifter::has_room(std::uint32_t site, double from_s, const Job& job) const {
  const auto& planned = planned_[site];
  const double most = static_cast<double>(spec_.sites[site].n_accelerators() - job.least()), until_s = from_s + job.estimated().in(second);
  for (auto h = static_cast<std::size_t>(from_s / kHour); h < planned.size() && static_cast<double>(h) * kHour < until_s; ++h)
    if (planned[h] > most) return false;
  return true;
}

void Shifter::plan(std::uint32_t site, double from_s, double until_s, double n) {
  auto& planned = planned_[site];
  for (auto h = static_cast<std::size_t>(from_s / kHour); h < planned.size() && static_cast<double>(h) * kHour < until_s; ++h) {
    const double begin = static_cast<double>(h) * kHour;
    planned[h] += n * (std::min(until_s, begin + kHour) - std::max(from_s, begin)) / kHour;
  }
}

void Shifter::release(const Job& job, const ShiftChoice& planned, double now_s) {
  if (spec_.shift == ShiftGoal::none) return;
  const double end_s = planned.start_s + job.estimated().in(second);
  if (now_s < end_s) plan(planned.site, std::max(now_s, planned.start_s), end_s, -static_cast<double>(job.n_accelerators));
}

ShiftChoice Shifter::choose(const Job& job, double now_s, const std::vector<double>& backlog_s) {
  ShiftChoice best{job.site.value_or(0), now_s};
  double least = std::numeric_limits<double>::infinity();
  bool best_has_room = false;
  for (std::uint32_t site = 0; site < spec_.sites.size(); ++site) {
    if ((job.site && *job.site != site) || job.least() > spec_.sites[site].n_accelerators()) continue;
    const double latest = now_s + job.slack.in(second);
    if (spec_.shift == ShiftGoal::none) {
      if (backlog_s[site] < least) least = backlog_s[site], best = {site, now_s};
      continue;
    }
    for (double start = now_s; start <= latest; start = (std::floor(start / kHour) + 1) * kHour) {
      // What is ahead in the queue runs first; a site that is late beyond the slack is only as good as its delay.
      const double value = mean(site, std::max(start, now_s + backlog_s[site]), job.estimated().in(second));
      const double late = std::max(now_s + backlog_s[site] - latest, 0.0) / (24 * kHour);
      const double charged = value + std::abs(value) * late;  // prices may be negative
      if (best_has_room && charged >= least) continue;
      const bool room = has_room(site, start, job);
      if (room > best_has_room || (room == best_has_room && charged < least)) least = charged, best = {site, start}, best_has_room = room;
    }
  }
  if (spec_.shift != ShiftGoal::none) plan(best.site, best.start_s, best.start_s + job.estimated().in(second), static_cast<double>(job.n_accelerators));
  return best;
}

}  // namespace waferwatt::fleet
