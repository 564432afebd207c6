// SPDX-License-Identifier: Apache-2.0
#pragma once
// What training software does beyond single operators: a few numbers for each stack, each physical.
#include <string>
#include <vector>

#include "waferwatt/core/quantity.hpp"

namespace waferwatt::training {

struct Software {
  std::string name = "megatron-core";
  /// Time of GEMMs, attention and experts in a run over that of a burst: clocks under sustained load, and
  /// kernels that are not as good as the library's best. Measured for clocks alone: 1.09 to 1.15 on H200
  /// (aiconfigurator, 6,024 GEMMs with and without power measurement).
  double kernel_slowdown = 1.10;
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
  /// Backward over forward time of fused attention: 2.5 times the work at 0.83 of the rate (cuDNN 9.19 on
  /// H200, 2.9 to 3.3 for 2k to 32k tokens).
  double backward_attention_ratio = 3.0;
  /// Backward over forward time of norms and element-wise work (RMSNorm, cuDNN 9.19 on H200).
  double backward_stream_ratio = 1.5;
  /// Least time of one layer's forward pass: the host starts its kernels one by one. The backward pass takes
  /// `backward_stream_ratio` times as long. Expert layers start `expert_host_factor` times as many kernels.
  Time layer_host_time = 1.0 * milli * second;
  double expert_host_factor = 2.5;
  /// Host work of an iteration that nothing hides: losses, gradient norm, logging.
  Time step_host_time = 0.0 * second;
  /// Time of experts over that of evenly loaded fused kernels, on top: imbalance of routing, unfused kernels.
  double expert_slowdown = 1.0;
  /// Power while communicating or waiting for another stage, as a share of the range from idle to TDP. A
  /// guess: communication kernels spin on a few multiprocessors.
  double waiting_power_share = 0.25;
};

/// The stacks known here, the first being the default.
const std::vector<Software>& software_stacks();

/// \throws InputError with the names that are known
const Software& software_stack(const std::string& name);

}  // namespace waferwatt::training
