// SPDX-License-Identifier: Apache-2.0
#pragma once
// Flows over shared links: who moves how fast while others use the same links.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "waferwatt/engine/event_loop.hpp"

namespace waferwatt::engine {

/// A flow at rate x takes weight * x of a link. The uses of one flow are a multiset: a link that stands
/// twice counts with both weights. A whole collective is one flow: what it moves over each link, as a
/// multiple of the flow's own bytes, is the link's weight.
struct LinkUse {
  std::uint32_t link;
  double weight = 1;
};

/// The event that the loop hands out when a flow has ended.
struct FlowEnd {
  std::uint32_t kind;
  std::uint32_t target = 0;
  std::uint64_t payload = 0;
};

/// Links of given capacities, and the flows on them. At every instant the rates are max-min fair: no flow
/// could go faster without slowing one that is not faster, and on each link sum(weight * rate) <= capacity
/// (Bertsekas, Gallager 1992, section 6.5.2).
///
/// Time is in seconds. A flow waits its latency, then moves its bytes. A link of capacity zero stalls its
/// flows until it is restored; a loop that has run dry with n_alive() > 0 has stalled them for good.
///
/// \throws std::logic_error everywhere for unknown links and flows, capacities and sizes that are negative
///         or not finite, weights that are not above zero
class FlowNetwork {
 public:
  using FlowId = std::uint64_t;

  /// Kind of the events that the network schedules for itself: the loop's handler gives them to handle().
  static constexpr std::uint32_t kEventKind = 0xffffffff;

  FlowNetwork(const FlowNetwork&) = delete;
  FlowNetwork& operator=(const FlowNetwork&) = delete;
  virtual ~FlowNetwork() = default;

  /// Starts a flow now. A flow without bytes or links takes its latency only.
  FlowId start(std::span<const LinkUse> uses, double bytes, double latency, FlowEnd end);

  /// Ends a flow without its event. \returns the bytes it had still to move
  double cancel(FlowId flow);
  bool is_alive(FlowId flow) const;

  void set_capacity(std::uint32_t link, double capacity);
  double capacity(std::uint32_t link) const { return capacities_.at(link); }
  std::size_t n_links() const { return capacities_.size(); }
  std::size_t n_alive() const { return n_alive_; }

  /// Bytes that ended and cancelled flows have moved over a link.
  double carried(std::uint32_t link) const { return carried_.at(link); }

  /// Takes an event of kEventKind. \returns false for any other event, which is the caller's
  bool handle(const Event& event);

 protected:
  FlowNetwork(EventLoop& loop, std::vector<double> capacities);

  struct Flow {
    std::vector<LinkUse> uses;  ///< sorted by link, each link once
    double bytes = 0;
    FlowEnd end{};
    std::uint32_t generation = 0;
    bool alive = false;
  };

  /// Target of the base's own events of kEventKind.
  static constexpr std::uint32_t kLatencyOver = 0;

  /// The flow has uses, and its bytes are to move from now + latency on.
  virtual void begin(std::uint32_t slot, double latency) = 0;
  /// \returns the bytes left
  virtual double abandon(std::uint32_t slot) = 0;
  /// capacity(link) has its new value.
  virtual void capacity_changed(std::uint32_t link, double before) = 0;
  /// An event of kEventKind with another target than kLatencyOver.
  virtual void on_event(const Event&) {}

  /// To be called when a flow has moved all its bytes.
  void finish(std::uint32_t slot);

  EventLoop& loop() { return loop_; }
  Flow& flow(std::uint32_t slot) { return flows_[slot]; }
  bool is_current(std::uint32_t slot, std::uint32_t generation) const {
    return flows_[slot].alive && flows_[slot].generation == generation;
  }

 private:
  std::uint32_t free_slot();
  void release(std::uint32_t slot, double moved);

  EventLoop& loop_;
  std::vector<double> capacities_, carried_;
  std::vector<Flow> flows_;
  std::vector<std::uint32_t> free_;
  std::size_t n_alive_ = 0;
};

}  // namespace waferwatt::engine
