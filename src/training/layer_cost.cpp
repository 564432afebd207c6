// SPDX-License-Identifier: Apache-2.0
#include "layer_cost.hpp"

#include <algorithm>
#include <cmath>

namespace waferwatt::training {
namespace {

double as_double(const catalog::Fact<std::int64_t>& fact) { return static_cast<double>(fact.value); }

/// Kernels of a backward pass over those of a forward pass, of which each matrix product has two.
constexpr double kBackwardKernels = 1.5;

}  // namespace

void Work::add(const cost::Estimate& estimate, double repeats, const cost::OperatorModel& operators) {
  const Time t = repeats * estimate.time;
  time += t;
  (estimate.bound == cost::Bound::launch ? launch : estimate.bound == cost::Bound::memory ? memory : compute) += t;
  energy += operators.power(estimate) * t;
  flops += repeats * estimate.work;
  error_time += t.in(second)*estimate.error;
}

void Work::stretch_to(Time least, Power idle) {
  if (time >= least) return;
  wait(least - time, idle);
}

void Work::wait(Time gap, Power idle) {
  time += gap, launch += gap;
  energy += idle * gap;
}

Work& Work::operator+=(const Work& other) {
  time += other.time, launch += other.launch, memory += other.memory, compute += other.compute;
  energy += other.energy, flops += other.flops, error_time += other.error_time;
  return *this;
}

Work Work::scaled(double k) const {
  return {k * time, k * launch, k * memory, k * compute, k * energy, k * flops, k * error_time};
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

LayerGroups::LayerGroups(const Parallelism& p, const network::TwoLevelNetwork& network)
    : tensor(network.group(p.layout(network::GroupKind::tensor))),
      context(network.group(p.layout(network::GroupKind::context))),
      expert(network.group(p.layout(network::GroupKind::expert))),
      expert_tensor(network.group(p.layout(network::GroupKind::expert_tensor))) {}

LayerCosts::LayerCosts(const catalog::LanguageModel& model, const Plan& plan, const Machine& machine)
    : model_(model),
      plan_(plan),
      operators_(machine.operators),
      network_(machine.network),
      software_(machine.software),
      contention_(machine.contention),
      groups_(plan.parallel, machine.network),
      tokens_(static_cast<double>(plan.micro_batch * plan.sequence_length) /
              static_cast<double>(plan.parallel.context)),
      hidden_(as_double(model.hidden_size)),
      tensor_(static_cast<double>(plan.parallel.tensor)),
      context_(static_cast<double>(plan.parallel.context)) {}

void LayerCosts::gemm(PartCost& part, double m, double n, double k, NumberFormat format) const {
  const double slow = software_.kernel_slowdown;
  part.forward.add(operators_.sustained(cost::Gemm{m, n, k, format}), slow, operators_);
  part.backward.add(operators_.sustained(cost::Gemm{m, k, n, format}), slow, operators_);
  part.weight.add(operators_.sustained(cost::Gemm{k, n, m, format}), slow, operators_);
  accumulate(part.weight, n * k, operators_.sustained(cost::Gemm{k, n, m, format}).time);
}

void LayerCosts::accumulate(Work& weight, double n_parameters, Time beside) const {
  // Gradients are added up over micro-batches: read, and written wider than the product that is counted. Where the
  // product is bound by arithmetic this hides behind it.
  const auto traffic = operators_.stream(n_parameters * 2 * software_.gradient_bytes * byte);
  if (traffic.time > beside) weight.add(traffic, (traffic.time - beside) / traffic.time, operators_);
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
  const bool whole_sequences = plan_.context_exchange == ContextExchange::all_to_all;
  const double shared = whole_sequences ? context_ : 1;
  PartCost core = plan_.fused_attention ? fused_core(n / t / shared, std::max(1.0, kv_heads / shared), qk, v)
                                        : unfused_core(n / t, qk, v);
  // Fused kernels recompute scores within their backward pass.
  if (plan_.recompute == Recompute::selective && !plan_.fused_attention) core.recompute += core.forward;
  if (plan_.parallel.context > 1) exchange_context(part, core, kv_heads * (qk + v), n / t * (qk + v));
  part += core;
  gemm(part, tokens_, h, n * v / t, format);
  stream(part, 2 * tokens_ * (n / t + kv_heads) * qk * kActivation);  // rotary embedding: read and write Q and K
}

PartCost LayerCosts::fused_core(double n_heads, double n_kv_heads, double qk_dim, double v_dim) const {
  PartCost core;
  // Of a ring each rank has a part of the queries that sees half of the others' keys on average.
  const double sequence = static_cast<double>(plan_.sequence_length);
  const double own = plan_.context_exchange == ContextExchange::all_to_all ? sequence : sequence / context_;
  cost::PrefillAttention op{.n_sequences = static_cast<double>(plan_.micro_batch),
                            .new_tokens = own,
                            .context_tokens = (sequence - own) / 2,
                            .n_heads = n_heads,
                            .n_kv_heads = n_kv_heads,
                            .qk_dim = qk_dim,
                            .v_dim = v_dim};
  const double slow = software_.kernel_slowdown * software_.attention_slowdown;
  const auto add = [&](double share) {
    core.forward.add(operators_.estimate(op), share * slow, operators_);
    core.backward.add(operators_.backward(op), share * slow, operators_);
  };
  if (!model_.sliding_window) {
    add(1);
    return core;
  }
  // Every second layer looks at a window only (Gemma 2, gpt-oss): the mean of both.
  add(0.5);
  op.window = as_double(*model_.sliding_window);
  add(0.5);
  return core;
}

void LayerCosts::exchange_context(PartCost& part, const PartCost& core, double kv_numbers, double q_numbers) const {
  const auto& group = groups_.context;
  if (plan_.context_exchange == ContextExchange::all_to_all) {
    // Queries, keys and values there, outputs back; gradients the other way.
    const Time both_ways =
        contention_.context * network_.all_to_all_time(group, tokens_ * (kv_numbers + q_numbers) * kActivation);
    part.context_forward += both_ways, part.context_backward += both_ways;
    return;
  }
  const double share = plan_.overlap.context.value_or(software_.context_overlap);
  const Time gather = contention_.context * network_.all_gather_time(group, tokens_ * context_ * kv_numbers * kActivation);
  const auto exposed = [&](Time traffic, Time beside) { return traffic - std::min(share * traffic, beside); };
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

void LayerCosts::tensor_traffic(PartCost& part, double n_all_reduces) const {
  // All-reduces in each pass, or gathers and scatters of the sequence. What is gathered becomes the input of a product, and
  // crosses in the product's format (Transformer Engine quantises before it gathers); sums cross in 16 bits.
  const auto& group = groups_.tensor;
  const double numbers = tokens_ * hidden_;
  const Time both = plan_.sequence_parallel && is_narrow(plan_.format)
                        ? network_.all_gather_time(group, numbers * catalog::size_of(plan_.format)) + network_.reduce_scatter_time(group, numbers * kActivation)
                        : network_.all_reduce_time(group, numbers * kActivation);
  const double share = plan_.overlap.tensor.value_or(software_.tensor_overlap);
  const double exposed = contention_.tensor * software_.tensor_slowdown * (1 - share) * n_all_reduces;
  part.tensor_forward += exposed * both, part.tensor_backward += exposed * both;
}

void LayerCosts::wait_for_host(PartCost& part, bool expert_layer) const {
  // A graph replays what it captured at no cost to the host; kernels of experts, whose sizes the host must know,
  // stay outside of a graph of the attention.
  const double kernels = expert_layer ? software_.expert_host_factor : 1;
  const double launched = plan_.capture == GraphCapture::whole       ? 0
                          : plan_.capture == GraphCapture::attention ? std::max(0.5, kernels - 1)
                                                                     : kernels;
  const Time host = launched * software_.layer_host_time, gaps = launched * software_.layer_gap_time;
  part.forward.wait(gaps, operators_.idle_power());
  part.backward.wait(kBackwardKernels * gaps, operators_.idle_power());
  // The host runs ahead while the accelerator computes or communicates.
  part.forward.stretch_to(host - part.tensor_forward - part.expert_forward, operators_.idle_power());
  part.backward.stretch_to(kBackwardKernels * host - part.weight.time - part.tensor_backward - part.expert_backward,
                           operators_.idle_power());
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
  // One after the attention; one after a feed-forward part that is split over the tensor-parallel ranks.
  const bool split_ffn = !expert_layer || model_.moe->n_shared_experts.value > 0;
  if (plan_.parallel.tensor > 1) tensor_traffic(part, split_ffn ? 2 : 1);
  wait_for_host(part, expert_layer);
  if (plan_.recompute == Recompute::full) {
    part.recompute = part.forward;
    part.tensor_backward += part.tensor_forward;
    part.context_backward += part.context_forward;
    part.expert_backward += part.expert_forward;
  }
  // All-to-alls of one micro-batch run beside another's computation.
  if (plan_.schedule == Schedule::dual_pipe || plan_.overlapped_dispatch) {
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
