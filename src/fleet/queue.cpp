// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/fleet/queue.hpp"

#include <algorithm>
#include <numeric>

namespace waferwatt::fleet {

void JobQueue::add(std::uint32_t id, const Job& job) { size_ += lane(job.user).jobs.insert(key_of(id, job)).second; }

void JobQueue::remove(std::uint32_t id, const Job& job) { size_ -= lane(job.user).jobs.erase(key_of(id, job)); }

void JobQueue::visit(const std::function<bool(std::uint32_t)>& visit) const {
  if (lanes_.size() == 1) {
    for (const auto& key : lanes_[0].jobs)
      if (!visit(key.id)) return;
    return;
  }
  std::vector<const Lane*> order;
  for (const auto& lane : lanes_)
    if (!lane.jobs.empty()) order.push_back(&lane);
  std::ranges::stable_sort(order, {}, &Lane::used);
  for (const auto* lane : order)
    for (const auto& key : lane->jobs)
      if (!visit(key.id)) return;
}

}  // namespace waferwatt::fleet
