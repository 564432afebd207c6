// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/backend_profile.hpp"

#include <algorithm>
#include <array>

namespace waferwatt::serving {
namespace {

BackendProfile profile(std::string name, std::string all_reduce, bool prefill_first, std::int64_t budget, double memory, NumberFormat kv) {
  return {.name = std::move(name), .all_reduce = std::move(all_reduce), .prefill_first = prefill_first,
          .max_batched_tokens = budget, .memory_utilisation = memory, .kv_format = kv};
}

/// trtllm, sglang and vllm as `waferwatt validate serving --fit` prints them; whence the others are: docs/models/serving.md.
struct Fitted {
  double first_token_steps, layer_us, experts_compute, experts_memory, experts_us, step_us, sequence_us, stream_us, prompt_us;
  double decode_launch = 1, decode = 1, prefill, decode_attention, prefill_attention, prefill_experts, eager_us, request_ms;
};

void fitted(BackendProfile& p, const Fitted& f) {
  p.first_token_steps = f.first_token_steps, p.decode_launch = f.decode_launch, p.decode_kernels = f.decode;
  p.prefill_kernels = f.prefill, p.prefill_experts = f.prefill_experts;
  p.decode_attention = f.decode_attention, p.prefill_attention = f.prefill_attention;
  p.stream_overhead = f.stream_us * micro * second, p.prompt_overhead = f.prompt_us * micro * second;
  p.layer_overhead = f.layer_us * micro * second, p.eager_layer = f.eager_us * micro * second;
  p.step_overhead = f.step_us * micro * second, p.sequence_overhead = f.sequence_us * micro * second;
  p.request_overhead = f.request_ms * milli * second;
  p.experts = ExpertKernel{f.experts_us * micro * second, f.experts_compute, f.experts_memory};
}

/// SGLang with DeepEP and DeepGEMM. Experts in iterations with prompts are what SGLang's fit had found before it was fitted anew.
BackendProfile over_nodes(BackendProfile sglang) {
  sglang.name = "sglang-deepep";
  sglang.exchanges_by_deepep = true;
  sglang.experts = ExpertKernel{40 * micro * second, 0.143, 1}, sglang.prefill_experts = 0.92;
  sglang.decode_experts = cost::GemmLibrary::deepgemm;
  return sglang;
}

const std::array<BackendProfile, 7>& profiles() {
  static const std::array<BackendProfile, 7> all = [] {
    std::array p{profile("trtllm", "trtllm", false, 8192, 0.9, NumberFormat::fp8),
                 profile("sglang", "sglang graph", true, 16384, 0.85, NumberFormat::bf16),
                 profile("vllm", "vllm graph", false, 8192, 0.9, NumberFormat::bf16),
                 profile("eager", "nccl", true, 4096, 0.95, NumberFormat::bf16),
                 profile("trtllm-session", "trtllm", true, 16384, 0.95, NumberFormat::fp8),
                 BackendProfile{},  // sglang-deepep, below
                 profile("trtllm-engine", "trtllm", false, 8192, 0.9, NumberFormat::fp8)};
    p[3].has_graphs = p[4].has_graphs = false;
    p[0].gathers_prompts = p[0].overlaps_host = true;
    p[0].gathers_tokens = p[6].gathers_tokens = true;
    p[6].gathers_prompts = p[6].reserves_whole_requests = true;
    p[0].reserves_whole_requests = p[4].reserves_whole_requests = true;
    fitted(p[0], {.first_token_steps = 1.29, .layer_us = 4.38, .experts_compute = 0.196, .experts_memory = 0.589, .experts_us = 28.8, .step_us = 2670, .sequence_us = 29.9, .stream_us = 10, .prompt_us = 425, .decode_launch = 0.471, .prefill = 1.14, .decode_attention = 1, .prefill_attention = 1, .prefill_experts = 1.26, .eager_us = 624, .request_ms = 13.8});
    fitted(p[1], {.first_token_steps = 7.15, .layer_us = 6.93, .experts_compute = 0.163, .experts_memory = 0.951, .experts_us = 38.9, .step_us = 286, .sequence_us = 2.3, .stream_us = 24.4, .prompt_us = 595, .decode_launch = 1.34, .prefill = 0.892, .decode_attention = 1, .prefill_attention = 1, .prefill_experts = 1.28, .eager_us = 688, .request_ms = 18.3});
    p[5] = over_nodes(p[1]);
    fitted(p[2], {.first_token_steps = 2.9, .layer_us = 5.84, .experts_compute = 0.107, .experts_memory = 0.747, .experts_us = 37.3, .step_us = 0, .sequence_us = 0, .stream_us = 16.5, .prompt_us = 856, .decode_launch = 1.3, .prefill = 1.2, .decode_attention = 1, .prefill_attention = 1, .prefill_experts = 1.14, .eager_us = 166, .request_ms = 10.5});
    fitted(p[3], {.first_token_steps = 0, .layer_us = 8.7, .experts_compute = 0.4, .experts_memory = 0.6, .experts_us = 20, .step_us = 8000, .sequence_us = 200, .stream_us = 0, .prompt_us = 0, .decode = 1.18, .prefill = 1.39, .decode_attention = 1.18, .prefill_attention = 1.39, .prefill_experts = 1.39, .eager_us = 294, .request_ms = 0});
    fitted(p[4], {.first_token_steps = 0, .layer_us = 0, .experts_compute = 0.4, .experts_memory = 0.6, .experts_us = 20, .step_us = 500, .sequence_us = 1, .stream_us = 0, .prompt_us = 0, .decode = 1, .prefill = 1.2, .decode_attention = 1, .prefill_attention = 1.2, .prefill_experts = 1.2, .eager_us = 50, .request_ms = 0});
    fitted(p[6], {.first_token_steps = 0.811, .layer_us = 9.62, .experts_compute = 0.0916, .experts_memory = 0.909, .experts_us = 92.8, .step_us = 1410, .sequence_us = 24.2, .stream_us = 0, .prompt_us = 0, .decode = 0.731, .prefill = 1.26, .decode_attention = 0.731, .prefill_attention = 1.26, .prefill_experts = 1.73, .eager_us = 595, .request_ms = 6.72});
    return p;
  }();
  return all;
}

}  // namespace

const BackendProfile* find_backend(std::string_view name) {
  const auto found = std::ranges::find(profiles(), name, &BackendProfile::name);
  return found == profiles().end() ? nullptr : &*found;
}

std::vector<std::string> backend_names() {
  std::vector<std::string> names;
  for (const auto& p : profiles()) names.push_back(p.name);
  return names;
}

}  // namespace waferwatt::serving
