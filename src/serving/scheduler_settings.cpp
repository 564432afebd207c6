// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/serving/scheduler_settings.hpp"

namespace waferwatt::serving {

double SchedulerSettings::tokens_per_step() const {
  double sum = 1, term = 1;
  for (std::int64_t i = 0; i < draft_tokens; ++i) sum += term *= draft_acceptance;
  return sum;
}

const io::Record<SchedulerSettings>& SchedulerSettings::record() {
  using S = SchedulerSettings;
  static const auto record =
      io::Record<S>("serving_scheduler", "How the engine of a replica composes its iterations.")
          .optional("policy", &S::policy,
                    {.doc = "static: a batch is served to its end before the next one; orca: whole prompts join the "
                            "decodes; prefill-first: prompts have iterations of their own; prefill-first-chunked: the same, of "
                            "prompts cut to the budget; sarathi: decodes, then "
                            "chunks of prompts; unified: one budget in order of admission. Absent: as the backend "
                            "schedules, prefill-first-chunked (sglang) or unified."})
          .optional("count_padding", &S::count_padding,
                    {.doc = "Whole prompts of one iteration count as if all were as long as the longest."})
          .optional("prefix_caching", &S::prefix_caching,
                    {.doc = "Prompts that begin like earlier ones find that part in the cache."})
          .optional("preemption", &S::preemption,
                    {.doc = "A preempted sequence's cache is dropped and computed again, or swapped to the host."})
          .optional("host_bandwidth", &S::host_bandwidth,
                    {.doc = "Of each accelerator to its host: swapping, loading adapters.",
                     .above = 0 * byte / second,
                     .at_most = 1e15 * byte / second})
          .optional("swap_space", &S::swap_space,
                    {.doc = "On the host, for each accelerator.", .at_least = 0 * byte, .at_most = 1e15 * byte})
          .optional("max_adapters", &S::max_adapters,
                    {.doc = "LoRA adapters in memory at once, and so in a batch.", .at_least = 1, .at_most = 65536})
          .optional("adapter_size", &S::adapter_size,
                    {.doc = "Of one adapter, on all accelerators together.",
                     .at_least = 0 * byte,
                     .at_most = 1e12 * byte})
          .optional("draft_tokens", &S::draft_tokens,
                    {.doc = "Speculative decoding: tokens proposed in each iteration; 0: none.",
                     .at_least = 0,
                     .at_most = 64})
          .optional("draft_acceptance", &S::draft_acceptance,
                    {.doc = "Chance that a proposed token is accepted when those before it were.",
                     .at_least = 0.0,
                     .at_most = 1.0})
          .optional("draft_cost", &S::draft_cost,
                    {.doc = "Time to propose one token, over that of an iteration of decodes.",
                     .at_least = 0.0,
                     .at_most = 1.0});
  return record;
}

}  // namespace waferwatt::serving
