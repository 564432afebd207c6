// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "waferwatt/engine/event_loop.hpp"

namespace waferwatt::engine {

/// Events without SimGrid: for runs without flows, a few times faster. Any number may exist.
class BareLoop final : public EventLoop {
 protected:
  void drive(double limit, EventHandler& handler) override;
};

}  // namespace waferwatt::engine
