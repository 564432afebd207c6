// SPDX-License-Identifier: Apache-2.0
// SGLang (Zheng et al., NeurIPS 2024): as prefill-first, but prompts longer than the budget are divided, the begun one
// going on first, and decodes stall until no prompt is left.
#include "waferwatt/serving/scheduling.hpp"

namespace waferwatt::serving {

void compose_prefill_first_chunked(Scheduling& iteration) {
  iteration.continue_prompts();
  iteration.admit_chunks();
  if (!iteration.has_prompts()) iteration.decode();
}

}  // namespace waferwatt::serving
