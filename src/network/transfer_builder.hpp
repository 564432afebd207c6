// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <unordered_map>

#include "waferwatt/network/collective.hpp"

namespace waferwatt::network {

/// Adds up the routes of one transfer.
class TransferBuilder {
 public:
  explicit TransferBuilder(const Topology& topology) : topology_(&topology) {}

  /// \returns the latency of the route
  Time add(Rank from, Rank to, double weight = 1) {
    links_.clear();
    topology_->append_route(from, to, links_);
    for (const LinkIndex link : links_) count(link, weight);
    return topology_->latency(links_);
  }
  void count(LinkIndex link, double weight) { weights_[link] += weight; }
  void count_once(Rank from, Rank to) {
    links_.clear();
    topology_->append_route(from, to, links_);
    for (const LinkIndex link : links_) weights_[link] = 1;
  }
  void add(std::span<const LinkLoad> loads) {
    for (const auto& load : loads) count(load.link, load.times);
  }
  Transfer transfer(DataSize bytes, Time latency) const {
    Transfer transfer{{}, bytes, latency};
    transfer.uses.reserve(weights_.size());
    for (const auto& [link, weight] : weights_) transfer.uses.push_back({link, weight});
    std::ranges::sort(transfer.uses, {}, &engine::LinkUse::link);
    return transfer;
  }

 private:
  const Topology* topology_;
  std::unordered_map<LinkIndex, double> weights_;
  std::vector<LinkIndex> links_;
};

}  // namespace waferwatt::network
