// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/fleet/policy.hpp"

#include <algorithm>

namespace waferwatt::fleet {
namespace {

double as_they_come(const Job&) { return 0; }
double by_priority(const Job& job) { return -job.priority; }
double shortest_first(const Job& job) { return job.estimated().in(second); }

}  // namespace

std::span<const SchedulingPolicy> scheduling_policies() {
  static constexpr SchedulingPolicy kTable[] = {
      {"fcfs", "first come, first served; the first blocks all others", as_they_come},
      {"easy", "fcfs with backfilling that never delays the first by the estimates", as_they_come, false, true},
      {"shortest-first", "shortest estimate first, with backfilling", shortest_first, false, true},
      {"priority", "highest priority first, with backfilling; lower ones are preempted", by_priority, false, true, true},
      {"fair-share", "the user who has used least for its due first, with backfilling", as_they_come, true, true},
      {"replay", "jobs start when the trace says, as far as there is room", as_they_come, false, true, false, true},
  };
  return kTable;
}

const SchedulingPolicy* find_policy(std::string_view name) {
  const auto table = scheduling_policies();
  const auto at = std::ranges::find(table, name, &SchedulingPolicy::name);
  return at == table.end() ? nullptr : &*at;
}

}  // namespace waferwatt::fleet
