// SPDX-License-Identifier: Apache-2.0
#include "layer_cost.hpp"

namespace waferwatt::training {
namespace {

double as_double(const catalog::Fact<std::int64_t>& fact) { return static_cast<double>(fact.value); }

constexpr DataSize kActivation = 2 * byte;

}  // namespace

void Work::add(const cost::Estimate& estimate, double repeats, const cost::OperatorModel& operators) {
  const Time t = repeats * estimate.time;
  time += t;
  (estimate.bound == cost::Bound::launch ? launch : estimate.bound == cost::Bound::memory ? memory : compute) += t;
  energy += operators.power(estimate) * t;
  error_time += t.in(second)*estimate.error;
}

void Work::stretch_to(Time least, Power idle) {
  if (time >= least) return;
  const Time gap = least - time;
  time += gap, launch += gap;
  energy += idle * gap;
}

Work& Work::operator+=(const Work& other) {
  time += other.time, launch += other.launch, memory += other.memory, compute += other.compute;
  energy += other.energy, error_time += other.error_time;
  return *this;
}

PartCost& PartCost::operator+=(const PartCost& other) {
  forward += other.forward, backward += other.backward;
  tensor_forward += other.tensor_forward, tensor_backward += other.tensor_backward;
  expert_forward += other.expert_forward, expert_backward += other.expert_backward;
  return *this;
}

LayerCosts::LayerCosts(const catalog::LanguageModel& model, const Plan& plan, const cost::OperatorModel& operators,
                       const network::TwoLevelNetwork& network, const Assumptions& assumptions)
    : model_(model),
      plan_(plan),
      operators_(operators),
      network_(network),
      assumptions_(assumptions),
      tokens_(static_cast<double>(plan.micro_batch * plan.sequence_length)),
      hidden_(as_double(model.hidden_size)),
      tensor_(static_cast<double>(plan.parallel.tensor)) {}

void LayerCosts::gemm(PartCost& part, double m, double n, double k, NumberFormat format) const {
  const auto estimate = operators_.estimate(cost::Gemm{m, n, k, format});
  part.forward.add(estimate, assumptions_.sustained_slowdown, operators_);
  part.backward.add(estimate, 2 * assumptions_.sustained_slowdown, operators_);
}

void LayerCosts::stream(PartCost& part, DataSize traffic) const {
  const auto estimate = operators_.stream(traffic);
  part.forward.add(estimate, 1, operators_);
  part.backward.add(estimate, assumptions_.backward_stream_ratio, operators_);
}

void LayerCosts::attention(PartCost& part) const {
  const double t = tensor_, n = as_double(model_.n_heads), h = hidden_;
  double qk = static_cast<double>(model_.head_size()), v = qk,
         kv_heads = std::max(1.0, static_cast<double>(model_.kv_heads()) / t);
  const NumberFormat format = plan_.format;
  if (model_.mla) {
    const auto& a = *model_.mla;
    qk = as_double(a.qk_nope_head_dim) + as_double(a.qk_rope_head_dim), v = as_double(a.v_head_dim), kv_heads = n / t;
    if (a.q_lora_rank) gemm(part, tokens_, as_double(*a.q_lora_rank), h, format);
    gemm(part, tokens_, n * qk / t, a.q_lora_rank ? as_double(*a.q_lora_rank) : h, format);
    gemm(part, tokens_, as_double(a.kv_lora_rank) + as_double(a.qk_rope_head_dim), h, format);
    gemm(part, tokens_, n * (as_double(a.qk_nope_head_dim) + v) / t, as_double(a.kv_lora_rank), format);
  } else {
    gemm(part, tokens_, (n / t + 2 * kv_heads) * qk, h, format);
  }
  PartCost core = plan_.fused_attention ? fused_core(n / t, kv_heads, qk, v) : unfused_core(n / t, qk, v);
  // Fused kernels recompute scores within their backward pass.
  if (plan_.recompute == Recompute::selective && !plan_.fused_attention) core.backward += core.forward;
  part += core;
  gemm(part, tokens_, h, n * v / t, format);
  stream(part, 2 * tokens_ * (n / t + kv_heads) * qk * kActivation);  // rotary embedding: read and write Q and K
}

PartCost LayerCosts::fused_core(double n_heads, double n_kv_heads, double qk_dim, double v_dim) const {
  PartCost core;
  const auto estimate =
      operators_.estimate(cost::PrefillAttention{.n_sequences = static_cast<double>(plan_.micro_batch),
                                                 .new_tokens = static_cast<double>(plan_.sequence_length),
                                                 .n_heads = n_heads,
                                                 .n_kv_heads = n_kv_heads,
                                                 .qk_dim = qk_dim,
                                                 .v_dim = v_dim});
  core.forward.add(estimate, assumptions_.sustained_slowdown, operators_);
  core.backward.add(estimate, assumptions_.backward_attention_ratio * assumptions_.sustained_slowdown, operators_);
  return core;
}

PartCost LayerCosts::unfused_core(double n_heads, double qk_dim, double v_dim) const {
  PartCost core;
  const double s = static_cast<double>(plan_.sequence_length), rows = tokens_ * n_heads;
  gemm(core, rows, s, qk_dim, NumberFormat::bf16);
  stream(core, rows * s * 2 * kActivation);               // scale, mask and softmax
  stream(core, rows * s * (2 * kActivation + 1 * byte));  // dropout and its mask
  gemm(core, rows, v_dim, s, NumberFormat::bf16);
  return core;
}

void LayerCosts::feed_forward(PartCost& part, double ffn_size) const {
  const double f = ffn_size / tensor_, halves = model_.gated_ffn ? 2 : 1;
  gemm(part, tokens_, halves * f, hidden_, plan_.format);
  stream(part, (halves + 1) * tokens_ * f * kActivation);  // activation: read the halves, write the product
  gemm(part, tokens_, hidden_, f, plan_.format);
}

void LayerCosts::experts(PartCost& part) const {
  const auto& moe = *model_.moe;
  const double expert = static_cast<double>(plan_.parallel.expert), k = as_double(moe.experts_per_token);
  gemm(part, tokens_, as_double(moe.n_routed_experts), hidden_, NumberFormat::bf16);  // router
  const auto routed = operators_.estimate(cost::Experts{.n_tokens = tokens_ * expert,
                                                        .experts_per_token = k,
                                                        .n_experts = as_double(moe.n_routed_experts),
                                                        .expert_parallel = expert,
                                                        .hidden_size = hidden_,
                                                        .ffn_size = as_double(moe.expert_ffn_size) / tensor_,
                                                        .gated = model_.gated_ffn,
                                                        .format = plan_.format});
  part.forward.add(routed, assumptions_.sustained_slowdown, operators_);
  part.backward.add(routed, 2 * assumptions_.sustained_slowdown, operators_);
  if (moe.n_shared_experts.value > 0)
    feed_forward(part, as_double(moe.expert_ffn_size) * as_double(moe.n_shared_experts));

  // Each tensor-parallel rank sends its part of the tokens to their experts and gets the results back.
  const auto group = network_.group(plan_.parallel.expert, plan_.parallel.tensor);
  const Time one_way = network_.all_to_all_time(group, tokens_ / tensor_ * k * hidden_ * kActivation);
  part.expert_forward += 2 * one_way;
  part.expert_backward += 2 * one_way;
}

PartCost LayerCosts::layer(bool expert_layer) const {
  PartCost part;
  const DataSize residual = tokens_ * hidden_ * kActivation / (plan_.sequence_parallel ? tensor_ : 1);
  attention(part);
  if (expert_layer)
    experts(part);
  else
    feed_forward(part, as_double(model_.ffn_size));
  for (int i = 0; i < 2; ++i) {
    stream(part, 2 * residual);  // norm
    stream(part, 3 * residual);  // residual addition
  }
  // One all-reduce (or reduce-scatter and all-gather, which take the same time) after attention and one
  // after the feed-forward part, in each pass.
  const auto group = network_.group(plan_.parallel.tensor);
  const Time all_reduce = network_.all_reduce_time(group, tokens_ * hidden_ * kActivation);
  part.tensor_forward += 2 * all_reduce;
  part.tensor_backward += 2 * all_reduce;

  part.forward.stretch_to(assumptions_.layer_host_time, operators_.idle_power());
  part.backward.stretch_to(assumptions_.backward_stream_ratio * assumptions_.layer_host_time, operators_.idle_power());
  if (plan_.recompute == Recompute::full) {
    part.backward += part.forward;
    part.tensor_backward += part.tensor_forward;
    part.expert_backward += part.expert_forward;
  }
  return part;
}

PartCost LayerCosts::embedding() const {
  PartCost part;
  stream(part, 2 * tokens_ * hidden_ * kActivation);
  return part;
}

PartCost LayerCosts::head() const {
  PartCost part;
  const double vocabulary = as_double(model_.vocabulary) / tensor_;
  stream(part, 2 * tokens_ * hidden_ * kActivation);
  gemm(part, tokens_, vocabulary, hidden_, NumberFormat::bf16);
  // Cross entropy in fp32: read bf16 logits, write fp32, read twice (maximum, sum).
  stream(part, tokens_ * vocabulary * 14 * byte);
  return part;
}

}  // namespace waferwatt::training
