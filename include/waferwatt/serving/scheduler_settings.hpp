// SPDX-License-Identifier: Apache-2.0
#pragma once
// How the engine of a replica composes its iterations, and what it does beyond that.
#include "waferwatt/core/quantity.hpp"
#include "waferwatt/io/record.hpp"

namespace waferwatt::serving {

/// What an iteration holds; each has its own small file (policy_*.cpp).
enum class SchedulerPolicy {
  static_batching,  ///< a batch is served to its end before the next one is formed
  orca,             ///< whole prompts join the decodes at any iteration
  prefill_first,    ///< waiting prompts, while they fit, in iterations of their own (vLLM before version 1)
  prefill_first_chunked,  ///< the same, of prompts cut to the budget (SGLang)
  sarathi,          ///< decodes first, then chunks of prompts up to the budget
  unified           ///< one budget in order of admission, be it decode or chunk (vLLM version 1)
};

/// What becomes of a preempted sequence's cache: dropped and computed again, or moved to the host and back.
enum class Preemption { recompute, swap };

struct SchedulerSettings {
  std::optional<SchedulerPolicy> policy;  ///< absent: as the backend schedules (policy_of)
  bool count_padding = false;   ///< whole prompts of one iteration count as if all were as long as the longest
  bool prefix_caching = false;  ///< prompts that begin like earlier ones find that part in the cache
  Preemption preemption = Preemption::recompute;
  Bandwidth host_bandwidth = 50 * giga * byte / second;  ///< of each accelerator to its host: swapping, adapters
  DataSize swap_space = 64 * giga * byte;                ///< on the host, for each accelerator
  std::int64_t max_adapters = 8;                         ///< LoRA adapters in memory, and so in a batch
  DataSize adapter_size = 200 * mega * byte;             ///< of one, on all accelerators together
  std::int64_t draft_tokens = 0;  ///< speculative decoding: tokens proposed in each iteration; 0: none
  double draft_acceptance = 0.7;  ///< chance that a proposed token is accepted when those before it were
  double draft_cost = 0.1;        ///< time to propose one token, over that of an iteration of decodes

  /// Mean tokens a decoding sequence gains in an iteration: 1 + a + a^2 + ... + a^draft_tokens.
  double tokens_per_step() const;
  static const io::Record<SchedulerSettings>& record();
};

}  // namespace waferwatt::serving

namespace waferwatt::io {
template <>
struct EnumTexts<serving::SchedulerPolicy> {
  static constexpr std::array values{std::pair{serving::SchedulerPolicy::static_batching, "static"},
                                     std::pair{serving::SchedulerPolicy::orca, "orca"},
                                     std::pair{serving::SchedulerPolicy::prefill_first, "prefill-first"},
                                     std::pair{serving::SchedulerPolicy::prefill_first_chunked, "prefill-first-chunked"},
                                     std::pair{serving::SchedulerPolicy::sarathi, "sarathi"},
                                     std::pair{serving::SchedulerPolicy::unified, "unified"}};
};
template <>
struct EnumTexts<serving::Preemption> {
  static constexpr std::array values{std::pair{serving::Preemption::recompute, "recompute"},
                                     std::pair{serving::Preemption::swap, "swap"}};
};
}  // namespace waferwatt::io
