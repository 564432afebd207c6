// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "waferwatt/engine/event.hpp"

namespace waferwatt::engine {

/// Pending events in order of (time, sequence): ties leave in the order in which they came.
/// Memory grows to the largest number of pending events and is then reused.
class EventQueue {
 public:
  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  void reserve(std::size_t events) { heap_.reserve(events); }

  /// `time` must not be NaN (unchecked: EventLoop checks).
  void push(double time, std::uint32_t kind, std::uint32_t target, std::uint64_t payload);

  /// The earliest event; the queue must not be empty.
  const Event& top() const { return heap_.front(); }

  /// Takes the earliest event out; the queue must not be empty.
  Event pop();

 private:
  void sift_down(const Event& event);
  std::vector<Event> heap_;  // 4-ary: children of i are 4i+1 .. 4i+4, two cache lines
  std::uint64_t next_sequence_ = 0;
};

}  // namespace waferwatt::engine
