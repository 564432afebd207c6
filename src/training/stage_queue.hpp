// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a stage of a pipeline may do next.
#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "earliest.hpp"
#include "waferwatt/training/timeline.hpp"

namespace waferwatt::training {

/// One pass of one micro-batch through one chunk of layers.
struct Passage {
  Pass pass;
  std::int32_t chunk, micro_batch;
};

/// Passes of one chunk in one direction whose predecessors are known to end. Micro-batches come to it in their order, each ready
/// no earlier than the one before: only the first is a choice.
class Lane {
 public:
  struct Waiting {
    Passage step;
    Time ready;
  };
  bool empty() const { return next_ == waiting_.size(); }
  const Waiting& front() const { return waiting_[next_]; }
  Waiting pop() { return waiting_[next_++]; }
  void push(const Passage& step, Time ready) { waiting_.push_back({step, ready}); }

 private:
  std::vector<Waiting> waiting_;
  std::size_t next_ = 0;
};

/// What a stage may still do. Schedules whose order is found have at most two chunks on a stage: of a V, or one of each direction.
struct StageQueue {
  std::array<Lane, 2> forward, backward;
  Lane weight;

  /// When the next pass that is on its way arrives.
  double next_arrival_s(Time now) const {
    double next = Earliest::kNever;
    for (const auto* lanes : {&forward, &backward})
      for (const Lane& lane : *lanes)
        if (!lane.empty() && lane.front().ready > now) next = std::min(next, lane.front().ready.in(second));
    return next;
  }
};

}  // namespace waferwatt::training
