// SPDX-License-Identifier: Apache-2.0
// vLLM before version 1 (Kwon et al., SOSP 2023): while prompts wait and fit, an iteration is theirs alone and the
// decodes stall; else it is the decodes'.
#include "waferwatt/serving/scheduling.hpp"

namespace waferwatt::serving {

void compose_prefill_first(Scheduling& iteration) {
  iteration.admit_whole_prompts();
  if (!iteration.has_prompts()) iteration.decode();
}

}  // namespace waferwatt::serving
