// SPDX-License-Identifier: Apache-2.0
// What a training scenario is written as.
#include "waferwatt/scenario/training_scenario.hpp"

namespace waferwatt::scenario {
namespace {

constexpr std::int64_t kManyRanks = 1'000'000;

}  // namespace

training::Plan TrainingScenario::plan(const catalog::Accelerator& accelerator, const catalog::Catalog& catalog) const {
  return {.parallel = {parallel.data.value, parallel.tensor.value, parallel.pipeline.value, parallel.expert.value,
                       parallel.context.value, parallel.expert_tensor, parallel.placement},
          .global_batch = global_batch.value,
          .micro_batch = micro_batch,
          .sequence_length = sequence_length,
          .recompute = recompute,
          .zero_stage = zero_stage,
          .sequence_parallel = sequence_parallel,
          .fused_attention = fused_attention,
          .format = format.value,
          .schedule = schedule,
          .interleave = interleave.value,
          .partition_group = partition_group.value,
          .group_reduction = group_reduction.value,
          .deduplicated_dispatch = deduplicated_dispatch,
          .overlapped_dispatch = overlapped_dispatch,
          .capacity_factor = capacity_factor,
          .context_exchange = context_exchange,
          .capture = cuda_graphs,
          .overlap = {overlap.tensor, overlap.expert, overlap.context, overlap.data},
          .gradient_bytes = gradient_bytes,
          .optimizer_bytes = optimizer_bytes,
          .offload_optimizer = offload_optimizer,
          .offload_activations = offload_activations,
          .offload_weights = offload_weights,
          .host_bandwidth = host_bandwidth.value_or(training::host_bandwidth(accelerator, catalog)),
          .n_prediction_layers = n_prediction_layers};
}

training::Plan TrainingScenario::plan(const TrainingPhase& phase, const catalog::Accelerator& accelerator, const catalog::Catalog& catalog) const {
  training::Plan changed = plan(accelerator, catalog);
  changed.global_batch = phase.global_batch.value_or(changed.global_batch);
  changed.sequence_length = phase.sequence_length.value_or(changed.sequence_length);
  changed.recompute = phase.recompute.value_or(changed.recompute);
  if (phase.context && n_accelerators.value % (*phase.context * changed.parallel.tensor * changed.parallel.pipeline) == 0) {
    changed.parallel.context = *phase.context;
    changed.parallel.data = n_accelerators.value / (*phase.context * changed.parallel.tensor * changed.parallel.pipeline);
  }
  return changed;
}

const io::Record<ParallelDegrees>& ParallelDegrees::record() {
  using P = ParallelDegrees;
  static const auto record =
      io::Record<P>("parallel_degrees",
                    "Degrees of parallelism, whose product is the number of accelerators (experts need none of their own), and their placement.")
          .required(
              "data", &P::data,
              {.doc = "Copies of the model, each with its share of the batch.", .at_least = 1, .at_most = kManyRanks})
          .required(
              "tensor", &P::tensor,
              {.doc = "Accelerators that share each matrix; divides the heads.", .at_least = 1, .at_most = kManyRanks})
          .required("pipeline", &P::pipeline,
                    {.doc = "Stages of consecutive layers.", .at_least = 1, .at_most = kManyRanks})
          .optional(
              "expert", &P::expert,
              {.doc = "Data-parallel ranks that the experts of a layer are spread over; divides data and the experts.",
               .at_least = 1,
               .at_most = kManyRanks})
          .optional("context", &P::context,
                    {.doc = "Accelerators that share each sequence; divides its length.",
                     .at_least = 1,
                     .at_most = kManyRanks})
          .optional("expert_tensor", &P::expert_tensor,
                    {.doc = "Accelerators that share each expert's matrices; 0: as many as \"tensor\".",
                     .at_least = 0,
                     .at_most = kManyRanks})
          .optional("placement", &P::placement,
                    {.doc = "Order in which the axes fill the accelerators, the innermost first: neighbours on the first are neighbours on "
                            "the fabric."});
  return record;
}

const io::Record<FailureSettings>& FailureSettings::record() {
  using F = FailureSettings;
  static const auto record =
      io::Record<F>("failure_settings", "Interruptions of the run and what follows them.")
          .optional("relative_rate", &F::relative_rate,
                    {.doc = "Interruptions over those of Llama 3's run (one in 50,700 accelerator-hours).",
                     .at_least = 0.0,
                     .at_most = 1000.0})
          .optional("detection", &F::detection,
                    {.doc = "Until the job is known to be dead.", .at_least = 0 * second, .at_most = 24 * hour})
          .optional("restart", &F::restart,
                    {.doc = "Starting again, reading the checkpoint included.",
                     .at_least = 0 * second,
                     .at_most = 24 * hour})
          .optional("repair", &F::repair,
                    {.doc = "Until a failed accelerator is back.", .at_least = 0 * second, .at_most = year})
          .optional("n_spares", &F::n_spares,
                    {.doc = "Accelerators that wait to replace failed ones.", .at_least = 0, .at_most = kManyRanks});
  return record;
}

const io::Record<CheckpointSettings>& CheckpointSettings::record() {
  using C = CheckpointSettings;
  static const auto record =
      io::Record<C>("checkpoint_settings", "How the run's state is saved.")
          .optional("storage_bandwidth", &C::storage_bandwidth,
                    {.doc = "Of the whole job into storage.", .above = 0 * byte / second, .at_most = 1e18 * byte / second})
          .optional("asynchronous", &C::asynchronous,
                    {.doc = "The job stops only to copy its state to the hosts."})
          .optional("interval", &C::interval,
                    {.doc = "Between checkpoints; absent: the best (Young, Daly).",
                     .above = 0 * second,
                     .at_most = year});
  return record;
}

const io::Record<OverlapShares>& OverlapShares::record() {
  using O = OverlapShares;
  static const auto share = [](const char* doc) { return io::Rules<std::optional<double>>{.doc = doc, .at_least = 0.0, .at_most = 1.0}; };
  static const auto record = io::Record<O>("overlap_shares", "Shares of each traffic that run beside computation.")
                                 .optional("tensor", &O::tensor, share("Of tensor-parallel collectives."))
                                 .optional("expert", &O::expert, share("Of all-to-alls."))
                                 .optional("context", &O::context, share("Of the exchange of keys and values."))
                                 .optional("data", &O::data, share("Of gradients and gathered weights."));
  return record;
}

const io::Record<TrainingPhase>& TrainingPhase::record() {
  using P = TrainingPhase;
  static const auto record =
      io::Record<P>("training_phase", "Part of a run: a batch ramp, a growing sequence length.")
          .required("tokens", &P::tokens, {.doc = "Tokens of this part.", .above = 0 * token, .at_most = 1e18 * token})
          .optional("global_batch", &P::global_batch,
                    {.doc = "Sequences in an iteration; absent: the run's.", .at_least = 1, .at_most = 100'000'000})
          .optional("sequence_length", &P::sequence_length,
                    {.doc = "Tokens in a sequence; absent: the run's.", .at_least = 1, .at_most = 100'000'000})
          .optional("context", &P::context,
                    {.doc = "Accelerators that share each sequence, taken from data; absent: the run's.",
                     .at_least = 1,
                     .at_most = kManyRanks})
          .optional("recompute", &P::recompute, {.doc = "Absent: the run's."});
  return record;
}

const io::Record<UnfoldedSettings>& UnfoldedSettings::record() {
  using U = UnfoldedSettings;
  static const auto record =
      io::Record<U>("unfolded_settings", "A step with every replica by itself on the fabric.")
          .optional("oversubscription", &U::oversubscription,
                    {.doc = "Bandwidth of a leaf switch to the accelerators over that to the spine.", .at_least = 1.0, .at_most = 64.0})
          .optional("contention", &U::contention, {.doc = "All groups send at once and share the links."})
          .optional("failed_links", &U::failed_links, {.doc = "Links that are down, such as \"leaf 3\"."});
  return record;
}

const io::Record<TrainingScenario>& TrainingScenario::record() {
  using S = TrainingScenario;
  static const auto record =
      io::Record<S>("training_scenario",
                    "A training run: one model, one cluster, one parallel plan.")
          .required("model", &S::model, {.doc = "The model to train."})
          .required("accelerator", &S::accelerator, {.doc = "The accelerator of the cluster."})
          .optional("system", &S::system,
                    {.doc = "The server or rack; absent: the catalog's first with this accelerator."})
          .optional("fabric", &S::fabric, {.doc = "Scale-out network; absent: the accelerator's NIC."})
          .required("n_accelerators", &S::n_accelerators,
                    {.doc = "Accelerators in the cluster.", .at_least = 1, .at_most = kManyRanks})
          .required("parallel", &S::parallel, {.doc = "How the model is spread over them."})
          .required("global_batch", &S::global_batch,
                    {.doc = "Sequences in an iteration.", .at_least = 1, .at_most = 100'000'000})
          .optional("micro_batch", &S::micro_batch,
                    {.doc = "Sequences in a micro-batch.", .at_least = 1, .at_most = 100'000})
          .required("sequence_length", &S::sequence_length,
                    {.doc = "Tokens in a sequence.", .at_least = 1, .at_most = 100'000'000})
          .optional("recompute", &S::recompute,
                    {.doc = "Activations computed again in the backward pass: none, those of attention, or all."})
          .optional("zero_stage", &S::zero_stage,
                    {.doc = "What is spread over the data-parallel ranks: 0 nothing, 1 the optimizer state, 2 gradients "
                            "too, scattered after each micro-batch, 3 weights too (FSDP).",
                     .at_least = 0,
                     .at_most = 3})
          .optional("partition_group", &S::partition_group,
                    {.doc = "Ranks over which ZeRO spreads, each group holding a whole copy (MiCS, HSDP); 0: all.",
                     .at_least = 0,
                     .at_most = kManyRanks})
          .optional("group_reduction", &S::group_reduction,
                    {.doc = "When partition groups sum their gradients: once an iteration (MiCS) or after each micro-batch, as "
                            "PyTorch's HSDP does."})
          .optional("schedule", &S::schedule, {.doc = "Order of the micro-batches' passes on the stages."})
          .optional("interleave", &S::interleave,
                    {.doc = "Groups of layers on a stage of an interleaved schedule.",
                     .at_least = 1,
                     .at_most = 1000})
          .optional("deduplicated_dispatch", &S::deduplicated_dispatch,
                    {.doc = "Tokens cross to another scale-up domain once for all their experts there (DeepEP)."})
          .optional("overlapped_dispatch", &S::overlapped_dispatch,
                    {.doc = "All-to-alls of one micro-batch run beside another's computation, as in DualPipe."})
          .optional("capacity_factor", &S::capacity_factor,
                    {.doc = "Tokens an expert takes over its fair share, others being dropped; 0: none is dropped.",
                     .at_least = 0.0,
                     .at_most = 64.0})
          .optional("context_exchange", &S::context_exchange,
                    {.doc = "How context-parallel ranks share attention: keys and values pass by, or tokens for heads."})
          .optional("cuda_graphs", &S::cuda_graphs,
                    {.doc = "What is replayed from a graph: nothing, all but the experts (attention), everything (whole)."})
          .optional("overlap", &S::overlap, {.doc = "Shares of traffic beside computation; absent: the software's."})
          .optional("gradient_bytes", &S::gradient_bytes,
                    {.doc = "Bytes of a parameter's gradient as it is kept: 4 in fp32, 2 in 16 bits, 6 where both are.",
                     .at_least = 2.0,
                     .at_most = 8.0})
          .optional("optimizer_bytes", &S::optimizer_bytes,
                    {.doc = "Bytes of the optimizer's state of a parameter: 12 in fp32, 8 with moments in bf16.",
                     .at_least = 0.0,
                     .at_most = 64.0})
          .optional("offload_optimizer", &S::offload_optimizer,
                    {.doc = "The optimizer's state and work are on the host."})
          .optional("offload_activations", &S::offload_activations,
                    {.doc = "Activations wait in the host's memory, moved beside computation."})
          .optional("offload_weights", &S::offload_weights,
                    {.doc = "Weights and gradients are in the host's memory, fetched layer by layer for each pass."})
          .optional("host_bandwidth", &S::host_bandwidth,
                    {.doc = "Of one accelerator to its host, each way; absent: that of the catalog's fabric \"ACCELERATOR-host\", else 50 GB/s (PCIe 5).", .above = 0 * byte / second, .at_most = 1e13 * byte / second})
          .optional("n_prediction_layers", &S::n_prediction_layers,
                    {.doc = "Further layers of multi-token prediction, each with the head.",
                     .at_least = 0,
                     .at_most = 16})
          .optional("software", &S::software,
                    {.doc = "Software stack: overlap, quality of kernels, work of the host."})
          .optional("sequence_parallel", &S::sequence_parallel,
                    {.doc = "Norms are split over the tensor-parallel ranks."})
          .optional("fused_attention", &S::fused_attention,
                    {.doc = "FlashAttention and kin; false: scores go through memory, as before 2022."})
          .optional("format", &S::format, {.doc = "Number format of matrix products."})
          .optional("tokens", &S::tokens,
                    {.doc = "Tokens to train on; absent: the model's published number.",
                     .above = 0 * token,
                     .at_most = 1e18 * token})
          .optional("phases", &S::phases,
                    {.doc = "Parts of the run with another batch or length, in order; the rest of the tokens follow as above."})
          .optional("unfolded", &S::unfolded,
                    {.doc = "Every replica by itself on the fabric's topology: contention and stragglers; absent: folded."})
          .required("grid", &S::grid, {.doc = "Grid that feeds the site: carbon and energy price."})
          .optional("pue", &S::pue, {.doc = "Facility energy over IT energy.", .at_least = 1.0, .at_most = 3.0})
          .optional("start", &S::start, {.doc = "Date of prices and carbon intensity; absent: 2025-01."})
          .optional("accelerator_hour_price", &S::accelerator_hour_price,
                    {.doc = "Rent of one accelerator, energy included; absent: its price and server written off over "
                            "four years, and energy.",
                     .at_least = 0 * usd / hour,
                     .at_most = 1000 * usd / hour})
          .optional("failures", &S::failures, {.doc = "Interruptions; absent: none."})
          .optional("checkpoints", &S::checkpoints, {.doc = "Saving of the state; absent: the defaults, if there are failures."})
          .optional("straggler_spread", &S::straggler_spread,
                    {.doc = "Relative spread of the accelerators' speeds: the slowest sets the pace.",
                     .at_least = 0.0,
                     .at_most = 0.5})
          .optional("power_cap", &S::power_cap,
                    {.doc = "Of one accelerator; absent: its TDP.", .above = 0 * watt, .at_most = 100000 * watt})
          .optional("searched_placements", &S::searched_placements,
                    {.doc = "Which orders of the axes a search for plans looks at: the given one, those with tensor innermost, or all."});
  return record;
}

}  // namespace waferwatt::scenario
