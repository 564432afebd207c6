// SPDX-License-Identifier: Apache-2.0
#pragma once
// Time and energy of one engine iteration of one replica.
//
// An iteration runs every layer once over the tokens in it: one token of each decoding sequence and the chunks of
// those in prefill. Its time is that of the busiest accelerator: the sum of its operators' times and of the exchanges
// between accelerators, and the host's overheads. What depends on the number of tokens of a data-parallel group
// (projections, dense layers, norms, all-reduces), on the tokens of all groups (experts), on the sequences that yield
// a token (the language-model head) and on contexts (attention) is kept in tables.
//
// Pipeline stages: a batch is cut into m micro-batches, as many as there are stages p (or one), which follow each other
// through the stages. A pass of one through all of them takes T on the accelerators and h before it on the host, which
// schedules it, prepares its inputs and samples its tokens before. Hosts work while stages compute other micro-batches,
// so a stage takes max(T / p, h) from one micro-batch to the next, and a micro-batch begins its next pass when its
// tokens are there, after T + h. A round of all of them, the iteration of the batch, takes the longer of both:
//   (1)  t = max(T + h, m h)          as m <= p, the stages' m T / p is never longer than T
//
// Two batches beside each other: while tokens of one half of the batch fly to their experts (D) and back (C), the other half
// computes what the engine's order puts there (SGLang's operations_strategy.py, after DeepSeek's figures). Of one half, in the
// layers with experts: projections before attention B, attention and what follows A, shared experts S, routed experts E.
// Without prompts D lies beside a batch's own S and the other's B, C beside the other's A, and nothing flies beside E.
// With prompts the batches follow each other in two steps, up to dispatch and up to combine. What flies beside kernels is hidden:
//   (2)  h = 2 (min(D, B + S) + min(C, A))
//        h = min(D, B + A + S) + min(D, E) + min(C, E + S) + min(C, B + A)      with prompts
// Kernels that exchange keep multiprocessors to themselves: those of low latency all of them while they send and receive and
// none in between, others a few all the time. That part of an exchange does not fly and is not hidden.
//
// Engines that overlap prepare the next iteration while accelerators compute this one (T): of the host's time, a fixed part
// f and b for each of n sequences, only f shows until the host is slower than the accelerators. In their pipelines every
// stage has a host that prepares a micro-batch, lets it run, and takes its tokens in before it prepares the next, so that
//   (3)  t = max(T, n b) + f          in a pipeline  t = T + p (f + n b)
#include <map>
#include <memory>

#include "waferwatt/cost/operator_model.hpp"
#include "waferwatt/network/collectives.hpp"
#include "waferwatt/serving/deployment.hpp"

namespace waferwatt::serving {

/// Time of an operation by what it waits for, and its energy on one accelerator.
struct IterationCost {
  double time_s = 0, memory_s = 0, compute_s = 0, launch_s = 0, network_s = 0, host_s = 0;
  double exchanging_s = 0;  ///< of network_s: what exchanges of tokens keep from other kernels, in times of all multiprocessors
  double scheduling_s = 0;  ///< of host_s: what stages of a pipeline spend on other micro-batches, h above
  double energy_j = 0;
  double error_s = 0;  ///< expected error, as if all operators erred together

  IterationCost& operator+=(const IterationCost& other);
  IterationCost operator*(double factor) const;
};

/// What one iteration works on.
struct IterationLoad {
  std::int64_t n_decode = 0;
  std::int64_t decode_context = 0;  ///< tokens in the decoding sequences' caches, summed, new ones included
  std::int64_t tokens_each = 1;     ///< of a decoding sequence: one, or also its drafts, which read its cache together
  std::int64_t n_chunks = 0;        ///< sequences in prefill
  std::int64_t prefill_tokens = 0;
  double prefill_work = 0;          ///< sum over chunks of new * (context + new / 2), in token pairs
  std::int64_t n_first_tokens = 0;  ///< chunks that end their prompt and yield a token
};

class LayerOperators;

class IterationModel {
 public:
  /// `model` and `operators` are kept by reference.
  IterationModel(const catalog::LanguageModel& model, const cost::OperatorModel& operators, const ReplicaPlan& plan,
                 const network::TwoLevelNetwork& network, const EngineSettings& engine);
  ~IterationModel();
  IterationModel(const IterationModel&) = delete;
  IterationModel& operator=(const IterationModel&) = delete;

  /// Takes another profile of engine, with the same library of all-reduces; what it does not change is not computed anew.
  void change(const BackendProfile& backend, Time host_overhead);

  /// Of the decoding sequences alone; nothing without any.
  IterationCost decode_cost(std::int64_t n_decode, std::int64_t decode_context);
  /// Of the whole iteration: of pipelines a round, (1).
  IterationCost cost(const IterationLoad& load);
  /// Of one pass through all stages, T + h, of the micro-batch that is its share of the load; energy and parts likewise.
  IterationCost pass(const IterationLoad& load);

  /// Of reading so much more from each accelerator's memory.
  IterationCost reading(DataSize size) const;

  /// Time of one all-reduce between the accelerators that attention is split over: the engine's measured one,
  /// else the network's, or that of a one-shot exchange, in which everyone sends all of it to everyone and adds
  /// up for itself, where that is faster (small messages).
  Time all_reduce_time(DataSize size) const;

  double idle_power_w() const;
  cost::Provenance provenance() const { return provenance_; }
  const ReplicaPlan& plan() const { return plan_; }

 private:
  using Table = std::vector<IterationCost>;  // by number; time < 0: not computed yet

  template <class Cost>
  IterationCost tabulated(Table& table, std::int64_t n, Cost cost);
  IterationCost decode_attention(std::int64_t n_sequences, std::int64_t total_context, std::int64_t tokens_each);
  /// What the busiest data-parallel group has of a micro-batch; tokens of both kinds, and those that the head turns into answers.
  struct GroupLoad {
    std::int64_t n_decode = 0, prefill_tokens = 0, n_tokens = 0, n_out = 0;
    double n_chunks = 0;
  };
  GroupLoad of_busiest_group(const IterationLoad& load) const;
  IterationCost attention(const IterationLoad& load, const GroupLoad& group);
  IterationCost experts(const IterationLoad& load, const GroupLoad& group);
  IterationCost in_engine(const IterationCost& kernels, bool has_prompts) const;
  IterationCost kernels(const IterationLoad& load);
  double hidden_flight_s(const IterationLoad& load);
  IterationCost host(const IterationLoad& load, double kernels_s) const;

  std::unique_ptr<LayerOperators> operators_;
  ReplicaPlan plan_;
  BackendProfile backend_;
  double n_layers_ = 0, launches_ = 1, host_overhead_s_ = 0;
  cost::Provenance provenance_;
  Table token_costs_, expert_costs_, decode_expert_costs_, head_costs_;
  std::map<std::int64_t, std::vector<Table>> attention_tables_;  // by tokens of each sequence, their number, node of mean context
};

}  // namespace waferwatt::serving
