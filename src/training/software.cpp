// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/training/software.hpp"

#include "waferwatt/core/diagnostic.hpp"

namespace waferwatt::training {

// Numbers that differ from the defaults were fitted to half of each source's rows, and tried on the other half
// (docs/models/training.md has the errors); they are rounded, as few digits are known.
const std::vector<Software>& software_stacks() {
  static const std::vector<Software> stacks = {
      {.name = "megatron-core", .kernel_slowdown = 1.33, .attention_slowdown = 0.8, .tensor_overlap = 0.2, .data_overlap = 0.8,
       .layer_host_time = 0.3 * milli * second},
      // Eager kernels, nothing overlapped (Narayanan et al. 2021; vTrain's clusters).
      {.name = "megatron-2021", .kernel_slowdown = 1.12, .data_overlap = 0},
      // Sequence parallelism, selective recomputation (Korthikanti et al. 2022).
      {.name = "megatron-2022",
       .kernel_slowdown = 1.12,
       .data_overlap = 0,
       .layer_host_time = 0.5 * milli * second},
      // Megatron-DeepSpeed on one node, models so small that the host and late ranks set the pace (vTrain).
      {.name = "megatron-small", .stream_factor = 1.25, .tensor_slowdown = 2, .data_overlap = 0.5,
       .backward_stream_ratio = 1.2, .layer_host_time = 1.1 * milli * second},
      // BigScience's fork in early 2022.
      {.name = "megatron-deepspeed",
       .kernel_slowdown = 1.3,
       .stream_factor = 1.5,
       .tensor_slowdown = 1.4,
       .data_overlap = 0.9,
       .gradient_bytes = 2,
       .backward_stream_ratio = 1.3},
      // Composer with PyTorch FSDP and FlashAttention 2.
      {.name = "llm-foundry", .attention_slowdown = 1.25, .gradient_bytes = 2},
      // The same on Hopper, for which FlashAttention 2 was not written.
      {.name = "llm-foundry-hopper",
       .kernel_slowdown = 1.29,
       .attention_slowdown = 2.0,
       .stream_factor = 0.6,
       .gradient_bytes = 2},
      {.name = "megatron-bridge",
       .attention_slowdown = 0.9,
       .stream_factor = 0.5,
       .tensor_overlap = 0.7,
       .data_overlap = 0.5,
       .layer_host_time = 0.3 * milli * second},
      // Models with experts: grouped GEMMs, many small kernels started by the host.
      {.name = "megatron-bridge-moe",
       .kernel_slowdown = 0.9,
       .attention_slowdown = 1.1,
       .stream_factor = 3,
       .expert_overlap = 0.75,
       .layer_host_time = 0.6 * milli * second,
       .expert_host_factor = 7,
       .expert_slowdown = 0.7},
      {.name = "nemo-mlperf",
       .kernel_slowdown = 1.0,
       .attention_slowdown = 1.2,
       .tensor_overlap = 0.3,
       .data_overlap = 0.7,
       .layer_host_time = 0.3 * milli * second},
      // DeepSeek's own kernels, which leave 20 of 132 multiprocessors to the traffic. Set by one run's hours.
      {.name = "dualpipe",
       .kernel_slowdown = 1.1,
       .data_overlap = 0.9,
       .layer_host_time = 0.1 * milli * second},
      {.name = "maxtext",
       .kernel_slowdown = 1.0,
       .tensor_overlap = 0.7,
       .data_overlap = 0.9,
       .layer_host_time = 0.1 * milli * second},
  };
  return stacks;
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
