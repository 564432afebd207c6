// SPDX-License-Identifier: Apache-2.0
#pragma once
// Time and energy of one training iteration, in closed form.
//
// With t_i the time of one micro-batch (forward and backward, tensor and expert communication included)
// on stage i of p, and m micro-batches, a 1F1B schedule takes
//
//   (1)  max_i(t_i) m  +  sum of the other stages' t_i (the bubble)  +  2 (m + p - 1) sends between stages
//
// which for equal stages is m t (1 + (p - 1)/m) and the sends. Then come the part of the data-parallel
// reduction that is not hidden, and the optimizer. A GEMM's backward pass is two GEMMs of its size.
//
// Left out: interleaved and zero-bubble schedules, context parallelism, sliding windows, imbalance of
// experts, stragglers, input pipeline, checkpoints and failures.
#include "waferwatt/cost/operator_model.hpp"
#include "waferwatt/network/collectives.hpp"
#include "waferwatt/training/plan.hpp"

namespace waferwatt::training {

/// What the machine does beyond single operators.
struct Assumptions {
  /// Time of GEMMs, attention and experts under sustained load over that of a burst. Measured: 1.09 to
  /// 1.15 on H200 (aiconfigurator, 6,024 GEMMs with and without power measurement).
  double sustained_slowdown = 1.10;
  /// Fraction of the data-parallel communication that may run beside computation (a guess). Never more is
  /// hidden than one micro-batch's forward and backward pass last.
  double data_parallel_overlap = 0.5;
  /// Backward over forward time of fused attention: 2.5 times the work at 0.83 of the rate (cuDNN 9.19
  /// on H200, 2.9 to 3.3 for 2k to 32k tokens).
  double backward_attention_ratio = 3.0;
  /// Least time of the forward pass of one layer: the host starts its kernels one by one. The backward pass
  /// takes 1.5 times as long. Fitted to 734 iterations of small models on one node of A100 (vTrain,
  /// MICRO 2024: eager Megatron-DeepSpeed); CUDA graphs bring it near zero.
  Time layer_host_time = 1.0 * milli * second;
  /// Backward over forward time of norms and element-wise work (RMSNorm, cuDNN 9.19 on H200).
  double backward_stream_ratio = 1.5;
  /// Power while communicating or waiting for another stage, as a share of the range from idle to TDP. A
  /// guess: communication kernels spin on a few multiprocessors.
  double waiting_power_share = 0.25;
};

/// Where the time of an iteration goes, on the stage that paces it. The parts add up.
struct Breakdown {
  Time compute;
  Time tensor;    ///< all-reduces of tensor parallelism
  Time expert;    ///< all-to-all of expert parallelism
  Time pipeline;  ///< sends between stages
  Time bubble;    ///< waiting for other stages to fill and drain
  Time data;      ///< gradient reduction that is not hidden
  Time optimizer;

  Time total() const { return compute + tensor + expert + pipeline + bubble + data + optimizer; }
  /// The parts with their names, in this order.
  std::vector<std::pair<std::string, Time>> parts() const;
};

struct Step {
  Breakdown breakdown;
  FlopCount model_work;  ///< of the whole iteration, without recomputation
  double mfu = 0;        ///< model work over the peak of all accelerators in the plan's format
  double memory_bound = 0, compute_bound = 0, launch_bound = 0;  ///< shares of the computing time
  double error = 0;  ///< expected relative error of the computing time, from the operators' fits
  Energy energy;     ///< of all accelerators, without the rest of the servers

  Time iteration_time() const { return breakdown.total(); }
};

/// Work of training on one token: 6 FLOP per parameter it uses (the input embedding is a lookup), and
/// 6 s n_heads (d_qk + d_v) / 2 per layer for causal attention over s tokens.
FlopCount training_work_per_token(const catalog::LanguageModel&, std::int64_t sequence_length);

/// \pre problems(plan, model, ...) is empty
/// \throws InputError when the accelerator does not compute in the plan's format
Step step(const catalog::LanguageModel&, const Plan&, const cost::OperatorModel&, const network::TwoLevelNetwork&,
          const Assumptions& = {});

}  // namespace waferwatt::training
