// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>

#include "waferwatt/engine/event_loop.hpp"

namespace waferwatt::engine {

/// Events on SimGrid's clock, beside its flows. Owns the process's one SimGrid Engine, configured so
/// that flows are exact max-min (CM02, no crosstraffic, no TCP window).
///
/// Where SimGrid's clock lies a rounding error away from an event, now() is still the event's own time.
/// In the callbacks of SimGrid's flows now() is the instant of the completion. At one instant, events
/// are handed out first and flow completions reported after; a completion at the instant of stop() is
/// still reported. run() ends when neither events nor flows are left.
///
/// The Engine lives until the process ends. Its handlers for SIGINT, SIGSEGV and SIGBUS are removed again.
/// Run every scenario in a child of its own (child.hpp).
class SimgridLoop final : public EventLoop {
 public:
  /// \throws std::logic_error when this process has, or had, a SimGrid engine
  SimgridLoop();
  ~SimgridLoop() override;

 protected:
  void drive(double limit, EventHandler& handler) override;

 private:
  class QueueModel;
  double next_step(double clock);
  void on_clock(double clock);

  std::shared_ptr<QueueModel> model_;  // shared with the Engine, which may outlive the loop
  EventHandler* handler_ = nullptr;    // set during drive()
  double limit_ = 0;
  bool settle_ = false;  // deliver the completions that an exception left behind before time moves
};

}  // namespace waferwatt::engine
