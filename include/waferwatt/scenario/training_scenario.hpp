// SPDX-License-Identifier: Apache-2.0
#pragma once
// The scenario kind "training": a whole training run on a cluster under one parallel plan.
#include "waferwatt/catalog/catalog.hpp"
#include "waferwatt/scenario/result.hpp"
#include "waferwatt/training/failure.hpp"
#include "waferwatt/training/plan.hpp"
#include "waferwatt/training/search.hpp"

namespace waferwatt::scenario {

/// A value that knows where it was written, for rules that need more than its own record.
template <class T>
struct Located {
  T value{};
  io::Place place;
  std::string path;

  Diagnostic problem(std::string message) const { return io::diagnostic_at(place, path, std::move(message)); }
};

/// Degrees of parallelism and their placement as they are written.
struct ParallelDegrees {
  Located<std::int64_t> data{1, {}, {}}, tensor{1, {}, {}}, pipeline{1, {}, {}}, expert{1, {}, {}}, context{1, {}, {}};
  std::int64_t expert_tensor = 0;
  network::Placement placement;

  static const io::Record<ParallelDegrees>& record();
};

/// Placements that a search for plans looks at: the scenario's own, those with tensor inside of all others, every one.
enum class SearchedPlacements { given, tensor_inside, all };

/// Interruptions and what follows them.
struct FailureSettings {
  double relative_rate = 1;  ///< of interruptions over those of Llama 3's run
  Time detection = 5 * minute, restart = 10 * minute, repair = 24 * hour;
  std::int64_t n_spares = 16;

  static const io::Record<FailureSettings>& record();
};

struct CheckpointSettings {
  Bandwidth storage_bandwidth = 200 * giga * byte / second;
  bool asynchronous = true;
  std::optional<Time> interval;

  static const io::Record<CheckpointSettings>& record();
};

/// Shares of traffic beside computation; absent: the software's.
struct OverlapShares {
  std::optional<double> tensor, expert, context, data;

  static const io::Record<OverlapShares>& record();
};

/// Part of a run with another batch or sequence length.
struct TrainingPhase {
  Tokens tokens;
  std::optional<std::int64_t> global_batch, sequence_length, context;
  std::optional<training::Recompute> recompute;

  static const io::Record<TrainingPhase>& record();
};

/// Every replica by itself on the fabric's topology.
struct UnfoldedSettings {
  double oversubscription = 1;
  bool contention = true;
  std::vector<std::string> failed_links;

  static const io::Record<UnfoldedSettings>& record();
};

struct TrainingScenario {
  catalog::Reference<catalog::LanguageModel> model;
  catalog::Reference<catalog::Accelerator> accelerator;
  std::optional<catalog::Reference<catalog::System>> system;
  std::optional<catalog::Reference<catalog::Fabric>> fabric;
  Located<std::int64_t> n_accelerators;
  ParallelDegrees parallel;
  Located<std::int64_t> global_batch;
  std::int64_t micro_batch = 1, sequence_length = 0;
  training::Recompute recompute = training::Recompute::selective;
  std::int64_t zero_stage = 1;
  bool sequence_parallel = true, fused_attention = true;
  Located<std::int64_t> partition_group{0, {}, {}}, interleave{1, {}, {}};
  Located<training::GroupReduction> group_reduction{training::GroupReduction::iteration, {}, {}};
  training::Schedule schedule = training::Schedule::one_forward_one_backward;
  bool deduplicated_dispatch = false, offload_optimizer = false, offload_activations = false, offload_weights = false;
  std::optional<Bandwidth> host_bandwidth;
  bool overlapped_dispatch = false;
  double capacity_factor = 0;
  training::ContextExchange context_exchange = training::ContextExchange::ring;
  training::GraphCapture cuda_graphs = training::GraphCapture::none;
  OverlapShares overlap;
  std::vector<TrainingPhase> phases;
  std::optional<UnfoldedSettings> unfolded;
  std::int64_t n_prediction_layers = 0;
  double gradient_bytes = 4, optimizer_bytes = 12;
  Located<std::string> software{"megatron-core", {}, {}};
  Located<catalog::NumberFormat> format{catalog::NumberFormat::bf16, {}, {}};
  std::optional<Tokens> tokens;
  catalog::Reference<catalog::Grid> grid;
  double pue = 1.15;
  std::optional<Date> start;
  std::optional<MoneyRate> accelerator_hour_price;
  std::optional<FailureSettings> failures;
  std::optional<CheckpointSettings> checkpoints;
  double straggler_spread = 0;
  std::optional<Located<Power>> power_cap;
  SearchedPlacements searched_placements = SearchedPlacements::given;

  /// The plan of the models; rules are checked in check().
  training::Plan plan(const catalog::Accelerator&, const catalog::Catalog&) const;
  /// The same with what a phase changes.
  training::Plan plan(const TrainingPhase&, const catalog::Accelerator&, const catalog::Catalog&) const;

  static const io::Record<TrainingScenario>& record();
};

/// Unknown ids, and plans that break a rule with the nearest legal values.
void check(const TrainingScenario&, const catalog::Catalog&, Diagnostics&);

/// Searches the plans of the scenario's model, batch and cluster.
/// \pre check found nothing
Result plan_search(const TrainingScenario&, const catalog::Catalog&, training::Objective, unsigned n_jobs);

/// \pre check found nothing
Result run(const TrainingScenario&, const catalog::Catalog&, const RunContext&);

}  // namespace waferwatt::scenario

namespace waferwatt::io {
template <>
struct EnumTexts<scenario::SearchedPlacements> {
  static constexpr std::array values{std::pair{scenario::SearchedPlacements::given, "given"},
                                     std::pair{scenario::SearchedPlacements::tensor_inside, "tensor_inside"},
                                     std::pair{scenario::SearchedPlacements::all, "all"}};
};
template <class T>
struct LimitType<scenario::Located<T>> : LimitType<T> {};
template <class T>
struct Codec<scenario::Located<T>> {
  static void read(const Value& value, const std::string& path, ReadContext& context, scenario::Located<T>& out,
                   const Limits<LimitOf<T>>& limits) {
    out.place = value.place();
    out.path = path;
    Codec<T>::read(value, path, context, out.value, limits);
  }
  static Value write(const scenario::Located<T>& located) { return Codec<T>::write(located.value); }
  static TypeDescription describe() { return Codec<T>::describe(); }
};
}  // namespace waferwatt::io
