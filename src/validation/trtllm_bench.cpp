// SPDX-License-Identifier: Apache-2.0
#include "trtllm_bench.hpp"

#include <algorithm>
#include <cmath>

namespace waferwatt::validation {
namespace {

constexpr double kMostRequests = 4096, kMostTokens = 32768;

std::int64_t up_to_multiple(double x, std::int64_t step) { return step * static_cast<std::int64_t>(std::ceil(x / static_cast<double>(step))); }

double requests_in_cache(const ServingCase& c) {
  const catalog::LanguageModel& model = *c.model;
  const double n_ranks = static_cast<double>(c.plan.n_ranks()), stages = static_cast<double>(c.plan.pipeline_parallel);
  const double heads = std::max(n_ranks, static_cast<double>(model.kv_heads()));
  // Configurations of latent attention name no size of a head.
  const double size = static_cast<double>(model.mla ? model.hidden_size.value / model.n_heads.value : model.head_size());
  const double request_bytes = 2 * static_cast<double>(model.n_layers.value) * heads * size * catalog::size_of(c.plan.kv_format).in(byte) *
                               static_cast<double>(c.load.input_tokens + c.load.output_tokens);
  const double memory = c.accelerator->memory_capacity->in(byte) * n_ranks * stages;
  const double weights = model.total_parameters.value * c.plan.experts().bytes();
  return (memory - weights) * *c.memory_utilisation / request_bytes;
}

}  // namespace

BenchLimits trtllm_bench_limits(const ServingCase& c) {
  const double batch = std::min(requests_in_cache(c), kMostRequests) / static_cast<double>(c.plan.pipeline_parallel);
  const double per_answer = 1 + static_cast<double>(c.load.input_tokens) / static_cast<double>(c.load.output_tokens);
  const double tokens = std::min(batch * per_answer, kMostTokens);
  BenchLimits limits;
  limits.max_batch_size = batch < 256 ? std::max<std::int64_t>(64, up_to_multiple(batch, 32)) : up_to_multiple(batch, batch < 1024 ? 128 : 256);
  limits.max_num_tokens = tokens < 4096 ? std::max<std::int64_t>(2048, up_to_multiple(tokens, 256)) : up_to_multiple(tokens, tokens < 8192 ? 512 : 1024);
  limits.max_num_tokens = std::max(limits.max_num_tokens, c.load.input_tokens + limits.max_batch_size);
  return limits;
}

}  // namespace waferwatt::validation
