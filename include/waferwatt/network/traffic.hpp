// SPDX-License-Identifier: Apache-2.0
#pragma once
// Collectives of several groups at once on one fabric, with links that degrade, fail and come back.
#include <optional>
#include <string>

#include "waferwatt/network/collective.hpp"

namespace waferwatt::network {

/// From `at` on a link has this fraction of its capacity; at 0 it has failed.
struct LinkChange {
  Time at;
  LinkIndex link;
  double factor;
};

/// A collective, perhaps over and over.
struct Job {
  std::string name;
  CollectiveSpec spec;
  Time start;
  std::int64_t n_repetitions = 1;
  Time pause;   ///< between the end of one and the start of the next
  Time launch;  ///< before the first phase of each
  /// What the links carry over what the algorithm sends: above 1 where protocol and kernels keep the links
  /// from their bandwidth, below 1 where they do better than the fabric's figure.
  double bytes_factor = 1;
  /// Other groups that do the same at the same time in lock step: one flow for all of them.
  std::vector<std::vector<Rank>> beside = {};
};

/// Who shares the links. Both give the same times (tests/unit/network, tests/unit/engine).
enum class FlowEngine {
  simgrid,  ///< SimGrid's solver, in a child process: a transfer is one Comm over a virtual route
  fluid     ///< engine::FluidFlows, here
};

/// The engine that a traffic is given, and why.
struct EngineChoice {
  FlowEngine engine = FlowEngine::simgrid;
  std::string reason;
};

/// What jobs send, planned for every set of failed links that will occur, and folded: links that are used
/// by the same transfers in the same proportions bind together, so the tightest of them stands for all.
/// Folding changes no time. Links that change stand alone.
///
/// A transfer counts as one flow where it is on its narrowest links: there it shares evenly with others,
/// however many messages it is made of.
class Traffic {
 public:
  /// Leaves the topology's failed links as it found them; changes at or before time zero are the state in
  /// which the jobs start.
  /// \throws InputError, as plan_of, with the job's name before the message
  Traffic(Topology& topology, std::vector<Job> jobs, std::vector<LinkChange> changes = {},
          Time failover = 1 * second);

  /// Bytes a second of the folded links at time zero: what a FlowNetwork is made of.
  const std::vector<double>& capacities() const { return capacities_; }
  std::size_t n_unfolded_links() const { return n_unfolded_; }
  std::size_t n_transfers() const { return transfers_.size(); }
  /// SimGrid wherever transfers can meet on a link, except that our own solver takes what SimGrid is slow at
  /// or cannot: more than about a thousand flows at once, more than a few hundred links in one, shares
  /// without a common measure. Where no two transfers can meet there is nothing to share, and our solver's
  /// arithmetic does without a process.
  EngineChoice choice() const;
  /// Why SimGrid's flows cannot carry it: shares that are not whole, thousands of links in a transfer; else empty.
  std::string unfit_for_simgrid() const;
  bool fits_simgrid() const { return unfit_for_simgrid().empty(); }

  const std::vector<Job>& jobs() const { return jobs_; }

 private:
  friend class TrafficRun;
  struct FoldedTransfer {
    std::vector<engine::LinkUse> uses, original;
    double bytes, latency_s;
    std::uint32_t state, job, phase;
  };
  struct FoldedPlan {
    std::vector<std::vector<std::uint32_t>> phases;  // indices of transfers
    std::string impossible;                          // why there is no plan
  };
  struct Step {  // a change of one folded link, or of one that nobody uses
    double at_s;
    std::uint32_t folded;
    double capacity;
    std::uint32_t state;  // the set of failed links after it
  };

  void plan_states(Topology& topology, std::vector<LinkChange>& changes);
  std::uint32_t plan_state(Topology& topology);
  void fold(const Topology& topology, const std::vector<LinkChange>& changes);
  std::size_t most_flows() const;
  std::vector<std::vector<Transfer>> phases_of(const Topology& topology, const Job& job) const;
  bool may_meet(std::uint32_t a, std::uint32_t b) const;

  std::vector<Job> jobs_;
  Time failover_;
  std::vector<FoldedTransfer> transfers_;
  std::vector<std::vector<FoldedPlan>> plans_;  // by state, then job
  std::vector<std::vector<LinkIndex>> states_;  // failed links of each state
  std::vector<std::uint32_t> state_after_;      // of each change
  std::vector<double> capacities_;
  std::vector<Step> steps_;
  std::uint32_t first_state_ = 0;
  std::size_t n_unfolded_ = 0, n_links_ = 0;
  bool meet_ = false;  // somewhere two transfers share a link
};

struct Repetition {
  Time start, end;
  Time duration() const { return end - start; }
};

struct JobResult {
  std::vector<Repetition> repetitions;  ///< those that ended
  std::int64_t n_restarts = 0;          ///< after a link on the way failed for longer than the failover time
  std::string stalled;                  ///< why the rest never ended; empty when all did
};

struct TrafficResult {
  std::vector<JobResult> jobs;        ///< in the order of the traffic's jobs
  std::vector<DataSize> link_bytes;   ///< by link of the topology, of all ended repetitions
  Time end;
  EngineChoice choice;
};

/// Runs the traffic on a loop and a network made of traffic.capacities().
TrafficResult simulate(const Traffic& traffic, engine::EventLoop& loop, engine::FlowNetwork& flows);

/// Runs it by its choice of engine, or by the one named. SimGrid's takes a child process: not to be called
/// while other threads run.
/// \param resolve_interval of FluidFlows; above zero it also decides for that engine
/// \throws InputError when SimGrid is asked for and cannot carry the traffic
TrafficResult simulate(const Traffic& traffic, std::optional<FlowEngine> engine = {}, Time resolve_interval = {});

}  // namespace waferwatt::network

namespace waferwatt::io {
template <>
struct EnumTexts<network::FlowEngine> {
  static constexpr std::array values{std::pair{network::FlowEngine::simgrid, "simgrid"},
                                     std::pair{network::FlowEngine::fluid, "fluid"}};
};
}  // namespace waferwatt::io
