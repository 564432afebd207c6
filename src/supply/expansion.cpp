// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/supply/expansion.hpp"

#include <set>

namespace waferwatt::supply {

template <class T>
Ramp<T> sum_of(const Ramp<T>& a, const Ramp<T>& b) {
  std::set<Date> dates;
  for (const auto& [date, value] : a.points()) dates.insert(date);
  for (const auto& [date, value] : b.points()) dates.insert(date);
  std::vector<typename Ramp<T>::Point> points;
  for (const Date date : dates) points.emplace_back(date, a.at(date) + b.at(date));
  return Ramp<T>(std::move(points));
}

template Ramp<WaferRate> sum_of(const Ramp<WaferRate>&, const Ramp<WaferRate>&);
template Ramp<Frequency> sum_of(const Ramp<Frequency>&, const Ramp<Frequency>&);

Ramp<WaferRate> expanded(const Ramp<WaferRate>& ramp, const Project& project) {
  return sum_of(ramp, Ramp<WaferRate>({{project.first_output, WaferRate{}}, {project.full_output, project.capacity}}));
}

}  // namespace waferwatt::supply
