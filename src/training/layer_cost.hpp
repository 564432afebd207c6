// SPDX-License-Identifier: Apache-2.0
#pragma once
// Operators and exposed traffic of one layer on one accelerator.
#include "waferwatt/training/step.hpp"

namespace waferwatt::training {

/// Computing time with what it waits for and the energy it takes.
struct Work {
  Time time, launch, memory, compute;
  Energy energy;
  FlopCount flops;
  double error_time = 0;  ///< seconds, weighted by relative error

  void add(const cost::Estimate& estimate, double repeats, const cost::OperatorModel& operators);
  /// Waits for the host until `least` has passed.
  void stretch_to(Time least, Power idle);
  void wait(Time gap, Power idle);
  Work& operator+=(const Work& other);
  Work scaled(double k) const;
};

/// One micro-batch through one part of the model; communication is what is exposed of it.
struct PartCost {
  Work forward, backward, weight;  ///< backward: gradients of inputs; weight: of weights
  Work recompute;                  ///< before the backward pass
  Time tensor_forward, tensor_backward;
  Time context_forward, context_backward;
  Time expert_forward, expert_backward;

  Time forward_time() const { return forward.time + tensor_forward + context_forward + expert_forward; }
  Time backward_time() const {
    return recompute.time + backward.time + tensor_backward + context_backward + expert_backward;
  }
  Time time() const { return forward_time() + backward_time() + weight.time; }
  Work computing() const;
  PartCost& operator+=(const PartCost& other);
  PartCost scaled(double k) const;
};

/// The groups that the traffic of layers goes over.
struct LayerGroups {
  network::Group tensor, context, expert, expert_tensor;

  LayerGroups(const Parallelism&, const network::TwoLevelNetwork&);
  friend auto operator<=>(const LayerGroups&, const LayerGroups&) = default;
};

class LayerCosts {
 public:
  LayerCosts(const catalog::LanguageModel&, const Plan&, const Machine&);

  PartCost layer(bool expert_layer) const;
  PartCost embedding() const;
  PartCost head() const;

 private:
  /// Rows and columns of the product, and the format; the weight matrix is n x k.
  void gemm(PartCost& part, double m, double n, double k, NumberFormat format) const;
  void accumulate(Work& weight, double n_parameters, Time beside) const;
  void stream(PartCost& part, DataSize traffic) const;
  void attention(PartCost& part) const;
  /// Scores, softmax and their product with the values, without and with kernel fusion.
  PartCost fused_core(double n_heads, double n_kv_heads, double qk_dim, double v_dim) const;
  PartCost unfused_core(double n_heads, double qk_dim, double v_dim) const;
  /// Keys and values of the other ranks of a context-parallel group, beside the attention; or all-to-alls that
  /// give each rank whole sequences of some heads.
  void exchange_context(PartCost& part, const PartCost& core, double kv_numbers, double q_numbers) const;
  void feed_forward(PartCost& part, double ffn_size) const;
  void experts(PartCost& part) const;
  void route(PartCost& part, double rows) const;
  /// Biases and clamps of experts where no product's kernel has them.
  void epilogues(PartCost& part, double rows, double ffn_size) const;
  void exchange_tokens(PartCost& part) const;
  void tensor_traffic(PartCost& part, double n_all_reduces) const;
  void wait_for_host(PartCost& part, bool expert_layer) const;

  const catalog::LanguageModel& model_;
  const Plan& plan_;
  const cost::OperatorModel& operators_;
  const network::TwoLevelNetwork& network_;
  const Software& software_;
  const Contention& contention_;
  LayerGroups groups_;
  double tokens_, hidden_, tensor_, context_;
};

inline constexpr DataSize kActivation = 2 * byte;

inline bool is_narrow(NumberFormat format) { return format == NumberFormat::fp8 || format == NumberFormat::fp4; }

}  // namespace waferwatt::training
