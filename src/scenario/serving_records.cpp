// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "waferwatt/scenario/serving_scenario.hpp"

namespace waferwatt::scenario {
namespace {

/// The fields of a group of replicas, in a record of X, which has them.
template <class X>
io::Record<X> with_replicas(io::Record<X> record) {
  using R = ServingReplicas;
  const auto of = []<class M>(M R::*member) { return static_cast<M X::*>(member); };
  return std::move(record)
      .optional("accelerator", of(&R::accelerator), {.doc = "Accelerator."})
      .optional("tensor_parallel", of(&R::tensor_parallel),
                {.doc = "Accelerators that each layer is split over.", .at_least = 1, .at_most = 4096})
      .optional("data_parallel", of(&R::data_parallel),
                {.doc = "Groups of tensor_parallel accelerators that attend to requests of their own and meet at the "
                        "experts.",
                 .at_least = 1,
                 .at_most = 4096})
      .optional("pipeline_parallel", of(&R::pipeline_parallel),
                {.doc = "Stages that the layers are divided over.", .at_least = 1, .at_most = 1024})
      .optional("n_replicas", of(&R::n_replicas),
                {.doc = "Replicas; with autoscaling, the most.", .at_least = 1, .at_most = 100000})
      .optional("expert_parallel", of(&R::expert_parallel),
                {.doc = "Whole experts per accelerator; false: a slice of every expert."})
      .optional("redundant_experts", of(&R::redundant_experts),
                {.doc = "Copies of the most loaded experts of each layer, which a load balancer places beside the experts.",
                 .at_least = 0,
                 .at_most = 4096})
      .optional("two_batch_overlap", of(&R::two_batch_overlap),
                {.doc = "One half of a batch computes while the tokens of the other half are exchanged."})
      .optional("backend", of(&R::backend),
                {.doc = "Inference engine whose kernels, host overheads and scheduling count: vllm, sglang, sglang-deepep (experts over nodes), trtllm, trtllm-engine (with engines that TensorRT built), eager, trtllm-session; "
                        "absent: calibrated kernels and the engine's host_overhead."})
      .optional("weight_format", of(&R::weight_format),
                {.doc = "Number format of the weights; absent: the model's, read narrow and computed in a wider one where "
                        "the accelerator does not compute in it."})
      .optional("weight_scales", of(&R::weight_scales),
                {.doc = "Of fp8 weights: one for a tensor, or one for a block of 128 numbers; absent: block where the model was released "
                        "in fp8, else tensor."})
      .optional("kv_format", of(&R::kv_format), {.doc = "Number format of the KV cache."})
      .optional("engine", of(&R::engine), {.doc = "Batching and memory of one replica."})
      .optional("role", of(&R::role),
                {.doc = "mixed: prompts and decodes; prefill: hands requests over with their first token; decode: "
                        "takes those."})
      .optional("accelerator_hour_price", of(&R::accelerator_hour_price),
                {.doc = "Price of one accelerator, e.g. \"2.5 USD/h\"; absent: no cost is reported.",
                 .above = 0 * usd / hour,
                 .at_most = 10000 * usd / hour});
}

void check_backend(const ServingReplicas& group, Diagnostics& diagnostics) {
  if (!group.backend || serving::find_backend(*group.backend)) return;
  diagnostics.add(group.where.diagnostic(
      "backend", fmt::format("unknown backend \"{}\"{}", *group.backend, core::suggestion(*group.backend, serving::backend_names(), "backends"))));
}

void check_group(const ServingReplicas& group, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  check_backend(group, diagnostics);
  const catalog::Accelerator* accelerator = group.accelerator->resolve(catalog.accelerators, diagnostics);
  if (accelerator && group.weight_format && !accelerator->peak(*group.weight_format))
    diagnostics.add(group.where.diagnostic(
        "weight_format", fmt::format("{} does not compute in {}; leave weight_format out, or use {}", accelerator->name,
                                     io::enum_text(*group.weight_format),
                                     io::enum_text(serving::runnable_format(*accelerator, *group.weight_format)))));
}

void check_scales(const ServingReplicas& group, const catalog::LanguageModel* model, Diagnostics& diagnostics) {
  if (!group.weight_scales || !model) return;
  const auto format = group.weight_format.value_or(model->weight_format);
  if (format != catalog::NumberFormat::fp8)
    diagnostics.add(group.where.diagnostic(
        "weight_scales", fmt::format("weights in {} have no such scales; give weight_format fp8, or leave weight_scales out", io::enum_text(format))));
  else if (*group.weight_scales == WeightScales::tensor && model->weight_format == catalog::NumberFormat::fp8)
    diagnostics.add(group.where.diagnostic("weight_scales", fmt::format("{} was released with a scale for each block; use block, or leave weight_scales out", model->name)));
}

void check_prefix_blocks(const ServingScenario& s, Diagnostics& diagnostics) {
  const std::int64_t tokens = s.workload.sessions ? s.workload.sessions->prefix_tokens
                              : s.workload.trace  ? s.workload.trace->prefix_tokens
                                                  : 0;
  const auto check_group = [&](const ServingReplicas& group) {
    if (tokens > 0 && group.engine.scheduler.prefix_caching && tokens % group.engine.kv_block_tokens != 0)
      diagnostics.add(group.where.diagnostic(
          "engine", fmt::format("a prefix hash stands for {} tokens, which are no whole number of blocks of {} (kv_block_tokens)", tokens,
                                group.engine.kv_block_tokens)));
  };
  if (s.groups.empty()) check_group(s);
  for (const ServingReplicas& group : s.groups) check_group(group);
}

void check_roles(const ServingScenario& s, const io::FieldComplaint& complain) {
  const auto has = [&](serving::Role role) { return std::ranges::any_of(s.groups, [&](const auto& g) { return g.role == role; }); };
  if (s.groups.empty() && s.role != serving::Role::mixed)
    complain("role", "a group of role prefill needs one of role decode beside it: write both in \"groups\"");
  if (has(serving::Role::prefill) != has(serving::Role::decode))
    complain("groups", "groups of role prefill need some of role decode, and the other way round");
  if (s.groups.empty() != s.accelerator.has_value())
    complain("", "give either \"accelerator\", or \"groups\" with an accelerator each");
  for (const ServingReplicas& group : s.groups)
    if (!group.accelerator) complain("groups", "each group needs its \"accelerator\"");
  const auto unordered = [](const serving::EngineSettings& e) { return !e.scheduler.prefix_caching; };
  if (s.router == serving::Router::prefix_aware && unordered(s.engine) &&
      std::ranges::all_of(s.groups, unordered, &ServingReplicas::engine))
    complain("router", "a prefix-aware router needs engines with scheduler.prefix_caching");
}

}  // namespace

const io::Record<ServingReplicas>& ServingReplicas::record() {
  static const auto record = with_replicas(io::Record<ServingReplicas>("serving_replicas", "Replicas that are alike."));
  return record;
}

const io::Record<ServingSearch>& ServingSearch::record() {
  using S = ServingSearch;
  static const auto record =
      io::Record<S>("serving_search", "What `waferwatt plan` may choose from; empty lists: what the scenario has.")
          .optional("accelerators", &S::accelerators, {.doc = "Accelerators."})
          .optional("accelerator_hour_prices", &S::accelerator_hour_prices,
                    {.doc = "Price of each, by id; absent: the scenario's.",
                     .above = 0 * usd / hour,
                     .at_most = 10000 * usd / hour})
          .optional("tensor_parallel", &S::tensor_parallel,
                    {.doc = "Accelerators that each layer is split over.", .at_least = 1, .at_most = 4096})
          .optional("pipeline_parallel", &S::pipeline_parallel,
                    {.doc = "Stages that the layers are divided over.", .at_least = 1, .at_most = 1024})
          .optional("policies", &S::policies, {.doc = "Policies of the scheduler."})
          .optional("max_replicas", &S::max_replicas,
                    {.doc = "Most replicas to try.", .at_least = 1, .at_most = 100000});
  return record;
}

const io::Record<ServingScenario>& ServingScenario::record() {
  using S = ServingScenario;
  static const auto record =
      with_replicas(io::Record<S>("serving_scenario", "A language model served by replicas of accelerators.")
                        .required("model", &S::model, {.doc = "Language model."}))
          .optional("groups", &S::groups, {.doc = "Groups of replicas, instead of one group written at the top."})
          .optional("router", &S::router, {.doc = "How requests are spread over replicas."})
          .required("workload", &S::workload, {.doc = "The requests."})
          .optional("service_level", &S::service_level, {.doc = "Latencies that make a request count as good."})
          .optional("admission", &S::admission, {.doc = "Whom the router lets in."})
          .optional("autoscaling", &S::autoscaling, {.doc = "Replicas come and go with the load; absent: all are up."})
          .optional("failures", &S::failures, {.doc = "Replicas fail and come back; absent: they do not."})
          .optional("transfer_bandwidth", &S::transfer_bandwidth,
                    {.doc = "Of one accelerator, from prefill to decode replicas; absent: its network's.",
                     .above = 0 * byte / second,
                     .at_most = 1e15 * byte / second})
          .optional("grid", &S::grid, {.doc = "Grid whose carbon intensity counts."})
          .optional("date", &S::date, {.doc = "When the carbon intensity is read."})
          .optional("pue", &S::pue,
                    {.doc = "Facility power over IT power; enters carbon only.", .at_least = 1.0, .at_most = 5.0})
          .optional("requests_file", &S::requests_file,
                    {.doc = "CSV file that every request is written to as it ends; for runs of many."})
          .optional("search", &S::search, {.doc = "What `waferwatt plan` may choose from."})
          .check(check_roles);
  return record;
}

void check(const ServingScenario& scenario, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  const auto* model = scenario.model.resolve(catalog.language_models, diagnostics);
  scenario.grid.resolve(catalog.grids, diagnostics);
  if (scenario.groups.empty()) check_group(scenario, catalog, diagnostics), check_scales(scenario, model, diagnostics);
  for (const ServingReplicas& group : scenario.groups) check_group(group, catalog, diagnostics), check_scales(group, model, diagnostics);
  for (const auto& accelerator : scenario.search.accelerators) accelerator.resolve(catalog.accelerators, diagnostics);
  check_prefix_blocks(scenario, diagnostics);
  if (!scenario.workload.trace) return;
  try {
    traces::TraceFile(scenario.workload.trace->file, scenario.workload.trace->prefix_tokens);
  } catch (const InputError& error) {
    for (const Diagnostic& diagnostic : error.diagnostics()) diagnostics.add(diagnostic);
  }
}

}  // namespace waferwatt::scenario
