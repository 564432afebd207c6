// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/engine/event_loop.hpp"

#include <fmt/format.h>

#include <limits>
#include <stdexcept>
#include <string>

namespace waferwatt::engine {

void EventLoop::run(EventHandler& handler) { drive_guarded(std::numeric_limits<double>::infinity(), handler); }

void EventLoop::run_until(double time, EventHandler& handler) {
  if (!(time >= now_ && time <= kLatest)) {
    throw std::logic_error(fmt::format("cannot run until {}: it must be finite and not before now, {}", time, now_));
  }
  drive_guarded(time, handler);
  if (!stopping_) now_ = time;
}

void EventLoop::drive_guarded(double limit, EventHandler& handler) {
  if (running_) throw std::logic_error("run() called while the loop is running: a handler may only schedule and stop");
  struct Running {
    bool& flag;
    explicit Running(bool& running) : flag(running) { flag = true; }
    ~Running() { flag = false; }
  } const guard(running_);
  stopping_ = false;
  drive(limit, handler);
}

void EventLoop::refuse_time(double time, std::uint32_t kind, std::uint32_t target) const {
  throw std::logic_error(
      fmt::format("event of kind {} for target {} cannot be scheduled at {}: {}", kind, target, time,
                  time < now_ ? fmt::format("it is before now, {}", now_) : std::string("the time must be finite")));
}

void EventLoop::refuse_delay(double delay, std::uint32_t kind, std::uint32_t target) const {
  throw std::logic_error(fmt::format(
      "event of kind {} for target {} cannot be scheduled after {}: the delay must be finite and not negative", kind,
      target, delay));
}

}  // namespace waferwatt::engine
