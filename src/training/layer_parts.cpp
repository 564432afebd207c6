// SPDX-License-Identifier: Apache-2.0
#include "layer_parts.hpp"

namespace waferwatt::training {

LayerKey LayerPartsCache::key_of(const Plan& plan) {
  if (!last_groups_ || last_groups_->first != plan.parallel)
    last_groups_.emplace(plan.parallel, LayerGroups(plan.parallel, machine_.network));
  return {last_groups_->second,
          plan.micro_batch,
          plan.sequence_length,
          plan.recompute,
          plan.format,
          plan.context_exchange,
          plan.capture,
          plan.sequence_parallel,
          plan.fused_attention,
          model_.moe && (plan.overlapped_dispatch || plan.schedule == Schedule::dual_pipe),
          plan.deduplicated_dispatch,
          plan.capacity_factor,
          plan.overlap.tensor,
          plan.overlap.expert,
          plan.overlap.context};
}

PartCost LayerParts::sum(const PartCounts& n) const {
  PartCost sum = dense.scaled(n.dense);
  if (n.expert > 0) sum += expert.scaled(n.expert);
  if (n.embedding > 0) sum += embedding.scaled(n.embedding);
  if (n.head > 0) sum += head.scaled(n.head);
  return sum;
}

const LayerParts& LayerPartsCache::of(const Plan& plan) {
  const LayerKey key = key_of(plan);
  if (last_ && last_->first == key) return last_->second;
  const auto [at, is_new] = parts_.try_emplace(key);
  if (is_new) {
    const LayerCosts costs(model_, plan, machine_);
    at->second = {model_.moe && model_.n_expert_layers() == model_.n_layers.value ? PartCost{} : costs.layer(false),
                  model_.moe ? costs.layer(true) : PartCost{}, costs.embedding(), costs.head()};
  }
  last_ = &*at;
  return at->second;
}

}  // namespace waferwatt::training
