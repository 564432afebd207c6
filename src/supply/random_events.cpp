// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/supply/random_events.hpp"

namespace waferwatt::supply {

std::vector<Shock> draw_events(const std::vector<Risk>& risks, Date start, Date end, const RandomStream& random) {
  std::vector<Shock> events;
  for (std::size_t i = 0; i < risks.size(); ++i) {
    const auto& risk = risks[i];
    if (risk.rate <= Frequency{}) continue;
    auto waits = random.substream("risk", i);
    const double mean_years = 1 / (risk.rate * core::year);
    for (Date date = start + waits.exponential(mean_years) * year; date < end; date = date + waits.exponential(mean_years) * year) {
      events.push_back(risk.event);
      events.back().date = date;
    }
  }
  return events;
}

}  // namespace waferwatt::supply
