// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cost/power_cap.hpp"

#include <algorithm>

namespace waferwatt::cost {

core::Draw draw_of(const OperatorModel& model, const Estimate& estimate) {
  const Power above_idle = model.power(estimate) - model.idle_power();
  const Energy of_work = model.energy_per_flop() * (estimate.work / flop), of_bytes = model.energy_per_byte() * (estimate.traffic / byte);
  const double memory = of_work + of_bytes > Energy{} ? of_bytes / (of_work + of_bytes) : 0;
  const double streaming = estimate.time > Time{} ? estimate.traffic / (*model.accelerator().memory_bandwidth * estimate.time) : 0;
  return {model.idle_power(), (1 - memory) * above_idle, memory * above_idle, 1 - std::min(1.0, streaming)};
}

}  // namespace waferwatt::cost
