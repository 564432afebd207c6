// SPDX-License-Identifier: Apache-2.0
// A case's deployment and load, run as its source did.
#include "serving_prediction.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "serving_row.hpp"
#include "waferwatt/core/parallel.hpp"
#include "waferwatt/core/random.hpp"
#include "waferwatt/serving/static_batch.hpp"

namespace waferwatt::validation {
namespace {

using serving::BackendProfile;
using serving::EngineSettings;

/// Drafts by a model's own heads: a layer and the output head for each token, and the chance that one is accepted, fitted
/// on half of the drafted configurations.
constexpr double kDraftLayers = 2, kDraftAcceptance = 0.65;

/// What cases of one configuration share.
struct Models {
  serving::IterationModel& iterations;
  serving::IterationModel* prompts;  ///< with the layout of the prefill workers; null when there are none
};

/// Memory is planned for a group and micro-batch: each has sequences of its own.
serving::MemoryPlan memory_of(const ServingCase& c, const serving::ReplicaPlan& plan, EngineSettings engine) {
  const std::int64_t n_parts = plan.data_parallel * plan.micro_batches();
  engine.max_sequences = (engine.max_sequences + n_parts - 1) / n_parts;
  return serving::memory_plan(*c.model, *c.accelerator, plan, engine);
}

/// Of one replica: those of a deployment share its load evenly.
ServingPrediction of_closed_loop(const ServingCase& c, const Models& models, const EngineSettings& engine) {
  serving::ClosedLoopLoad load = c.load;
  load.concurrency = std::max<std::int64_t>(1, load.concurrency / c.n_replicas), load.n_warm_up /= c.n_replicas;
  const auto memory = memory_of(c, c.plan, engine);
  const auto run = [&] {
    if (!models.prompts) return serving::closed_loop(models.iterations, engine, memory, load);
    const auto& plan = c.disaggregation->prefill_plan;
    const auto link = c.network ? c.network->scale_out().effective_bandwidth()
                                : c.accelerator->nic_bandwidth ? c.accelerator->nic_bandwidth->value : 50 * giga * byte / second;
    const auto prompts_memory = memory_of(c, plan, engine);
    return serving::disaggregated_loop({*models.prompts, engine, prompts_memory, c.disaggregation->n_prefill},
                                       {models.iterations, engine, memory, c.disaggregation->n_decode},
                                       c.model->kv_cache_per_token(plan.kv_format), link * static_cast<double>(plan.n_accelerators()), load);
  };
  const auto out = run();
  if (!out.infeasible.empty()) return {.infeasible = out.infeasible};
  ServingPrediction p;
  const BackendProfile& backend = engine.backend;
  // A request that is alone, or whose prompt has a worker of its own, meets no running steps.
  const double met = load.concurrency > 1 && !c.disaggregation ? backend.first_token_steps : 0;
  const double steps = met + static_cast<double>(c.stream_interval - 1);
  const Time step = out.time_per_output_token * engine.scheduler.tokens_per_step();
  p.ttft_s = (out.time_to_first_token + steps * step).in(second);
  p.tpot_s = out.time_per_output_token.in(second);
  p.tokens_per_s = static_cast<double>(c.n_replicas) * out.output_rate.in(token / second);
  p.joule_per_token = out.energy_per_output_token.in(joule);
  return p;
}

/// All requests are there at once.
ServingPrediction of_offline(ServingCase c, const Models& models, const EngineSettings& engine) {
  c.load.n_waves = 1;
  return of_closed_loop(c, models, engine);
}

/// Programs that serve one batch take what memory they need.
ServingPrediction of_batch(const ServingCase& c, const Models& models, EngineSettings engine) {
  engine.memory_utilisation = 1;
  const serving::StaticBatch batch{c.load.concurrency, c.load.input_tokens, c.load.output_tokens};
  const auto memory = serving::memory_plan(*c.model, *c.accelerator, c.plan, engine);
  const auto out = serving::static_batch(models.iterations, engine, memory, batch);
  if (!out.infeasible.empty()) return {.infeasible = out.infeasible};
  const double n = static_cast<double>(batch.n_sequences), n_output = n * static_cast<double>(batch.output_tokens);
  ServingPrediction p{.ttft_s = out.prompts.in(second), .tpot_s = out.step.in(second)};
  switch (c.counted) {
    case Counted::output_tokens:
      p.tokens_per_s = n_output / out.whole(batch).in(second);
      break;
    case Counted::input_tokens:
      p.tokens_per_s = n * static_cast<double>(batch.input_tokens) / p.ttft_s;
      break;
    case Counted::decode_steps:
      p.tokens_per_s = n / p.tpot_s;
      break;
  }
  p.joule_per_token = out.energy.in(joule) / n_output;
  return p;
}

ServingPrediction of_open_loop(const ServingCase& c, const EngineSettings& engine, const catalog::Catalog& catalog) {
  return replay({.deployment = c, .engine = engine, .n_kv_blocks = {}, .requests = poisson_requests(c)}, catalog);
}

ServingPrediction prediction_of(const ServingCase& c, const Models& models, const EngineSettings& engine, const catalog::Catalog& catalog) {
  switch (c.protocol) {
    case Protocol::closed_loop:
      return of_closed_loop(c, models, engine);
    case Protocol::offline:
      return of_offline(c, models, engine);
    case Protocol::batch:
      return of_batch(c, models, engine);
    case Protocol::open_loop:
      return of_open_loop(c, engine, catalog);
  }
  return {};
}

}  // namespace

std::vector<MeasuredRequest> poisson_requests(const ServingCase& c) {
  constexpr double kEvenOutputs = 0.6180339887498949, kEvenInputs = 0.7548776662466927;
  const auto length = [&](std::int64_t whole, double position) {
    return std::max<std::int64_t>(1, std::llround(static_cast<double>(whole) * (1 - c.load.spread * (position - std::floor(position)))));
  };
  core::RandomStream gaps(1, "arrivals of measured cases"), inputs(1, "inputs of measured cases"), outputs(1, "outputs of measured cases");
  std::vector<MeasuredRequest> requests;
  double now_s = 0;
  for (std::int64_t i = 0; i < c.load.concurrency; ++i) {
    const double position = static_cast<double>(i);
    requests.push_back({.arrival_s = now_s,
                        .input_tokens = c.lengths ? c.lengths->input.sample(inputs) : length(c.load.input_tokens, position * kEvenInputs),
                        .output_tokens = c.lengths ? c.lengths->output.sample(outputs) : length(c.load.output_tokens, position * kEvenOutputs)});
    now_s += gaps.exponential(1 / c.rate_per_s);
  }
  return requests;
}

/// Whether clients read answers while they grow: those of servers do, and whoever tells when first tokens of many requests came.
bool is_streamed(const ServingCase& c) {
  return c.protocol == Protocol::closed_loop || c.protocol == Protocol::open_loop || (c.protocol == Protocol::offline && c.ttft_s);
}

EngineSettings engine_of(const ServingCase& c, const BackendProfile& profile) {
  EngineSettings engine;
  engine.backend = profile;
  engine.host_overhead = profile.step_overhead;
  engine.max_batched_tokens = c.max_batched_tokens.value_or(profile.max_batched_tokens);
  engine.memory_utilisation = c.memory_utilisation.value_or(profile.memory_utilisation);
  engine.max_sequences = std::max<std::int64_t>(1, c.max_sequences.value_or(c.load.concurrency / c.n_replicas));
  if (c.mixes_prompts) engine.backend.prefill_first = false;
  if (c.launches_kernels) engine.backend.has_graphs = false;
  engine.backend.stream_overhead *= is_streamed(c) ? 1 / static_cast<double>(c.stream_interval) : 0;
  engine.scheduler.prefix_caching = c.finds_prefixes;
  engine.scheduler.draft_tokens = c.draft_tokens;
  engine.scheduler.draft_acceptance = kDraftAcceptance;
  engine.scheduler.draft_cost = kDraftLayers / static_cast<double>(c.model->n_layers.value);
  engine.power_cap = c.power_cap;
  return engine;
}

struct ServingPredictor::Configuration {
  std::vector<std::size_t> members;
  std::optional<network::TwoLevelNetwork> network;
  std::unique_ptr<serving::IterationModel> iterations, prompts;
};

ServingPredictor::ServingPredictor(const std::vector<ServingCase>& cases, const catalog::Catalog& catalog) : cases_(cases), catalog_(catalog) {
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const ServingCase& c = cases[i];
    const auto key = fmt::format("{} {} {} {} {} {} {} {}", c.accelerator->id, c.accelerator->memory_bandwidth->in(byte / second), c.configuration,
                                 layout_text(c.plan), io::enum_text(c.plan.kv_format), c.launches_kernels, is_streamed(c),
                                 c.power_cap ? c.power_cap->in(watt) : 0);
    operators_.try_emplace({c.accelerator->id, c.accelerator->memory_bandwidth->in(byte / second)}, *c.accelerator, catalog);
    Configuration& configuration = configurations_[key];
    if (configuration.members.empty())
      configuration.network = c.network ? c.network
                                        : network::network_of(*c.accelerator, catalog.system_of(c.accelerator->id), nullptr, c.plan.n_accelerators(), catalog);
    configuration.members.push_back(i);
  }
}

