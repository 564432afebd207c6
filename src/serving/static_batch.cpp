// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/static_batch.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace waferwatt::serving {

IterationCost prompts_cost(IterationModel& model, std::int64_t budget, std::int64_t n_prompts, std::int64_t input) {
  IterationCost sum;
  const std::int64_t n_groups = model.plan().data_parallel;
  if (const std::int64_t whole = budget / input * n_groups; whole > 0) {  // as many whole prompts as fit
    for (std::int64_t left = n_prompts; left > 0; left -= whole) {
      const std::int64_t n = std::min(whole, left);
      const double tokens = static_cast<double>(n * input);
      sum += model.cost({.n_chunks = n, .prefill_tokens = n * input, .prefill_work = tokens * static_cast<double>(input) / 2, .n_first_tokens = n});
    }
    return sum;
  }
  for (std::int64_t done = 0; done < input;) {  // longer ones in chunks, one on every group at a time
    const std::int64_t chunk = std::min(input - done, budget);
    const double size = static_cast<double>(chunk);
    const std::int64_t n = std::min(n_groups, n_prompts);
    sum += model.cost({.n_chunks = n,
                       .prefill_tokens = n * chunk,
                       .prefill_work = static_cast<double>(n) * size * (static_cast<double>(done) + size / 2),
                       .n_first_tokens = done + chunk == input ? n : 0});
    done += chunk;
  }
  const std::int64_t turns = (n_prompts + n_groups - 1) / n_groups;
  return sum * static_cast<double>(turns);
}

StaticBatchOutcome static_batch(IterationModel& model, const EngineSettings& engine, const MemoryPlan& memory, const StaticBatch& batch) {
  StaticBatchOutcome out;
  out.infeasible = memory.infeasible;
  const std::int64_t cache = memory.n_kv_blocks * engine.kv_block_tokens, needed = batch.n_sequences * (batch.input_tokens + batch.output_tokens);
  if (out.infeasible.empty() && needed > cache)
    out.infeasible = fmt::format("{} requests of {} + {} tokens are longer than the KV cache of {} tokens", batch.n_sequences, batch.input_tokens,
                                 batch.output_tokens, cache);
  if (!out.infeasible.empty()) return out;
  const IterationCost prompts = prompts_cost(model, engine.max_batched_tokens, batch.n_sequences, batch.input_tokens);
  const std::int64_t n_steps = batch.output_tokens - 1;
  // Costs of decode steps are linear in the context but for bends within an octave: the middle stands for all.
  const IterationCost step = n_steps > 0 ? model.decode_cost(batch.n_sequences, batch.n_sequences * (batch.input_tokens + (n_steps + 1) / 2)) : IterationCost{};
  out.prompts = prompts.time_s * second;
  out.step = step.time_s * second;
  out.energy = (prompts.energy_j + static_cast<double>(n_steps) * step.energy_j) * static_cast<double>(model.plan().n_accelerators()) * joule;
  return out;
}

}  // namespace waferwatt::serving
