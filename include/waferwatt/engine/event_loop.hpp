// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>

#include "waferwatt/engine/event_queue.hpp"

namespace waferwatt::engine {

class EventLoop;

class EventHandler {
 public:
  virtual ~EventHandler() = default;

  /// `loop.now()` equals `event.time` exactly. May schedule and stop; must not call run or run_until.
  /// An exception leaves run(): the event that threw is consumed, the others stay pending.
  virtual void handle(const Event& event, EventLoop& loop) = 0;
};

/// A clock and the events pending on it.
///
/// Time is a double that starts at 0. Machine scale counts seconds; world scale uses the same loop with
/// another unit chosen by the caller (days): nothing here depends on the unit, except that SimGrid's
/// flows are in seconds. The two drivers, BareLoop and SimgridLoop, give the same events in the same
/// order at the same times, bit for bit.
class EventLoop {
 public:
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  virtual ~EventLoop() = default;

  double now() const { return now_; }
  std::size_t pending() const { return queue_.size(); }
  void reserve(std::size_t events) { queue_.reserve(events); }

  /// Schedules an event. \throws std::logic_error when `time` is NaN, infinite or before now()
  void at(double time, std::uint32_t kind, std::uint32_t target = 0, std::uint64_t payload = 0) {
    if (!(time >= now_ && time <= kLatest)) refuse_time(time, kind, target);
    queue_.push(time, kind, target, payload);
  }

  /// Same as at(now() + delay). \throws std::logic_error when `delay` is NaN, infinite or negative
  void after(double delay, std::uint32_t kind, std::uint32_t target = 0, std::uint64_t payload = 0) {
    if (!(delay >= 0 && delay <= kLatest)) refuse_delay(delay, kind, target);
    at(now_ + delay, kind, target, payload);
  }

  /// Hands out events until none is left or stop() is called.
  /// \throws whatever the handler throws; std::logic_error when called from a handler
  void run(EventHandler& handler);

  /// Hands out the events up to and including `time` and leaves now() at `time` (unless stopped).
  /// \throws as run(); std::logic_error when `time` is NaN, infinite or before now()
  void run_until(double time, EventHandler& handler);

  /// Makes run() return after the present event; the pending ones stay. No effect outside run().
  void stop() { stopping_ = true; }

 protected:
  EventLoop() = default;

  /// Hands out the events with time <= limit (which may be infinite) until stopping(); sets the clock
  /// to each event's own time.
  virtual void drive(double limit, EventHandler& handler) = 0;

  bool stopping() const { return stopping_; }
  const EventQueue& queue() const { return queue_; }
  void set_now(double time) { now_ = time; }

  void hand_out_next(EventHandler& handler) {
    const Event event = queue_.pop();
    now_ = event.time;
    handler.handle(event, *this);
  }

 private:
  static constexpr double kLatest = 1.7976931348623157e308;
  [[noreturn]] void refuse_time(double time, std::uint32_t kind, std::uint32_t target) const;
  [[noreturn]] void refuse_delay(double delay, std::uint32_t kind, std::uint32_t target) const;
  void drive_guarded(double limit, EventHandler& handler);

  EventQueue queue_;
  double now_ = 0;
  bool running_ = false;
  bool stopping_ = false;
};

}  // namespace waferwatt::engine
