// SPDX-License-Identifier: Apache-2.0
#pragma once
// The groups of a parallel training step on a fabric, and how long their traffic takes when all of it is under
// way at once.
#include "waferwatt/network/evaluation.hpp"
#include "waferwatt/network/placement.hpp"

namespace waferwatt::network {

/// All groups of a kind, each in the order of its ranks; of pipeline_stages pairs of neighbouring stages.
/// \throws InputError when the degrees do not divide one another
std::vector<std::vector<Rank>> groups_of(const Degrees& degrees, GroupKind kind);

/// Groups of one kind that do the same at the same time.
struct GroupTraffic {
  std::string name;
  std::vector<std::vector<Rank>> groups;
  Collective collective = Collective::all_reduce;
  std::optional<Algorithm> algorithm;  ///< absent: as Evaluator chooses
  DataSize size;                       ///< as CollectiveSpec says
  double imbalance = 1;
  Time start;
  std::int64_t n_repetitions = 1;
  Time pause;  ///< between two repetitions
};

struct GroupTime {
  Time alone;     ///< one repetition when no other kind sends
  Time together;  ///< the mean one beside the others
  Time end;       ///< of the last one

  double slowdown() const { return alone > Time{} ? together / alone : 1; }
};

struct ConcurrentTimes {
  std::vector<GroupTime> groups;  ///< in the order of the traffic
  TrafficResult traffic;          ///< together; a job for each kind, or for each of its groups when there are few
};

/// What each kind's traffic takes alone and beside the others, by flows on the fabric. Up to `most_flows` groups
/// of a kind are flows of their own; more of them are one flow in lock step, which ends with the slowest.
/// \throws InputError as plan_of; InfeasibleError when a group is cut off
ConcurrentTimes concurrent_times(Evaluator& evaluator, const std::vector<GroupTraffic>& traffic,
                                 std::optional<FlowEngine> engine = {}, std::size_t most_flows = 32);

}  // namespace waferwatt::network
