// SPDX-License-Identifier: Apache-2.0
#pragma once
// Operators of one layer on one accelerator.
#include "waferwatt/training/step.hpp"

namespace waferwatt::training {

/// Computing time with what it waits for and the energy it takes.
struct Work {
  Time time, launch, memory, compute;
  Energy energy;
  double error_time = 0;  ///< seconds, weighted by relative error

  void add(const cost::Estimate& estimate, double repeats, const cost::OperatorModel& operators);
  /// Waits for the host until `least` has passed.
  void stretch_to(Time least, Power idle);
  Work& operator+=(const Work& other);
};

/// One micro-batch through one part of the model.
struct PartCost {
  Work forward, backward;
  Time tensor_forward, tensor_backward;  ///< communication of each pass
  Time expert_forward, expert_backward;

  Time time() const {
    return forward.time + backward.time + tensor_forward + tensor_backward + expert_forward + expert_backward;
  }
  PartCost& operator+=(const PartCost& other);
};

class LayerCosts {
 public:
  LayerCosts(const catalog::LanguageModel&, const Plan&, const cost::OperatorModel&, const network::TwoLevelNetwork&,
             const Assumptions&);

  PartCost layer(bool expert_layer) const;
  PartCost embedding() const;
  PartCost head() const;

 private:
  void gemm(PartCost& part, double m, double n, double k, NumberFormat format) const;
  void stream(PartCost& part, DataSize traffic) const;
  void attention(PartCost& part) const;
  /// Scores, softmax and their product with the values, without and with kernel fusion.
  PartCost fused_core(double n_heads, double n_kv_heads, double qk_dim, double v_dim) const;
  PartCost unfused_core(double n_heads, double qk_dim, double v_dim) const;
  void feed_forward(PartCost& part, double ffn_size) const;
  void experts(PartCost& part) const;

  const catalog::LanguageModel& model_;
  const Plan& plan_;
  const cost::OperatorModel& operators_;
  const network::TwoLevelNetwork& network_;
  const Assumptions& assumptions_;
  double tokens_, hidden_, tensor_;
};

}  // namespace waferwatt::training
