// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/engine/bare_loop.hpp"

namespace waferwatt::engine {

void BareLoop::drive(double limit, EventHandler& handler) {
  while (!stopping() && !queue().empty() && queue().top().time <= limit) hand_out_next(handler);
}

}  // namespace waferwatt::engine
