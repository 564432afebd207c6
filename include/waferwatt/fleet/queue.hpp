// SPDX-License-Identifier: Apache-2.0
#pragma once
// Jobs that wait at one site, in the order of the policy.
#include <functional>
#include <set>
#include <vector>

#include "waferwatt/fleet/policy.hpp"

namespace waferwatt::fleet {

class JobQueue {
 public:
  explicit JobQueue(const SchedulingPolicy& policy) : policy_(policy) {}

  void add(std::uint32_t id, const Job& job);
  void remove(std::uint32_t id, const Job& job);
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  /// Fair share: accelerator-seconds a user has used, and accelerators it holds now.
  void charge(std::uint32_t user, double accelerator_s) { lane(user).used += accelerator_s; }

  /// Calls `visit(id)` in order until it returns false. It must not add or remove.
  void visit(const std::function<bool(std::uint32_t)>& visit) const;

 private:
  struct Key {
    double rank, submit;
    std::uint32_t id;
    auto operator<=>(const Key&) const = default;
  };
  struct Lane {
    std::set<Key> jobs;
    double used = 0;
  };
  Key key_of(std::uint32_t id, const Job& job) const { return {policy_.rank(job), job.submit.in(second), id}; }
  Lane& lane(std::uint32_t user) {
    const std::size_t index = policy_.by_user ? user : 0;
    if (lanes_.size() <= index) lanes_.resize(index + 1);
    return lanes_[index];
  }

  const SchedulingPolicy& policy_;
  std::vector<Lane> lanes_ = std::vector<Lane>(1);
  std::size_t size_ = 0;
};

}  // namespace waferwatt::fleet