ServingPredictor::~ServingPredictor() = default;

void ServingPredictor::use(Configuration& configuration, const BackendProfile& profile) {
  const ServingCase& first = cases_[configuration.members.front()];
  const EngineSettings engine = engine_of(first, profile);
  if (configuration.iterations) {
    for (auto* model : {configuration.iterations.get(), configuration.prompts.get()})
      if (model) model->change(engine.backend, engine.host_overhead);
    return;
  }
  const auto& accelerator = *first.accelerator;
  const auto& operators = operators_.at({accelerator.id, accelerator.memory_bandwidth->in(byte / second)});
  const auto model_of = [&](const serving::ReplicaPlan& plan) {
    return std::make_unique<serving::IterationModel>(*first.model, operators, plan, *configuration.network, engine);
  };
  configuration.iterations = model_of(first.plan);
  if (first.disaggregation) configuration.prompts = model_of(first.disaggregation->prefill_plan);
}

std::vector<ServingPrediction> ServingPredictor::predict(const ProfileOf& profile_of, unsigned n_jobs) {
  std::vector<ServingPrediction> predictions(cases_.size());
  std::vector<Configuration*> all;
  for (auto& [name, configuration] : configurations_) all.push_back(&configuration);
  core::in_parallel(all.size(), n_jobs, [&](std::size_t at) {  // configurations share operators, which do not change
    Configuration& configuration = *all[at];
    if (!configuration.network) {
      for (const auto i : configuration.members) predictions[i].infeasible = "nothing is known of the network between the accelerators";
      return;
    }
    const BackendProfile profile = profile_of(cases_[configuration.members.front()]);
    use(configuration, profile);
    const Models models{*configuration.iterations, configuration.prompts.get()};
    for (const auto i : configuration.members) predictions[i] = prediction_of(cases_[i], models, engine_of(cases_[i], profile), catalog_);
  });
  return predictions;
}

std::vector<ServingPrediction> predict(const std::vector<ServingCase>& cases, const catalog::Catalog& catalog, const ProfileOf& profile_of) {
  return ServingPredictor(cases, catalog).predict(profile_of);
}

}  // namespace waferwatt::validation
