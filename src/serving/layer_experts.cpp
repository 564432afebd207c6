// SPDX-License-Identifier: Apache-2.0
// Experts of a layer: their router, shared ones, and the routed ones of the busiest accelerator.
#include <cmath>

#include "layer_operators.hpp"
#include "waferwatt/cost/gemm_library.hpp"

namespace waferwatt::serving {

IterationCost LayerOperators::router(double n_tokens) const {
  return gemm(n_tokens, as_double(model_.moe->n_routed_experts), hidden_, {});
}

IterationCost LayerOperators::shared_experts(double n_tokens) const {
  const catalog::MixtureOfExperts& moe = *model_.moe;
  if (moe.n_shared_experts.value == 0) return {};
  return feed_forward(n_tokens, as_double(moe.n_shared_experts) * as_double(moe.expert_ffn_size));
}

cost::Experts LayerOperators::routed(double n_tokens) const {
  const catalog::MixtureOfExperts& moe = *model_.moe;
  const double n_experts = as_double(moe.n_routed_experts), size = as_double(moe.expert_ffn_size);
  const double slices = plan_.expert_parallel ? static_cast<double>(plan_.expert_tensor_parallel) : ranks_;
  const double n_copies = plan_.expert_parallel ? static_cast<double>(plan_.redundant_experts) : 0;
  const WeightFormat weights = plan_.experts();
  return {.n_tokens = n_tokens,
          .experts_per_token = as_double(moe.experts_per_token),
          .n_experts = n_experts,
          .expert_parallel = std::min(ranks_ / slices, n_experts + n_copies),
          .n_copies = n_copies,
          .hidden_size = hidden_,
          .ffn_size = std::ceil(size / slices),
          .gated = model_.gated_ffn,
          .format = weights.format,
          .recipe = weights.recipe,
          .routing = plan_.routing};
}

IterationCost LayerOperators::experts(double n_tokens) const {
  if (n_expert_layers_ <= 0) return {};
  return priced(expert_kernel(routed(n_tokens))) * n_expert_layers_;
}

IterationCost LayerOperators::experts_by(cost::GemmLibrary library, double n_tokens) const {
  if (n_expert_layers_ <= 0) return {};
  const cost::Experts op = routed(n_tokens);
  const cost::ExpertLoad load =
      cost::expert_load(op.routing, op.n_experts, op.expert_parallel, op.n_tokens * op.experts_per_token, op.n_tokens, op.n_copies);
  const double inputs = op.gated ? 2 : 1, narrow = catalog::size_of(op.format).in(byte);
  const cost::GroupedGemm into{.n_groups = load.active, .rows = load.pairs / load.active, .n = inputs * op.ffn_size, .k = op.hidden_size,
                               .format = op.format, .recipe = op.recipe};
  cost::GroupedGemm out = into;
  out.n = op.hidden_size, out.k = op.ffn_size;
  IterationCost sum = priced(cost::estimate(operators_, into, library));
  sum += stream(load.pairs * op.ffn_size * (inputs * kActivationBytes + narrow));
  sum += priced(cost::estimate(operators_, out, library));
  return sum * n_expert_layers_;
}

// Engines carry several kernels for experts and take the fastest: the calibrated one, in fp4 also the one for few
// tokens, and their own.
cost::Estimate LayerOperators::expert_kernel(const cost::Experts& op) const {
  cost::Estimate best = operators_.estimate(op);
  const auto consider = [&](const cost::Estimate& other) {
    if (other.time < best.time) best = other;
  };
  if (op.format == NumberFormat::fp4 && op.recipe == cost::Recipe::plain) {
    cost::Experts few = op;
    few.recipe = cost::Recipe::low_latency;
    consider(operators_.estimate(few));
  }
  if (expert_kernel_) {
    const catalog::Accelerator& accelerator = operators_.accelerator();
    // Fused: activations do not move in kernels of their own.
    const cost::Load load = cost::demand(op).load(*accelerator.peak(op.format), *accelerator.memory_bandwidth);
    const cost::FormulaCoefficients own{expert_kernel_->launch.in(second), expert_kernel_->compute_efficiency, expert_kernel_->memory_efficiency, 2};
    cost::Estimate estimate = best;
    const double time_s = own.time(load);
    estimate.time = time_s * second;
    estimate.bound = cost::bound_of(own, load, time_s);
    estimate.provenance = cost::Provenance::transferred;
    consider(estimate);
  }
  return best;
}

}  // namespace waferwatt::serving
