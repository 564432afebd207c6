// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/engine/simgrid_flows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <simgrid/kernel/resource/NetworkModelIntf.hpp>
#include <simgrid/kernel/routing/NetPoint.hpp>
#include <simgrid/kernel/routing/NetZoneImpl.hpp>
#include <simgrid/s4u.hpp>
#include <stdexcept>
#include <utility>

namespace waferwatt::engine {
namespace s4u = simgrid::s4u;

// The flat zone: two hosts that are never busy, and the route that the flow being started takes. Every
// route has the same latency, which SimGrid would otherwise use as the flow's weight; the flow's own comes
// from the factor.
class SimgridFlows::Zone final : public simgrid::kernel::routing::NetZoneImpl {
 public:
  explicit Zone(const std::vector<double>& capacities) : NetZoneImpl("fabric") {
    from = create_host("from", std::vector<double>{1});
    to = create_host("to", std::vector<double>{1});
    links.reserve(capacities.size());
    for (std::size_t i = 0; i < capacities.size(); ++i)
      links.push_back(create_link(fmt::format("l{}", i), std::vector<double>{std::max(capacities[i], 1.0)}));
    get_iface()->get_network_model()->set_lat_factor_cb(
        [this](double, const s4u::Host*, const s4u::Host*, const std::vector<s4u::Link*>&,
               const std::unordered_set<s4u::NetZone*>&) { return latency; });
  }
  void get_local_route(const simgrid::kernel::routing::NetPoint*, const simgrid::kernel::routing::NetPoint*,
                       simgrid::kernel::routing::Route* into, double* route_latency) override {
    for (const auto& use : *uses)
      for (double listed = 0; listed < use.weight; ++listed)
        into->link_list_.push_back(links[use.link]->get_impl());
    if (route_latency) *route_latency = 1;
  }
  void get_graph(const s_xbt_graph_t*, std::map<std::string, xbt_node_t, std::less<>>*,
                 std::map<std::string, xbt_edge_t, std::less<>>*) override {}

  s4u::Host *from, *to;
  std::vector<s4u::Link*> links;
  const std::vector<LinkUse>* uses = nullptr;
  double latency = 0;
};

struct SimgridFlows::Transfer {
  s4u::CommPtr comm;
  double left = 0;     // bytes when it was last sent
  double starts = 0;   // instant at which the latency is over
  std::uint64_t data;  // slot and generation, for SimGrid's pointer to user data
};

struct SimgridFlows::Listener {
  SimgridFlows* flows;
  // SimGrid still uses a Comm while it signals its completion, and a cancelled one until time moves on.
  std::vector<std::pair<double, s4u::CommPtr>> ended;

  void keep(double now, s4u::CommPtr comm) {
    std::erase_if(ended, [&](const auto& entry) { return entry.first < now; });
    ended.emplace_back(now, std::move(comm));
  }

  void on_completion(const s4u::Activity& activity) {
    auto* const comm = dynamic_cast<s4u::Comm*>(const_cast<s4u::Activity*>(&activity));
    if (!flows || !comm || comm->get_sender() || !comm->get_data<void>()) return;
    const auto data = *comm->get_data<std::uint64_t>();
    flows->completed(static_cast<std::uint32_t>(data), static_cast<std::uint32_t>(data >> 32));
  }
};

SimgridFlows::SimgridFlows(SimgridLoop& loop, std::vector<double> capacities)
    : FlowNetwork(loop, capacities), nominal_(std::move(capacities)), listener_(std::make_shared<Listener>()) {
  if (s4u::Engine::get_instance()->get_netzone_root())
    throw std::logic_error("SimGrid's platform is already built: make its flows before the loop's first run");
  zone_ = new Zone(nominal_);  // NOLINT: SimGrid owns it
  listener_->flows = this;
  s4u::Activity::on_completion_cb(
      [listener = listener_](const s4u::Activity& activity) { listener->on_completion(activity); });
}

SimgridFlows::~SimgridFlows() { listener_->flows = nullptr; }

bool SimgridFlows::takes(std::span<const LinkUse> uses) {
  return std::ranges::all_of(uses, [](const LinkUse& use) {
    return use.weight >= 1 && use.weight <= kMaxWeight && use.weight == std::floor(use.weight);
  });
}

bool SimgridFlows::crosses_dead_link(std::uint32_t slot) {
  return std::ranges::any_of(flow(slot).uses, [&](const LinkUse& use) { return capacity(use.link) == 0; });
}

void SimgridFlows::begin(std::uint32_t slot, double latency) {
  if (!takes(flow(slot).uses))
    throw std::logic_error(fmt::format("SimGrid's flows take whole weights from 1 to {}", kMaxWeight));
  while (slot >= transfers_.size()) transfers_.emplace_back();
  Transfer& t = transfers_[slot];
  t.left = flow(slot).bytes;
  t.starts = loop().now() + latency;
  t.data = (std::uint64_t{flow(slot).generation} << 32) | slot;
  if (!crosses_dead_link(slot)) send(slot);
}

// SimGrid bounds a flow for ever by the links' bandwidths at its start, so reduced links are shown at their
// full bandwidth meanwhile.
void SimgridFlows::send(std::uint32_t slot) {
  Transfer& t = transfers_[slot];
  const auto& uses = flow(slot).uses;
  for (const auto& use : uses)
    if (capacity(use.link) < nominal_[use.link]) zone_->links[use.link]->set_bandwidth(nominal_[use.link]);
  zone_->uses = &uses;
  zone_->latency = std::max(0.0, t.starts - loop().now());
  t.comm = s4u::Comm::sendto_init(zone_->from, zone_->to);
  t.comm->set_data(&t.data);
  t.comm->set_payload_size(static_cast<std::uint64_t>(std::max(1.0, std::round(t.left))));  // in whole bytes
  t.comm->start();
  for (const auto& use : uses)
    if (capacity(use.link) < nominal_[use.link]) zone_->links[use.link]->set_bandwidth(capacity(use.link));
}

void SimgridFlows::completed(std::uint32_t slot, std::uint32_t generation) {
  if (!is_current(slot, generation) || !transfers_[slot].comm) return;
  listener_->keep(loop().now(), std::exchange(transfers_[slot].comm, nullptr));
  finish(slot);
}

double SimgridFlows::abandon(std::uint32_t slot) {
  Transfer& t = transfers_[slot];
  if (t.comm) {
    const s4u::CommPtr comm = std::exchange(t.comm, nullptr);
    t.left = std::max(0.0, comm->get_remaining());
    comm->cancel();
    listener_->keep(loop().now(), comm);
  }
  return t.left;
}

void SimgridFlows::capacity_changed(std::uint32_t link, double before) {
  const double now = capacity(link);
  nominal_[link] = std::max(nominal_[link], now);
  if (now > 0) zone_->links[link]->set_bandwidth(now);
  if (now > 0 && before > 0) return;
  for (std::uint32_t slot = 0; slot < transfers_.size(); ++slot) {
    if (!flow(slot).alive) continue;
    const auto& uses = flow(slot).uses;
    if (std::ranges::none_of(uses, [&](const LinkUse& use) { return use.link == link; })) continue;
    if (now == 0)
      abandon(slot);
    else if (!crosses_dead_link(slot))
      send(slot);
  }
}

}  // namespace waferwatt::engine
