// SPDX-License-Identifier: Apache-2.0
// The queue of a replica: how requests come into it, wait and leave it.
#include <algorithm>

#include "waferwatt/serving/replica.hpp"

namespace waferwatt::serving {
namespace {

std::size_t queue_index(Charge charge) { return index_of(charge) - index_of(Charge::sequence_limit); }

}  // namespace

std::uint32_t Replica::new_slot() {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<std::uint32_t>(sequences_.size()));
    sequences_.emplace_back();
  }
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  return slot;
}

void Replica::free_slot(std::uint32_t slot) {
  sequences_[slot].state = State::unused;
  free_slots_.push_back(slot);
}

bool Replica::enqueue(std::uint32_t id, double now_s) {
  RequestRecord& request = requests_[id];
  if (!fits(request)) {
    request.rejected = true;
    request.refusal = Refusal::too_long;
    return false;
  }
  const std::uint32_t slot = new_slot();
  const std::uint8_t priority = std::min<std::uint8_t>(request.priority, static_cast<std::uint8_t>(waiting_.size() - 1));
  Sequence& sequence = sequences_[slot];
  sequence = {.id = id, .state = State::waiting, .priority = priority, .adapter = request.adapter,
              .target = request.input_tokens, .ready_s = now_s};
  if (shape_.role == Role::decode) {  // its prompt and first token come with it
    sequence.context = request.input_tokens;
    sequence.generated = 1;
  }
  prompt_tokens_to_come_ += sequence.target - sequence.context;
  request.slot = slot;
  waiting_[priority].push_back(slot);
  ++n_waiting_;
  arrived_.push_back(slot);
  return true;
}

void Replica::wait_in_front(std::uint32_t slot) {
  Sequence& sequence = sequences_[slot];
  sequence.state = State::waiting;
  sequence.queue_mark = queue_sum_;
  waiting_[sequence.priority].push_front(slot);
  ++n_waiting_;
}

std::uint32_t Replica::next_waiting() const {
  for (const auto& queue : waiting_)
    if (!queue.empty()) return queue.front();
  return 0;
}

void Replica::leave_queue(std::uint32_t slot) {
  auto& queue = waiting_[sequences_[slot].priority];
  if (queue.front() == slot)
    queue.pop_front();
  else
    queue.erase(std::ranges::find(queue, slot));
  --n_waiting_;
}

// The time since the last scheduling goes to what the queue has waited for; the clocks of new arrivals start.
void Replica::settle_queue(double now_s) {
  queue_sum_[queue_index(queue_charge_)] += now_s - queue_settled_s_;
  queue_settled_s_ = now_s;
  for (const std::uint32_t slot : arrived_) {
    Sequence& sequence = sequences_[slot];
    if (sequence.state != State::waiting) continue;
    record(sequence).charge(Charge::batch_boundary, now_s - sequence.ready_s);
    sequence.queue_mark = queue_sum_;
  }
  arrived_.clear();
}

void Replica::charge_queue(Sequence& sequence) {
  for (std::size_t i = 0; i < kNQueueCharges; ++i)
    record(sequence).charged_s[index_of(Charge::sequence_limit) + i] += queue_sum_[i] - sequence.queue_mark[i];
}

}  // namespace waferwatt::serving
