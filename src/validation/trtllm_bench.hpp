// SPDX-License-Identifier: Apache-2.0
#pragma once
// How trtllm-bench, TensorRT-LLM's offline benchmark, sets up the engine from the memory that caches may have.
#include "waferwatt/validation/serving_cases.hpp"

namespace waferwatt::validation {

/// Of one data-parallel rank and micro-batch.
struct BenchLimits {
  std::int64_t max_batch_size = 0, max_num_tokens = 0;
};

/// From the requests whose whole caches fit the memory that weights leave: a batch of at most 4,096 in all stages, and
/// as many prompts' tokens in an iteration as keep up with that batch's answers, both rounded up. Prompts are not cut
/// into chunks, so that the longest one and a batch of answers fit an iteration. It takes cached vectors to be
/// heads times size, also of latent attention, and every rank to hold its share of the weights and a part of the heads,
/// also of data-parallel attention.
/// Source: tensorrt_llm/bench/build/tuning.py and bench/benchmark/utils/general.py of NVIDIA/TensorRT-LLM.
/// \param c with model, accelerator, plan, lengths and share of memory
BenchLimits trtllm_bench_limits(const ServingCase& c);

}  // namespace waferwatt::validation
