// SPDX-License-Identifier: Apache-2.0
#pragma once
// A datacenter of a fleet: nodes, power and weather by the hour, what fails.
#include <optional>
#include <string>
#include <vector>

#include "waferwatt/power/climate.hpp"

namespace waferwatt::fleet {

/// A count that changes at a time; it holds until the next step.
template <class T>
struct TimedStep {
  Time time;
  T value;
};

struct FleetSite {
  std::string name;
  std::uint32_t n_nodes = 1, per_node = 8, nodes_per_leaf = 32;
  Power it_nameplate;               ///< of one accelerator, with its share of server and network
  double mean_load = 0.75;          ///< mean IT over nameplate power of a job that names none
  double idle_load = 0.25;          ///< the same of an accelerator without a job
  double nameplate_pue = 1.27;      ///< what has to be connected over the IT nameplate
  power::CoolingDesign cooling;
  power::HourlySurroundings around;
  power::HourIndex first_hour = 0;  ///< of the run
  std::optional<power::Hourly<Power>> limit;            ///< facility power, budget, curtailment or brown-out
  std::vector<TimedStep<double>> delivered, housed;     ///< accelerators there, and with a place; none: all from the start
  std::vector<TimedStep<Power>> energised;              ///< facility nameplate; none: all from the start
  double failures_per_accelerator_hour = 0;
  double hardware_share = 0.7;      ///< of the failures that take a node out of service
  Time repair = 24 * hour;
  double spread_penalty = 0;        ///< time added to a gang on more leaves than it needs

  std::int64_t n_accelerators() const { return static_cast<std::int64_t>(n_nodes) * per_node; }
};

}  // namespace waferwatt::fleet
