// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/engine/simgrid_loop.hpp"

#include <signal.h>
#include <xbt/log.h>

#include <algorithm>
#include <array>
#include <limits>
#include <simgrid/kernel/resource/Model.hpp>
#include <simgrid/s4u.hpp>
#include <stdexcept>

namespace waferwatt::engine {
namespace {

// Leaves Engine::run(), which has no way to stop while flows are alive. Thrown only between two steps,
// when SimGrid has delivered everything of the present instant.
struct LeaveRun {};

// SimGrid adds up steps, so its clock may miss an event's time by a few units in the last place.
bool reached(double clock, double time) {
  constexpr double kRounding = 4 * std::numeric_limits<double>::epsilon();
  return time - clock <= kRounding * clock;  // false for an infinite time
}

class SignalHandlersKept {
 public:
  SignalHandlersKept() {
    for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], nullptr, &saved_[i]);
  }
  ~SignalHandlersKept() {
    for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &saved_[i], nullptr);
  }

 private:
  static constexpr std::array kSignals{SIGINT, SIGTERM, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
  std::array<struct sigaction, kSignals.size()> saved_;
};

simgrid::s4u::Engine& make_engine() {
  static bool made = false;  // SimGrid's own state is static and survives its Engine
  if (made || simgrid::s4u::Engine::has_instance()) {
    throw std::logic_error("a second SimgridLoop in one process: run each scenario in a child of its own");
  }
  made = true;
  xbt_log_control_set("root.thres:critical");  // before the Engine, which would report its configuration
  const SignalHandlersKept kept;
  auto* const engine = new simgrid::s4u::Engine("waferwatt");  // NOLINT: SimGrid keeps it until exit
  engine->set_config("network/model:CM02");
  engine->set_config("network/crosstraffic:0");
  engine->set_config("network/TCP-gamma:1e18");
  return *engine;
}

}  // namespace

class SimgridLoop::QueueModel final : public simgrid::kernel::resource::Model {
 public:
  explicit QueueModel(SimgridLoop& loop) : Model("waferwatt events"), loop_(&loop) {}
  void detach() { loop_ = nullptr; }
  double next_occurring_event(double clock) override { return loop_ ? loop_->next_step(clock) : -1.0; }
  void update_actions_state(double, double) override {}  // the events wait until all models are up to date

  void on_time_advance() {
    if (loop_) loop_->on_clock(simgrid::s4u::Engine::get_clock());
  }

 private:
  SimgridLoop* loop_;
};

SimgridLoop::SimgridLoop() {
  auto& engine = make_engine();
  model_ = std::make_shared<QueueModel>(*this);
  engine.add_model(model_);
  engine.on_time_advance_cb([model = model_](double) { model->on_time_advance(); });
}

SimgridLoop::~SimgridLoop() { model_->detach(); }

void SimgridLoop::drive(double limit, EventHandler& handler) {
  auto& engine = *simgrid::s4u::Engine::get_instance();
  if (engine.get_netzone_root() == nullptr) simgrid::s4u::create_empty_zone("nothing");  // run() seals a root
  handler_ = &handler;
  limit_ = limit;
  try {
    engine.run();
  } catch (const LeaveRun&) {
  } catch (...) {
    settle_ = true;
    handler_ = nullptr;
    throw;
  }
  handler_ = nullptr;
}

// The step until the next event, or -1 for none.
double SimgridLoop::next_step(double clock) {
  if (handler_ == nullptr) return -1.0;
  if (stopping()) throw LeaveRun{};
  if (settle_) {
    settle_ = false;
    return 0.0;
  }
  const double next = queue().empty() ? std::numeric_limits<double>::infinity() : queue().top().time;
  if (next > limit_ && now() >= limit_) throw LeaveRun{};
  const double until = std::min(next, limit_);
  if (until == std::numeric_limits<double>::infinity()) return -1.0;
  return std::max(0.0, until - clock);
}

// Called after every model has reached the new time, so that a flow started by a handler starts now.
void SimgridLoop::on_clock(double clock) {
  if (handler_ == nullptr) return;
  bool handed_out = false;
  while (!stopping() && !queue().empty() && queue().top().time <= limit_ && reached(clock, queue().top().time)) {
    hand_out_next(*handler_);
    handed_out = true;
  }
  if (handed_out || stopping()) return;
  set_now(reached(clock, limit_) ? limit_ : std::max(now(), clock));
}

}  // namespace waferwatt::engine
