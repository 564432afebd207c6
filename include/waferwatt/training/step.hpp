// SPDX-License-Identifier: Apache-2.0
#pragma once
// Time and energy of one training iteration.
//
// The passes of one micro-batch through each chunk of layers are sums of operators (cost) and of the
// communication that is not hidden; timeline.hpp puts them in the schedule's order. Then come the part of the
// data-parallel traffic that is not hidden, the optimizer, and the host's work between iterations. A GEMM's
// backward pass is two GEMMs of its size, one for the gradient of inputs and one for that of weights.
//
// What is exposed: of tensor-parallel traffic and all-to-alls the shares that the software does not overlap;
// of DualPipe's all-to-alls what exceeds the other direction's computation; of ring attention's exchange what
// exceeds the attention; of ZeRO-3's gathers what exceeds a share of the computation they run beside.
//
// Left out: imbalance of experts beyond the software's factor, input pipeline, memory allocation stalls.
#include <memory>

#include "waferwatt/cost/operator_model.hpp"
#include "waferwatt/network/collectives.hpp"
#include "waferwatt/training/software.hpp"
#include "waferwatt/training/timeline.hpp"

namespace waferwatt::training {

/// Where the time of an iteration goes, on the stage that paces it. The parts add up.
struct Breakdown {
  Time compute;    ///< operators bound by arithmetic
  Time memory;     ///< operators bound by memory bandwidth
  Time launch;     ///< waiting for the host, and the fixed cost of kernels
  Time recompute;  ///< forward work done again
  Time tensor;     ///< collectives of tensor parallelism
  Time context;    ///< exchange of keys and values
  Time expert;     ///< all-to-all of expert parallelism
  Time pipeline;   ///< sends between stages
  Time bubble;     ///< waiting for other stages to fill and drain
  Time data;       ///< gradient reduction and gathering of weights that are not hidden
  Time host;       ///< weights and gradients on their way from and to the host's memory
  Time optimizer;

  Time total() const {
    return compute + memory + launch + recompute + tensor + context + expert + pipeline + bubble + data + host + optimizer;
  }
  Time computing() const { return compute + memory + launch + recompute; }
  void scale(double factor);
  Breakdown& operator+=(const Breakdown&);
  /// The parts with their names, in this order.
  std::vector<std::pair<std::string, Time>> parts() const;
};

struct Step {
  Breakdown breakdown;
  FlopCount model_work;  ///< of the whole iteration, without recomputation
  double mfu = 0;        ///< model work over the peak of all accelerators in the plan's format
  double hfu = 0;        ///< the same with what is computed again
  double error = 0;  ///< expected relative error of the computing time, from the operators' fits
  Energy energy;     ///< of all accelerators, without the rest of the servers

  Time iteration_time() const { return breakdown.total(); }
};

/// Work of training on one token: 6 FLOP per parameter it uses (the input embedding is a lookup), and
/// 6 s n_heads (d_qk + d_v) / 2 per layer for causal attention over s tokens.
FlopCount training_work_per_token(const catalog::LanguageModel&, std::int64_t sequence_length);

/// Time of each kind of traffic when all groups of its kind send at once, over that of one group alone.
struct Contention {
  double tensor = 1, context = 1, expert = 1, data = 1, pipeline = 1;
};

/// What surrounds the plan.
struct Machine {
  const cost::OperatorModel& operators;
  const network::TwoLevelNetwork& network;
  Software software = {};
  Contention contention = {};
};

/// Times of all chunks' passes, for timelines and traces.
struct Passes {
  std::vector<ChunkTimes> chunks;
  Time send;
};
Passes passes(const catalog::LanguageModel&, const Plan&, const Machine&);

/// \param slowdown of each stage's computation (stragglers); empty: none
/// \pre problems(plan, model, ...) is empty
/// \throws InputError when the accelerator does not compute in the plan's format
Step step(const catalog::LanguageModel&, const Plan&, const Machine&, const std::vector<double>& slowdown = {});

struct Chunk;
struct Pace;

/// A step with the schedule's formula in place of its timeline, and what a timeline takes at least.
struct ClosedForm {
  Step step;
  Time least;
};

/// Many plans of one model on one machine: costs of layers are kept between plans.
class StepModel {
 public:
  StepModel(const catalog::LanguageModel&, const Machine&);
  ~StepModel();
  StepModel(StepModel&&) noexcept;

  /// As step().
  Step step(const Plan&, const std::vector<double>& slowdown = {});
  /// Without a timeline: cheap.
  ClosedForm closed_form(const Plan&);
  Passes passes(const Plan&);
  /// Time of the mean stage's micro-batches alone: no plan takes less. Cheap.
  Time lower_bound(const Plan&);

 private:
  struct Cache;
  Step step(const Plan&, const std::vector<Chunk>&, const Pace&, const std::vector<double>& slowdown);

  std::unique_ptr<Cache> cache_;
};

}  // namespace waferwatt::training
