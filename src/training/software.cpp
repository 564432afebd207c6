// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/training/software.hpp"

#include "waferwatt/core/diagnostic.hpp"

namespace waferwatt::training {

namespace {

/// Of a layer's forward pass in PyTorch without compilation: some 40 kernels, 8 us apart. What half of the models of five
/// sources say within 0.1 ms.
constexpr Time kEagerGaps = 0.3 * milli * second;

}  // namespace

// Numbers that differ from the defaults come from `waferwatt calibrate software`: fitted to half of the models of each
// source, the other half says how they carry over (docs/models/training.md has the errors). They are rounded, as few
// digits are known. A stack is what one source ran in one period; where none is known, the first stands in: about the median
// of each number over the others.
const std::vector<Software>& software_stacks() {
  static const std::vector<Software> stacks = {
      {.name = "typical",
       .kernel_slowdown = 1.05,
       .tensor_overlap = 0.2,
       .layer_host_time = 0.3 * milli * second,
       .expert_host_factor = 5,
       .fused_expert_epilogues = false},
      {.name = "megatron-core",
       .kernel_slowdown = 1.31,
       .attention_slowdown = 0.85,
       .tensor_overlap = 0.2,
       .data_overlap = 0.8,
       .layer_host_time = 0.3 * milli * second,
       .fused_expert_epilogues = false},
      // Megatron-Core at the end of 2025 with nothing overlapped, on B200 at their power limit.
      {.name = "megatron-core-eager",
       .kernel_slowdown = 1.27,
       .attention_slowdown = 0.85,
       .stream_factor = 1.1,
       .tensor_slowdown = 2.06,
       .layer_host_time = 0.3 * milli * second,
       .step_host_time = 12.5 * milli * second,
       .fused_expert_epilogues = false},
      {.name = "megatron-core-experts",
       .kernel_slowdown = 1.27,
       .attention_slowdown = 0.98,
       .stream_factor = 2.1,
       .layer_host_time = 0.3 * milli * second,
       .expert_host_factor = 5,
       .step_host_time = 25 * milli * second,
       .expert_slowdown = 1.35,
       .fused_expert_epilogues = false},
      // Eager kernels on Selene (Narayanan et al. 2021).
      {.name = "megatron-2021", .kernel_slowdown = 1.09, .stream_factor = 0.75, .data_overlap = 0.36, .layer_gap_time = kEagerGaps},
      // The same on another cluster, nothing overlapped (vTrain).
      {.name = "megatron-clusters", .kernel_slowdown = 0.94, .data_overlap = 0, .layer_gap_time = kEagerGaps},
      // Sequence parallelism, selective recomputation (Korthikanti et al. 2022).
      {.name = "megatron-2022",
       .kernel_slowdown = 1.0,
       .stream_factor = 0.91,
       .data_overlap = 0,
       .layer_host_time = 0.5 * milli * second,
       .layer_gap_time = kEagerGaps},
      // Megatron on one node, models so small that the host and late ranks set the pace (vTrain).
      {.name = "megatron-small",
       .kernel_slowdown = 0.92,
       .stream_factor = 1.14,
       .tensor_slowdown = 1.46,
       .backward_stream_ratio = 1.29,
       .layer_host_time = 0.96 * milli * second,
       .step_host_time = 9.4 * milli * second},
      // BigScience's fork in early 2022, every kernel awaited before the next (CUDA_LAUNCH_BLOCKING).
      {.name = "megatron-deepspeed",
       .kernel_slowdown = 0.94,
       .stream_factor = 2.6,
       .tensor_slowdown = 1.45,
       .data_overlap = 1.0,
       .gradient_bytes = 2,
       .backward_stream_ratio = 1.27,
       .layer_gap_time = 4 * milli * second},
      // Composer with PyTorch FSDP and FlashAttention 2.
      {.name = "llm-foundry", .attention_slowdown = 1.32, .gradient_bytes = 2, .backward_stream_ratio = 1.86, .layer_gap_time = kEagerGaps},
      // The same on Hopper, for which FlashAttention 2 was not written.
      {.name = "llm-foundry-hopper",
       .kernel_slowdown = 1.08,
       .attention_slowdown = 2.64,
       .data_overlap = 0,
       .gradient_bytes = 2,
       .backward_stream_ratio = 2.11},
      // NVIDIA's performance scripts reduce gradients in 16 bits (`grad_reduce_in_fp32 = False` in every recipe).
      {.name = "megatron-bridge",
       .attention_slowdown = 1,
       .stream_factor = 0.66,
       .tensor_overlap = 0.7,
       .gradient_bytes = 2,
       .layer_host_time = 0.3 * milli * second,
       .layer_gap_time = kEagerGaps,
       .fused_expert_epilogues = false},
      // Models with experts, releases to 26.04: grouped GEMMs, many small kernels started by the host.
      {.name = "megatron-bridge-moe",
       .kernel_slowdown = 0.82,
       .stream_factor = 3.3,
       .expert_overlap = 0.4,
       .gradient_bytes = 2,
       .layer_host_time = 0.22 * milli * second,
       .expert_host_factor = 8,
       .expert_slowdown = 1.15,
       .fused_expert_epilogues = false},
      // From release 26.06 on: fused permutation and quantisation; products fused with SwiGLU, but not with biases or clamps
      // (Megatron-LM's pull request 4636, Megatron-Bridge's issue 2885).
      {.name = "megatron-bridge-moe-2606",
       .kernel_slowdown = 0.8,
       .stream_factor = 1.1,
       .expert_overlap = 0.5,
       .gradient_bytes = 2,
       .layer_host_time = 0.3 * milli * second,
       .expert_host_factor = 5,
       .fused_expert_epilogues = false},
      {.name = "nemo-mlperf",
       .kernel_slowdown = 1.06,
       .attention_slowdown = 1.2,
       .stream_factor = 0.4,
       .tensor_overlap = 0.75,
       .data_overlap = 0.58,
       .layer_host_time = 0.3 * milli * second},
      // DeepSeek's own kernels, which leave 20 of 132 multiprocessors to the traffic. Set by one run's hours.
      {.name = "dualpipe",
       .kernel_slowdown = 1.34,
       .data_overlap = 0.9,
       .layer_host_time = 0.1 * milli * second},
      // XLA on TPUs, which compiles whole layers.
      {.name = "maxtext",
       .kernel_slowdown = 0.95,
       .attention_slowdown = 0.63,
       .stream_factor = 0.4,
       .tensor_slowdown = 2.1,
       .tensor_overlap = 0.22,
       .data_overlap = 0.56,
       .layer_host_time = 0.1 * milli * second},
  };
  return stacks;
}

namespace {

template <double Software::*member>
SoftwareNumber number(const char* name, double low, double high) {
  return {name, low, high, [](const Software& s) { return s.*member; }, [](Software& s, double x) { s.*member = x; }};
}

template <Time Software::*member>
SoftwareNumber milliseconds(const char* name, double low, double high) {
  return {name, low, high, [](const Software& s) { return (s.*member).in(milli * second); },
          [](Software& s, double x) { s.*member = x * milli * second; }};
}

}  // namespace

const std::vector<SoftwareNumber>& software_numbers() {
  using S = Software;
  static const std::vector<SoftwareNumber> numbers = {
      number<&S::kernel_slowdown>("kernel_slowdown", 0.7, 1.8),
      number<&S::attention_slowdown>("attention_slowdown", 0.5, 3),
      number<&S::stream_factor>("stream_factor", 0.3, 6),
      number<&S::tensor_slowdown>("tensor_slowdown", 1, 3),
      number<&S::tensor_overlap>("tensor_overlap", 0, 0.95),
      number<&S::expert_overlap>("expert_overlap", 0, 0.95),
      number<&S::context_overlap>("context_overlap", 0, 1),
      number<&S::data_overlap>("data_overlap", 0, 1),
      number<&S::gather_overlap>("gather_overlap", 0, 1),
      number<&S::backward_stream_ratio>("backward_stream_ratio", 1, 3),
      number<&S::expert_host_factor>("expert_host_factor", 1, 8),
      number<&S::expert_slowdown>("expert_slowdown", 0.7, 4),
      milliseconds<&S::layer_host_time>("layer_host_time_ms", 0.05, 4),
      milliseconds<&S::layer_gap_time>("layer_gap_time_ms", 0, 10),
      milliseconds<&S::step_host_time>("step_host_time_ms", 0, 100),
  };
  return numbers;
}

const Software& software_stack(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& stack : software_stacks()) {
    if (stack.name == name) return stack;
    names.push_back(stack.name);
  }
  throw InputError("unknown software \"" + name + "\"" + suggestion(name, names, "software"));
}

}  // namespace waferwatt::training
