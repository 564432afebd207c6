// SPDX-License-Identifier: Apache-2.0
// Chunked prefill: decodes never stall; what they leave of the budget goes to prompts, begun ones first. Sarathi-Serve
// (Agrawal et al., OSDI 2024) sets space aside for whole prompts. vLLM version 1 serves running requests in order of
// admission and sets space aside for each chunk; as prompts are begun in that order too, no decode ever stands
// behind an unfinished prompt and the iterations are the same ones.
#include "waferwatt/serving/scheduling.hpp"

namespace waferwatt::serving {

void compose_chunked(Scheduling& iteration) {
  iteration.decode();
  iteration.continue_prompts();
  iteration.admit_chunks();
}

}  // namespace waferwatt::serving
