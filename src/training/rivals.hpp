// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "layer_cost.hpp"

namespace waferwatt::training {

/// The traffic of a plan's layers that goes over the links its gradients and weights go over: NICs where the ranks
/// that hold the same parameters are in several domains, else the links inside a domain.
class Rivals {
 public:
  Rivals(const Plan& plan, const network::TwoLevelNetwork& network) {
    const LayerGroups groups(plan.parallel, network);
    const bool data_spans = network.group(plan.parallel.layout(network::GroupKind::data)).spans_domains();
    const auto meets = [&](const network::Group& group) { return group.n_ranks > 1 && group.spans_domains() == data_spans; };
    tensor_ = meets(groups.tensor);
    context_ = meets(groups.context);
    expert_ = meets(groups.expert);
  }

  Time forward(const PartCost& part) const { return sum(part.tensor_forward, part.context_forward, part.expert_forward); }
  Time backward(const PartCost& part) const { return sum(part.tensor_backward, part.context_backward, part.expert_backward); }

 private:
  Time sum(Time tensor, Time context, Time expert) const {
    return (tensor_ ? tensor : Time{}) + (context_ ? context : Time{}) + (expert_ ? expert : Time{});
  }

  bool tensor_, context_, expert_;
};

}  // namespace waferwatt::training
