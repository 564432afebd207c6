// SPDX-License-Identifier: Apache-2.0
#pragma once
// What training software does beyond single operators: a few numbers for each stack, each physical.
#include <string>
#include <vector>

#include "waferwatt/core/quantity.hpp"

namespace waferwatt::training {

struct Software {
  std::string name = "megatron-core";
  /// Time of GEMMs, attention and experts over that of the library's best under sustained load.
  double kernel_slowdown = 1.0;
  /// The same for fused attention alone, on top: 1 with kernels written for the accelerator.
  double attention_slowdown = 1.0;
  /// Traffic of element-wise work and norms over what perfect fusion would move.
  double stream_factor = 1.0;
  /// Time of tensor-parallel collectives over that on an idle network: ranks that arrive late, small messages.
  double tensor_slowdown = 1.0;
  /// Shares of each traffic that run beside computation.
  double tensor_overlap = 0.0, expert_overlap = 0.0, context_overlap = 0.9, data_overlap = 0.5;
  /// Share of a gather's time that computation beside it hides under ZeRO-3.
  double gather_overlap = 0.9;
  /// Bytes of a number of a gradient when it is reduced.
  double gradient_bytes = 4;
  /// Backward over forward time of norms and element-wise work (RMSNorm, cuDNN 9.19 on H200).
  double backward_stream_ratio = 1.5;
  /// Least time of one layer's forward pass: the host starts its kernels one by one. The backward pass takes half
  /// as long again. Expert layers start `expert_host_factor` times as many kernels.
  Time layer_host_time = 1.0 * milli * second;
  double expert_host_factor = 2.5;
  /// What the accelerator waits between the kernels of one layer's forward pass even where the host is ahead: kernels that
  /// wait for the one before to drain. Half as long again in the backward pass, longer by the same factor with experts.
  /// Milliseconds where every kernel is awaited before the next is started (CUDA_LAUNCH_BLOCKING).
  Time layer_gap_time = 0.0 * second;
  /// Host work of an iteration that nothing hides: losses, gradient norm, logging.
  Time step_host_time = 0.0 * second;
  /// Time of experts over that of evenly loaded fused kernels, on top: imbalance of routing, unfused kernels.
  double expert_slowdown = 1.0;
  /// Biases and clamps of experts run within the products' kernels; Megatron-Core has kernels of their own for them.
  bool fused_expert_epilogues = true;
  /// Power while communicating or waiting for another stage, as a share of the range from idle to TDP. A
  /// guess: communication kernels spin on a few multiprocessors.
  double waiting_power_share = 0.25;
};

/// A number of a stack that measurements can set, with what is physically possible.
struct SoftwareNumber {
  std::string name;
  double low, high;
  double (*get)(const Software&);
  void (*set)(Software&, double);
};
const std::vector<SoftwareNumber>& software_numbers();

/// The stacks known here, the first being the default.
const std::vector<Software>& software_stacks();

/// \throws InputError with the names that are known
const Software& software_stack(const std::string& name);

}  // namespace waferwatt::training
