// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/power/energisation.hpp"

#include <algorithm>
#include <numeric>

namespace waferwatt::power {

EnergisationQueue::EnergisationQueue(std::vector<double> value_of_power, double pue)
    : batches_(value_of_power.size()), order_(value_of_power.size()), energised_(value_of_power.size(), 0.0), waiting_(value_of_power.size(), 0.0), pue_(pue) {
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  std::ranges::stable_sort(order_, std::greater{}, [&](std::size_t product) { return value_of_power[product]; });
}

void EnergisationQueue::deliver(std::size_t product, double n_accelerators, Date date) {
  batches_[product].push_back({n_accelerators, date});
  waiting_[product] += n_accelerators;
}

void EnergisationQueue::place_energised(std::size_t product, double n_accelerators, Date date) {
  auto& batches = batches_[product];
  batches.insert(std::ranges::upper_bound(batches, date, {}, &Batch::delivered), {n_accelerators, date});
  energised_[product] += n_accelerators;
}

Power EnergisationQueue::power_in_use(const std::vector<AcceleratorLoad>& loads) const {
  Power sum;
  for (std::size_t p = 0; p < energised_.size(); ++p) sum += energised_[p] * loads[p].facility_nameplate(pue_);
  return sum;
}

void EnergisationQueue::energise(Power available, const std::vector<AcceleratorLoad>& loads) {
  Power free = available - power_in_use(loads);
  for (const std::size_t product : order_) {
    if (free <= 0 * watt) return;
    const Power each = loads[product].facility_nameplate(pue_);
    const double n = std::min(waiting_[product], free / each);
    waiting_[product] -= n;
    energised_[product] += n;
    free -= n * each;
  }
}

std::vector<double> EnergisationQueue::retire(Date date, Time service_life) {
  std::vector<double> retired(energised_.size(), 0.0);
  for (std::size_t product = 0; product < batches_.size(); ++product) {
    auto& batches = batches_[product];
    while (!batches.empty() && batches.front().delivered + service_life <= date) {
      // The oldest of a product were switched on first, so they are the ones that run.
      const double n = batches.front().n_accelerators, running = std::min(n, energised_[product]);
      energised_[product] -= running;
      waiting_[product] -= n - running;
      retired[product] += n;
      batches.pop_front();
    }
  }
  return retired;
}

}  // namespace waferwatt::power
