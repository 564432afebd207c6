// SPDX-License-Identifier: Apache-2.0
#pragma once
// The best parallel plan of a model on a cluster: every legal plan, those that cannot win left out early.
#include <atomic>
#include <functional>

#include "waferwatt/training/run.hpp"

namespace waferwatt::training {

enum class Objective { time, cost, energy, memory };

struct SearchSpace {
  std::int64_t n_accelerators = 1;
  Plan base;  ///< batch, sequence, format, attention; degrees and what follows are searched
  DataSize memory_capacity;
  Surroundings surroundings;  ///< prices: what an iteration costs
  std::int64_t max_tensor = 64, max_micro_batch = 16;
  bool allow_zero_3 = true, allow_context = true;
  std::vector<Schedule> schedules = {Schedule::one_forward_one_backward, Schedule::interleaved,
                                     Schedule::zero_bubble_h1, Schedule::zero_bubble_v, Schedule::dual_pipe};
  /// Of those that make groups of the same shapes on this network the first is looked at; none: the base's alone.
  std::vector<network::Placement> placements = {};
};

struct Candidate {
  Plan plan;
  Time time;
  Energy energy;  ///< of the accelerators
  DataSize memory;
  Money cost;  ///< of an iteration: accelerators, and the facility's energy
  Breakdown breakdown;
};

struct SearchResult {
  std::size_t n_plans = 0;     ///< legal plans looked at
  std::size_t n_too_large = 0; ///< left out: more memory than there is
  DataSize least_too_large;    ///< what the smallest of those needs on a stage, nothing if there are none
  std::size_t n_bounded = 0;   ///< left out: even without bubble and traffic slower than the best
  std::vector<Candidate> best;    ///< by the objective, the best first, checked with timelines
  /// No other is better in time, energy and memory at once; of plans slower than the best ones, none in time and memory.
  std::vector<Candidate> pareto;
};

/// All legal plans of the space on `n_jobs` threads; the result does not depend on their number.
/// \param keep how many of the best are returned
SearchResult best_plans(const catalog::LanguageModel&, const Machine&, const SearchSpace&, Objective, unsigned n_jobs,
                        std::size_t keep = 10);

/// Why `loser` takes longer than `winner`: the parts that grew most.
std::string why_slower(const Candidate& loser, const Candidate& winner);

/// "data 64, tensor 8, pipeline 4, ..." with what differs from the defaults.
std::string plan_text(const Plan&);

}  // namespace waferwatt::training

namespace waferwatt::io {
template <>
struct EnumTexts<training::Objective> {
  static constexpr std::array values{
      std::pair{training::Objective::time, "time"}, std::pair{training::Objective::cost, "cost"},
      std::pair{training::Objective::energy, "energy"}, std::pair{training::Objective::memory, "memory"}};
};
}  // namespace waferwatt::io
