// SPDX-License-Identifier: Apache-2.0
// Layers with experts: the router, rows sorted by expert, the experts themselves, and the way there and back.
#include <algorithm>
#include <cmath>

#include "layer_cost.hpp"

namespace waferwatt::training {
namespace {

double as_double(const catalog::Fact<std::int64_t>& fact) { return static_cast<double>(fact.value); }

}  // namespace

void LayerCosts::experts(PartCost& part) const {
  const auto& moe = *model_.moe;
  const double expert = static_cast<double>(plan_.parallel.expert), k = as_double(moe.experts_per_token);
  const double slices = static_cast<double>(plan_.parallel.expert_slices());
  // Tokens of a rank before the experts are its slice of the sequence; ranks that share an expert gather theirs.
  const double tokens = tokens_ / tensor_ * slices;
  const double capacity = plan_.capacity_factor > 0 ? plan_.capacity_factor : 1;
  route(part, tokens);
  const cost::Experts op{.n_tokens = tokens * expert * capacity,
                         .experts_per_token = k,
                         .n_experts = as_double(moe.n_routed_experts),
                         .expert_parallel = expert,
                         .hidden_size = hidden_,
                         .ffn_size = as_double(moe.expert_ffn_size) / slices,
                         .gated = model_.gated_ffn,
                         .format = plan_.format,
                         // Experts of fixed capacity are filled up to it.
                         .routing = {plan_.capacity_factor > 0 ? cost::Routing::Kind::balanced : cost::Routing::Kind::random}};
  const auto routed = operators_.estimate(op);
  const double slow = software_.kernel_slowdown * software_.expert_slowdown;
  part.forward.add(routed, slow, operators_);
  part.backward.add(routed, slow, operators_);
  part.weight.add(routed, slow, operators_);
  accumulate(part.weight, (model_.gated_ffn ? 3 : 2) * hidden_ * op.ffn_size * op.n_experts / expert, routed.time);
  epilogues(part, tokens * capacity * k, op.ffn_size);
  if (moe.n_shared_experts.value > 0) feed_forward(part, as_double(moe.expert_ffn_size) * as_double(moe.n_shared_experts));
  if (plan_.parallel.expert > 1) exchange_tokens(part);
  if (slices > 1) {
    const Time both = network_.all_gather_time(groups_.expert_tensor, tokens * hidden_ * kActivation) +
                      network_.reduce_scatter_time(groups_.expert_tensor, tokens * hidden_ * kActivation);
    part.tensor_forward += software_.tensor_slowdown * both, part.tensor_backward += software_.tensor_slowdown * both;
  }
}

void LayerCosts::epilogues(PartCost& part, double rows, double ffn_size) const {
  const auto& moe = *model_.moe;
  if (software_.fused_expert_epilogues) return;
  const auto run = [&](Work& work, double bytes) { work.add(operators_.stream(bytes * byte), 1, operators_); };
  if (moe.expert_biases) {
    // Output biases, of each number in bytes. Forward: bias times probability written in fp32 (4), the output read with it
    // (2 + 4), the sum written (4), experts put together (4 + 4), rounded (4 + 2).
    run(part.forward, 28 * rows * hidden_);
    // Backward: the gradient widened (2 + 4); its products with probability and with bias written and added up (4 + 4 + 4 each);
    // rounded (4 + 2).
    run(part.backward, 36 * rows * hidden_);
  }
  if (!moe.clamped_gate) return;
  const double inputs = (model_.gated_ffn ? 2 : 1) * rows * ffn_size;
  run(part.forward, 8 * inputs);    // clamped (2 + 2), both halves put together (2 + 2)
  run(part.backward, 10 * inputs);  // gradients of the halves masked by the inputs (2 + 2 + 2), put together (2 + 2)
  if (plan_.recompute == Recompute::selective) run(part.recompute, 8 * inputs);
}

void LayerCosts::route(PartCost& part, double rows) const {
  const auto& moe = *model_.moe;
  const double k = as_double(moe.experts_per_token), n = as_double(moe.n_routed_experts);
  gemm(part, rows, n, hidden_, NumberFormat::bf16);
  stream(part, rows * n * 12 * byte);  // scores in fp32: softmax, the k largest
  // On one rank the experts' own kernels put rows in order and add up results. Across ranks rows are also sorted by rank
  // before they leave, and put back when they return; fused dispatchers write them where they belong as they come.
  if (plan_.parallel.expert == 1) return;
  stream(part, (plan_.deduplicated_dispatch ? 2 : 4) * rows * k * hidden_ * kActivation);
}

void LayerCosts::exchange_tokens(PartCost& part) const {
  const double expert = static_cast<double>(plan_.parallel.expert), k = as_double(model_.moe->experts_per_token);
  const auto& group = groups_.expert;
  const double capacity = plan_.capacity_factor > 0 ? plan_.capacity_factor : 1;
  const DataSize sent = capacity * tokens_ / tensor_ * k * hidden_ * kActivation;
  DataSize out = sent, back = sent;
  if (plan_.deduplicated_dispatch) {
    // Of D domains, k experts drawn evenly lie in D (1 - (1 - 1/D)^k).
    const double domains = std::ceil(expert / static_cast<double>(std::max<std::int64_t>(1, group.per_domain)));
    const double share = domains > 1 ? std::min(1.0, domains * (1 - std::pow(1 - 1 / domains, k)) / k) : 1;
    out *= share * (is_narrow(plan_.format) ? 0.5 : 1), back *= share;
  }
  const Time both_ways =
      contention_.expert * (network_.all_to_all_time(group, out) + network_.all_to_all_time(group, back));
  const double exposed = 1 - plan_.overlap.expert.value_or(software_.expert_overlap);
  part.expert_forward += exposed * both_ways, part.expert_backward += exposed * both_ways;
}

}  // namespace waferwatt::training
