// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/supply/expansion.hpp"

#include <set>

namespace waferwatt::supply {

Ramp<WaferRate> expanded(const Ramp<WaferRate>& ramp, const Project& project) {
  const Ramp<WaferRate> added({{project.first_output, WaferRate{}}, {project.full_output, project.capacity}});
  std::set<Date> dates = {project.first_output, project.full_output};
  for (const auto& [date, value] : ramp.points()) dates.insert(date);
  std::vector<Ramp<WaferRate>::Point> points;
  for (const Date date : dates) points.emplace_back(date, ramp.at(date) + added.at(date));
  return Ramp<WaferRate>(std::move(points));
}

}  // namespace waferwatt::supply
