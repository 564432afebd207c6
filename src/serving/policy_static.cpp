// SPDX-License-Identifier: Apache-2.0
// Static batching (FasterTransformer): what waits forms a batch, which is served to its end before the next one is
// formed. Sequences that end early leave; nobody takes their place.
#include "waferwatt/serving/scheduling.hpp"

namespace waferwatt::serving {

void compose_static(Scheduling& iteration) {
  if (iteration.batch_is_empty())
    iteration.admit_whole_prompts();
  else
    iteration.close();
  if (!iteration.has_prompts()) iteration.decode();
}

}  // namespace waferwatt::serving
