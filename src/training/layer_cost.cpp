// SPDX-License-Identifier: Apache-2.0
#include "layer_cost.hpp"

#include <algorithm>
#include <cmath>

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

Work Work::scaled(double k) const {
  return {k * time, k * launch, k * memory, k * compute, k * energy, k * error_time};
}

Work PartCost::computing() const {
  Work sum = forward;
  sum += backward, sum += weight;
  return sum;
}

PartCost& PartCost::operator+=(const PartCost& other) {
  forward += other.forward, backward += other.backward, weight += other.weight, recompute += other.recompute;
  tensor_forward += other.tensor_forward, tensor_backward += other.tensor_backward;
  context_forward += other.context_forward, context_backward += other.context_backward;
  expert_forward += other.expert_forward, expert_backward += other.expert_backward;
  return *this;
}

PartCost PartCost::scaled(double k) const {
  return {forward.scaled(k),    backward.scaled(k),   weight.scaled(k),    recompute.scaled(k),
          k * tensor_forward,   k * tensor_backward,  k * context_forward, k * context_backward,
          k * expert_forward,   k * expert_backward};
}

LayerCosts::LayerCosts(const catalog::LanguageModel& model, const Plan& plan, const Machine& machine)
    : model_(model),
      plan_(plan),
      operators_(machine.operators),
      network_(machine.network),
      software_(machine.software),
      tokens_(static_cast<double>(plan.micro_batch * plan.sequence_length) /
              static_cast<double>(plan.parallel.context)),
      hidden_(as_double(model.hidden_size)),
      tensor_(static_cast<double>(plan.parallel.tensor)),
      context_(static_cast<double>(plan.parallel.context)) {}

void LayerCosts::gemm(PartCost& part, double m, double n, double k, NumberFormat format) const {
  const double slow = software_.kernel_slowdown;
  part.forward.add(operators_.estimate(cost::Gemm{m, n, k, format}), slow, operators_);
  part.backward.add(operators_.estimate(cost::Gemm{m, k, n, format}), slow, operators_);
  part.weight.add(operators_.estimate(cost::Gemm{k, n, m, format}), slow, operators_);
}

void LayerCosts::stream(PartCost& part, DataSize traffic) const {
  const auto estimate = operators_.stream(software_.stream_factor * traffic);
  part.forward.add(estimate, 1, operators_);
  part.backward.add(estimate, software_.backward_stream_ratio, operators_);
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
    gemm(part, tokens_, as_double(a.kv_lora_rank) + as_double(a.qk_rope_head_dim), h, format);
    PartCost up;
    gemm(up, tokens_, n * qk / t, a.q_lora_rank ? as_double(*a.q_lora_rank) : h, format);
    gemm(up, tokens_, n * (as_double(a.qk_nope_head_dim) + v) / t, as_double(a.kv_lora_rank), format);
    if (plan_.recompute == Recompute::selective && plan_.fused_attention) up.recompute += up.forward;
    part += up;
  } else {
    gemm(part, tokens_, (n / t + 2 * kv_heads) * qk, h, format);
  }
  PartCost core = plan_.fused_attention ? fused_core(n / t, kv_heads, qk, v) : unfused_core(n / t, qk, v);
  // Fused kernels recompute scores within their backward pass.
  if (plan_.recompute == Recompute::selective && !plan_.fused_attention) core.recompute += core.forward;
  if (plan_.parallel.context > 1) exchange_context(part, core, kv_heads * (qk + v) * kActivation.in(byte));
  part += core;
  gemm(part, tokens_, h, n * v / t, format);
  stream(part, 2 * tokens_ * (n / t + kv_heads) * qk * kActivation);  // rotary embedding: read and write Q and K
}

PartCost LayerCosts::fused_core(double n_heads, double n_kv_heads, double qk_dim, double v_dim) const {
  PartCost core;
  // Under context parallelism each rank has a part of the queries that sees half of the keys on average.
  const double own = static_cast<double>(plan_.sequence_length) / context_,
               others = static_cast<double>(plan_.sequence_length) - own;
  const auto estimate =
      operators_.estimate(cost::PrefillAttention{.n_sequences = static_cast<double>(plan_.micro_batch),
                                                 .new_tokens = own,
                                                 .context_tokens = others / 2,
                                                 .n_heads = n_heads,
                                                 .n_kv_heads = n_kv_heads,
                                                 .qk_dim = qk_dim,
                                                 .v_dim = v_dim});
  // Every second layer looks at a window only.
  double share = 1;
  if (model_.sliding_window)
    share = 0.5 + 0.5 * std::min(1.0, 2 * as_double(*model_.sliding_window) / static_cast<double>(plan_.sequence_length));
  const double slow = share * software_.kernel_slowdown * software_.attention_slowdown;
  core.forward.add(estimate, slow, operators_);
  core.backward.add(estimate, software_.backward_attention_ratio * slow, operators_);
  return core;
}

