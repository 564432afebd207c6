// SPDX-License-Identifier: Apache-2.0
// Orca (Yu et al., OSDI 2022): at every iteration requests may join and leave; prompts are computed whole, in the same
// iteration as the decodes, and space is set aside for the whole request.
#include "waferwatt/serving/scheduling.hpp"

namespace waferwatt::serving {

void compose_orca(Scheduling& iteration) {
  iteration.decode();
  iteration.admit_whole_prompts();
}

}  // namespace waferwatt::serving
