// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/engine/event_queue.hpp"

namespace waferwatt::engine {
namespace {

constexpr std::size_t kArity = 4;

// Without branches: the outcome is unpredictable, and a misprediction costs more than a comparison.
bool before(const Event& a, const Event& b) {
  return (a.time < b.time) | ((a.time == b.time) & (a.sequence < b.sequence));
}

}  // namespace

void EventQueue::push(double time, std::uint32_t kind, std::uint32_t target, std::uint64_t payload) {
  const Event event{time, next_sequence_++, kind, target, payload};
  std::size_t hole = heap_.size();
  heap_.push_back(event);
  while (hole > 0) {
    const std::size_t parent = (hole - 1) / kArity;
    if (!before(event, heap_[parent])) break;
    heap_[hole] = heap_[parent];
    hole = parent;
  }
  heap_[hole] = event;
}

Event EventQueue::pop() {
  const Event first = heap_.front();
  const Event last = heap_.back();
  heap_.pop_back();
  if (!heap_.empty()) sift_down(last);
  return first;
}

void EventQueue::sift_down(const Event& event) {
  Event* const heap = heap_.data();
  const std::size_t size = heap_.size();
  std::size_t hole = 0;
  for (;;) {
    const std::size_t child = kArity * hole + 1;
    std::size_t best = child;
    if (child + kArity <= size) {  // a small tournament: two independent comparisons, then one
      const std::size_t left = before(heap[child + 1], heap[child]) ? child + 1 : child;
      const std::size_t right = before(heap[child + 3], heap[child + 2]) ? child + 3 : child + 2;
      best = before(heap[right], heap[left]) ? right : left;
    } else if (child < size) {
      for (std::size_t next = child + 1; next < size; ++next) best = before(heap[next], heap[best]) ? next : best;
    } else {
      break;
    }
    if (!before(heap[best], event)) break;
    heap[hole] = heap[best];
    hole = best;
  }
  heap[hole] = event;
}

}  // namespace waferwatt::engine
