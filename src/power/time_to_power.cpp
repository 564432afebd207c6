// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/power/time_to_power.hpp"

#include <algorithm>
#include <cmath>

namespace waferwatt::power {
namespace {

constexpr double kTenPercentNormal = 1.2815515655446004;

Time draw_time(Time value, Time low, Time high, RandomStream* draw) {
  return draw ? drawn(value.base(), low.base(), high.base(), draw->normal(0, 1)) * second : value;
}
Time draw_time(const catalog::Fact<Time>& fact, RandomStream* draw) { return draw_time(*fact, fact.low.value_or(*fact), fact.high.value_or(*fact), draw); }

}  // namespace

double drawn(double value, double low, double high, double normal) {
  if (value <= 0) return value;
  const double edge = normal < 0 ? low : high;
  if (edge <= 0) return value;
  return value * std::exp(std::abs(normal) / kTenPercentNormal * std::log(edge / value));
}

Time PhaseTimes::first_power() const { return permits + std::max({building, substation, source}); }

const char* PhaseTimes::longest() const {
  if (source >= building && source >= substation) return "source";
  return building >= substation ? "building" : "substation";
}

PhaseTimes phase_times(const catalog::CampusBuild& build, const catalog::PowerSource& source, const catalog::Grid& grid, Date cleared, RandomStream* draw) {
  const auto& b = build.building;
  const Time middle = b->at(cleared);
  PhaseTimes times{.permits = draw_time(build.permits, draw),
                   .building = draw_time(middle, b.low ? b.low->at(cleared) : middle, b.high ? b.high->at(cleared) : middle, draw)};
  const Time transformer = std::max(draw_time(build.transformer, draw) - draw_time(build.ordered_ahead, draw), 0 * second);
  times.substation = transformer + draw_time(build.substation, draw);
  times.source = draw_time(source.lead_time ? *source.lead_time : grid.connection_time, draw);
  return times;
}

std::vector<std::pair<Date, Power>> energisation_steps(Date first_power, Power total, Power block, Time interval) {
  std::vector<std::pair<Date, Power>> steps;
  Power on;
  for (Date date = first_power; on < total; date = date + interval) {
    on = std::min(on + block, total);
    steps.emplace_back(date, on);
  }
  return steps;
}

}  // namespace waferwatt::power
