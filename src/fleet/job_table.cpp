// SPDX-License-Identifier: Apache-2.0
#include "job_table.hpp"

namespace waferwatt::fleet {

std::uint32_t JobTable::add(Job job) {
  std::uint32_t place = 0;
  if (free_.empty()) {
    place = static_cast<std::uint32_t>(entries_.size());
    entries_.push_back({std::move(job), {}, {}});
  } else {
    place = free_.back();
    free_.pop_back();
    entries_[place] = {std::move(job), {}, {}};
  }
  place_of_.push_back(place);
  ++n_open_;
  return static_cast<std::uint32_t>(place_of_.size() - 1);
}

void JobTable::close(std::uint32_t id) {
  const Entry& entry = entries_[place_of_[id]];
  sink_.take(id, entry.job, entry.record);
  free_.push_back(place_of_[id]);
  place_of_[id] = kGone;
  --n_open_;
}

}  // namespace waferwatt::fleet
