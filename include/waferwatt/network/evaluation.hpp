// SPDX-License-Identifier: Apache-2.0
#pragma once
// The time of a collective alone on a fabric: measured where it was, in closed form where that is exact, else
// by flows.
#include <map>
#include <tuple>

#include "waferwatt/network/closed_form.hpp"
#include "waferwatt/network/fabric_design.hpp"
#include "waferwatt/network/traffic.hpp"

namespace waferwatt::network {

/// A collective of ranks first, first + stride, ...
struct Question {
  Collective collective = Collective::all_reduce;
  std::optional<Algorithm> algorithm;  ///< absent: the fastest by closed form; in a torus rings in all dimensions
  std::int64_t n_ranks = 2, stride = 1, first = 0;
  DataSize size;
  double imbalance = 1;
};

enum class Evaluation { measured, closed_form, flows };

struct Answer {
  Time time;
  Algorithm algorithm = Algorithm::ring;
  Evaluation evaluation = Evaluation::flows;

  /// NCCL's "bus bandwidth": what a link carries, comparable between group sizes.
  Bandwidth bus_bandwidth(const Question& question) const;
};

/// A fabric that answers, and remembers what it has answered. Inside a switched domain whose collectives were
/// measured the curves answer, unless an algorithm is asked for. The closed form is taken where it is within
/// 1 % of the flows: inside a switched domain, and across domains of a fat tree without oversubscription,
/// failures or other sites, once the latency of the switches beyond the first makes less than 1 %.
class Evaluator {
 public:
  /// \throws InputError as make_topology
  Evaluator(const FabricDesign& design, const FabricParts& parts, Time launch = {}, bool in_network = false);

  /// \throws InputError when the group is larger than the fabric, or as plan_of
  Answer answer(const Question& question);
  /// By one way only; nothing when there is no measurement or closed form.
  std::optional<Answer> answer_by(Evaluation evaluation, const Question& question) const;
  /// By flows in one engine; nothing when SimGrid's cannot carry them.
  std::optional<Answer> answer_by(FlowEngine engine, const Question& question) const;
  /// A group's collective beside others. Where it was measured alone, `launch` and `bytes_factor` are such that
  /// alone it takes its measured time, the smallest size's of it before anything moves.
  Job job(std::string name, CollectiveSpec spec, bool algorithm_was_asked) const;
  /// Whether the closed form is exact to 1 %.
  bool closed_form_holds(const Question& question) const;

  Topology& topology() { return *topology_; }
  const Topology& topology() const { return *topology_; }
  std::vector<Rank> ranks_of(const Question& question) const;
  Algorithm algorithm_of(const Question& question) const;
  /// The same for any ranks; the spec's own algorithm is not looked at.
  Algorithm algorithm_of(const CollectiveSpec& spec) const;
  std::size_t n_remembered() const { return answers_.size(); }

 private:
  Group group_of(std::span<const Rank> ranks) const;
  std::optional<Time> measured_time(Collective collective, std::span<const Rank> ranks, DataSize size) const;
  Job job_of(const Question& question) const;

  std::unique_ptr<Topology> topology_;
  TwoLevelNetwork near_, far_;  // the same links with the least and the largest latency across domains
  TwoLevelNetwork measured_;    // near_ with the curves and the launch
  bool switched_, non_blocking_, in_network_;
  Time launch_;
  using Key = std::tuple<Collective, std::optional<Algorithm>, std::int64_t, std::int64_t, std::int64_t, double, double>;
  std::map<Key, Answer> answers_;
};

/// The fabric of a cluster that says no more than its accelerators, as network_of knows it: domains of the system's
/// scale-up fabric on a rail-optimised fat tree without oversubscription, with measured collectives.
/// \returns nothing for tori, whose shape must be given, and where nothing is known beyond a domain
std::unique_ptr<Evaluator> evaluator_of(const catalog::Accelerator&, const catalog::System*, const catalog::Fabric* scale_out,
                                        std::int64_t n_accelerators, const catalog::Catalog&);

}  // namespace waferwatt::network

namespace waferwatt::io {
template <>
struct EnumTexts<network::Evaluation> {
  static constexpr std::array values{std::pair{network::Evaluation::measured, "measured"},
                                     std::pair{network::Evaluation::closed_form, "closed-form"},
                                     std::pair{network::Evaluation::flows, "flows"}};
};
}  // namespace waferwatt::io
