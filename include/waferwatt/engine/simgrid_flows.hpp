// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <memory>

#include "waferwatt/engine/flow_network.hpp"
#include "waferwatt/engine/simgrid_loop.hpp"

namespace waferwatt::engine {

/// Flows as SimGrid's own: the links are those of one flat zone, a flow is one Comm over a virtual route
/// that lists a link as often as its weight says. Weights are therefore whole numbers up to kMaxWeight, and
/// SimGrid counts whole bytes.
/// Starting a flow costs time quadratic in its number of links: meant for flows of a few hundred.
///
/// To be made before the loop's first run, at most once.
class SimgridFlows final : public FlowNetwork {
 public:
  static constexpr double kMaxWeight = 1024;

  SimgridFlows(SimgridLoop& loop, std::vector<double> capacities);
  ~SimgridFlows() override;

  /// Whether a flow with these uses may be started here.
  static bool takes(std::span<const LinkUse> uses);

 protected:
  void begin(std::uint32_t slot, double latency) override;
  double abandon(std::uint32_t slot) override;
  void capacity_changed(std::uint32_t link, double before) override;

 private:
  class Zone;
  struct Transfer;
  void send(std::uint32_t slot);
  void completed(std::uint32_t slot, std::uint32_t generation);
  bool crosses_dead_link(std::uint32_t slot);

  std::vector<double> nominal_;
  Zone* zone_;  // SimGrid owns it
  std::deque<Transfer> transfers_;  // SimGrid points into it
  struct Listener;
  std::shared_ptr<Listener> listener_;  // shared with SimGrid's signal, which outlives the network
};

}  // namespace waferwatt::engine