void LayerCosts::exchange_context(PartCost& part, const PartCost& core, double bytes_per_token) const {
  const auto group = network_.group(plan_.parallel.context, plan_.parallel.tensor);
  const Time gather = network_.all_gather_time(group, tokens_ * context_ * bytes_per_token * byte);
  const auto exposed = [&](Time traffic, Time beside) {
    return traffic - std::min(software_.context_overlap * traffic, beside);
  };
  part.context_forward += exposed(gather, core.forward.time);
  part.context_backward += exposed(2 * gather, core.backward.time);
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
  PartCost gate;
  stream(gate, (halves + 1) * tokens_ * f * kActivation);  // activation: read the halves, write the product
  if (plan_.recompute == Recompute::selective && plan_.fused_attention && model_.gated_ffn)
    gate.recompute += gate.forward;
  part += gate;
  gemm(part, tokens_, hidden_, f, plan_.format);
}

void LayerCosts::experts(PartCost& part) const {
  const auto& moe = *model_.moe;
  const double expert = static_cast<double>(plan_.parallel.expert), k = as_double(moe.experts_per_token);
  // Tokens of a rank before the experts: its slice of the sequence.
  const double slices = static_cast<double>(plan_.parallel.expert_slices());
  const double tokens = tokens_ / tensor_ * slices;
  gemm(part, tokens, as_double(moe.n_routed_experts), hidden_, NumberFormat::bf16);  // router
  const auto routed = operators_.estimate(cost::Experts{.n_tokens = tokens * expert,
                                                        .experts_per_token = k,
                                                        .n_experts = as_double(moe.n_routed_experts),
                                                        .expert_parallel = expert,
                                                        .hidden_size = hidden_,
                                                        .ffn_size = as_double(moe.expert_ffn_size) / slices,
                                                        .gated = model_.gated_ffn,
                                                        .format = plan_.format});
  const double slow = software_.kernel_slowdown * software_.expert_slowdown;
  part.forward.add(routed, slow, operators_);
  part.backward.add(routed, slow, operators_);
  part.weight.add(routed, slow, operators_);
  // Rows are sorted by expert, and summed with their weights on the way back.
  stream(part, 4 * tokens * k * hidden_ * kActivation);
  if (moe.n_shared_experts.value > 0)
    feed_forward(part, as_double(moe.expert_ffn_size) * as_double(moe.n_shared_experts));

  // Each rank sends its part of the tokens to their experts and gets the results back.
  const auto group = network_.group(plan_.parallel.expert, plan_.parallel.expert_slices());
  const DataSize sent = tokens_ / tensor_ * k * hidden_ * kActivation;
  DataSize out = sent, back = sent;
  if (plan_.deduplicated_dispatch) {
    // Of D domains, k experts drawn evenly lie in D (1 - (1 - 1/D)^k).
    const double domains = std::ceil(expert / static_cast<double>(std::max<std::int64_t>(1, group.per_domain)));
    const double share = domains > 1 ? std::min(1.0, domains * (1 - std::pow(1 - 1 / domains, k)) / k) : 1;
    const bool narrow = plan_.format != NumberFormat::bf16 && plan_.format != NumberFormat::fp16;
    out *= share * (narrow ? 0.5 : 1), back *= share;
  }
  const Time both_ways = network_.all_to_all_time(group, out) + network_.all_to_all_time(group, back);
  const double exposed = 1 - software_.expert_overlap;
  part.expert_forward += exposed * both_ways;
  part.expert_backward += exposed * both_ways;
}

void LayerCosts::tensor_traffic(PartCost& part) const {
  // One all-reduce (or reduce-scatter and all-gather, which take the same time) after attention and one
  // after the feed-forward part, in each pass.
  const auto group = network_.group(plan_.parallel.tensor);
  const Time all_reduce = network_.all_reduce_time(group, tokens_ * hidden_ * kActivation);
  const double exposed = software_.tensor_slowdown * (1 - software_.tensor_overlap);
  part.tensor_forward += 2 * exposed * all_reduce;
  part.tensor_backward += 2 * exposed * all_reduce;
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
  if (plan_.parallel.tensor > 1) tensor_traffic(part);

  const Time host = software_.layer_host_time * (expert_layer ? software_.expert_host_factor : 1);
  // The host runs ahead while the accelerator computes or communicates.
  part.forward.stretch_to(host - part.tensor_forward - part.expert_forward, operators_.idle_power());
  part.backward.stretch_to(
      software_.backward_stream_ratio * host - part.weight.time - part.tensor_backward - part.expert_backward,
      operators_.idle_power());
  if (plan_.recompute == Recompute::full) {
    part.recompute = part.forward;
    part.tensor_backward += part.tensor_forward;
    part.context_backward += part.context_forward;
    part.expert_backward += part.expert_forward;
  }
  // DualPipe runs one direction's all-to-alls beside the other's computation.
  if (plan_.schedule == Schedule::dual_pipe) {
    const auto beyond = [](Time traffic, Time beside) { return std::max(Time{}, traffic - beside); };
    part.expert_forward = beyond(part.expert_forward, part.backward.time + part.weight.time);
    part.expert_backward = beyond(part.expert_backward, part.forward.time);
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
