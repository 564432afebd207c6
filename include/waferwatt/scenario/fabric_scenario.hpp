// SPDX-License-Identifier: Apache-2.0
#pragma once
// kind "fabric": collectives on a fabric alone, against size and group, with neighbours and broken links.
#include "waferwatt/network/evaluation.hpp"
#include "waferwatt/network/traffic.hpp"
#include "waferwatt/scenario/result.hpp"
#include "waferwatt/scenario/training_scenario.hpp"

namespace waferwatt::scenario {

/// A group's collective, alone or beside those of other groups.
struct FabricJob {
  std::string name;
  network::Collective collective = network::Collective::all_reduce;
  std::optional<network::Algorithm> algorithm;
  std::int64_t n_ranks = 2, stride = 1, first = 0;
  std::vector<std::int64_t> ranks;  ///< instead of n_ranks, stride, first
  DataSize size;
  double imbalance = 1;
  std::vector<double> popularity;                ///< all-to-all: what each rank receives, relative to one another
  std::vector<std::vector<DataSize>> messages;   ///< all-to-all(v): what each rank sends to each, instead of size
  bool every_message = false;                    ///< each a flow of its own
  Time start;
  std::int64_t n_repetitions = 1;
  Time pause;

  static const io::Record<FabricJob>& record();
};

/// A link, or all links of a switch, with another capacity for a while, once or again and again.
struct FabricFault {
  std::string where;          ///< "leaf 3", "gpu 17 -> leaf 3"
  double capacity_factor = 0;
  Time start;
  std::optional<Time> duration;     ///< absent: to the end
  std::optional<Time> period;       ///< with a duration: flaps
  std::int64_t n_times = 1;

  static const io::Record<FabricFault>& record();
};

/// The study again with another oversubscription, or with links degraded or dead.
struct FabricAlternative {
  std::string name;
  std::optional<double> oversubscription;
  std::optional<std::string> where;
  double capacity_factor = 0;

  static const io::Record<FabricAlternative>& record();
};

struct FabricScenario {
  Located<network::FabricDesign> fabric;
  std::vector<network::Collective> collectives{network::Collective::all_reduce};  ///< of the study
  std::vector<DataSize> sizes;
  std::vector<Located<std::int64_t>> groups;  ///< numbers of ranks
  std::int64_t stride = 1;
  std::optional<network::Algorithm> algorithm;
  std::vector<Located<FabricAlternative>> alternatives;
  std::vector<Located<FabricJob>> jobs;
  std::vector<Located<FabricFault>> faults;
  Time failover_time = 1 * second;
  Time launch_time = 8 * micro * second;
  bool in_network_reduction = false;
  std::optional<network::FlowEngine> engine;  ///< absent: by network::Traffic::choice
  Located<std::map<std::string, Money>> part_prices;  ///< of one switch or cable, by part; unnamed ones cost nothing
  Time resolve_interval;                      ///< of jobs with a flow for every message; 0: exact

  static const io::Record<FabricScenario>& record();
};

void check(const FabricScenario& scenario, const catalog::Catalog& catalog, Diagnostics& diagnostics);

/// Tables: collectives (measured, closed form and both flow engines side by side), alternatives, jobs, links,
/// link_use (for a heat map: kinds of links by switch), parts. Ledger: what the jobs' time went to: idle
/// network, contention and faults.
Result run(const FabricScenario& scenario, const catalog::Catalog& catalog, const RunContext& context);

}  // namespace waferwatt::scenario
