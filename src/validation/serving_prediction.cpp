// SPDX-License-Identifier: Apache-2.0
// A case's deployment and load, run as its source did.
#include "serving_prediction.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "waferwatt/core/random.hpp"
#include "waferwatt/serving/static_batch.hpp"

namespace waferwatt::validation {
namespace {

using serving::BackendProfile;
using serving::EngineSettings;

/// What cases of one configuration share.
struct Models {
  serving::IterationModel& iterations;
  serving::IterationModel* prompts;  ///< with the layout of the prefill workers; null when there are none
};

ServingPrediction of_closed_loop(const ServingCase& c, const Models& models, const EngineSettings& engine) {
  const auto memory = serving::memory_plan(*c.model, *c.accelerator, c.plan, engine);
  const auto run = [&] {
    if (!models.prompts) return serving::closed_loop(models.iterations, engine, memory, c.load);
    const auto& plan = c.disaggregation->prefill_plan;
    const auto link = c.network ? c.network->scale_out().effective_bandwidth()
                                : c.accelerator->nic_bandwidth ? c.accelerator->nic_bandwidth->value : 50 * giga * byte / second;
    return serving::disaggregated_loop(*models.prompts, models.iterations, engine, memory,
                                       {c.disaggregation->n_prefill, c.disaggregation->n_decode, link * static_cast<double>(plan.n_accelerators())},
                                       c.model->kv_cache_per_token(plan.kv_format), c.load);
  };
  const auto out = run();
  if (!out.infeasible.empty()) return {.infeasible = out.infeasible};
  ServingPrediction p;
  const BackendProfile& backend = engine.backend;
  // A request that is alone meets no running steps.
  const double steps = c.load.concurrency > 1 ? backend.first_token_steps : 0;
  p.ttft_s = (out.time_to_first_token + backend.request_overhead + steps * out.step_time).in(second);
  p.tpot_s = out.time_per_output_token.in(second);
  p.tokens_per_s = out.output_rate.in(token / second);
  p.joule_per_token = out.energy_per_output_token.in(joule);
  return p;
}

/// All requests are there at once: the engine serves as many as its caches hold to their ends.
ServingPrediction of_offline(ServingCase c, const Models& models, EngineSettings engine) {
  c.load.concurrency = std::max<std::int64_t>(1, c.load.concurrency / c.n_replicas);
  c.load.n_waves = 1;
  engine.kv_reservation = serving::KvReservation::whole_request;
  ServingPrediction p = of_closed_loop(c, models, engine);
  p.tokens_per_s *= static_cast<double>(c.n_replicas);
  return p;
}

ServingPrediction of_batch(const ServingCase& c, const Models& models, const EngineSettings& engine) {
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

}  // namespace

std::vector<MeasuredRequest> poisson_requests(const ServingCase& c) {
  constexpr double kEvenOutputs = 0.6180339887498949, kEvenInputs = 0.7548776662466927;
  const auto length = [&](std::int64_t whole, double position) {
    return std::max<std::int64_t>(1, std::llround(static_cast<double>(whole) * (1 - c.load.spread * (position - std::floor(position)))));
  };
  core::RandomStream gaps(1, "arrivals of measured cases");
  std::vector<MeasuredRequest> requests;
  double now_s = 0;
  for (std::int64_t i = 0; i < c.load.concurrency; ++i) {
    const double position = static_cast<double>(i);
    requests.push_back({.arrival_s = now_s,
                        .input_tokens = length(c.load.input_tokens, position * kEvenInputs),
                        .output_tokens = length(c.load.output_tokens, position * kEvenOutputs)});
    now_s += gaps.exponential(1 / c.rate_per_s);
  }
  return requests;
}

EngineSettings engine_of(const ServingCase& c, const BackendProfile& profile) {
  EngineSettings engine;
  engine.backend = profile;
  engine.host_overhead = profile.step_overhead;
  engine.max_batched_tokens = c.max_batched_tokens.value_or(profile.max_batched_tokens);
  engine.memory_utilisation = c.memory_utilisation.value_or(profile.memory_utilisation);
  engine.max_sequences = std::max<std::int64_t>(1, c.max_sequences.value_or(c.load.concurrency));
  engine.power_cap = c.power_cap;
  return engine;
}

std::vector<ServingPrediction> predict(const std::vector<ServingCase>& cases, const catalog::Catalog& catalog, const ProfileOf& profile_of) {
  const auto key_of = [](const ServingCase& c) {
    return fmt::format("{} {} {} {}", c.accelerator->id, c.accelerator->memory_bandwidth->in(byte / second), c.configuration,
                       c.power_cap ? c.power_cap->in(watt) : 0);
  };
  std::map<std::string, std::vector<std::size_t>> by_configuration;
  for (std::size_t i = 0; i < cases.size(); ++i) by_configuration[key_of(cases[i])].push_back(i);
  std::vector<ServingPrediction> predictions(cases.size());
  std::map<std::pair<std::string, double>, cost::OperatorModel> operators;  // sources give accelerators other bandwidths
  for (const auto& [name, members] : by_configuration) {
    const ServingCase& first = cases[members.front()];
    const auto& accelerator = *first.accelerator;
    const auto& model =
        operators.try_emplace({accelerator.id, accelerator.memory_bandwidth->in(byte / second)}, accelerator, catalog).first->second;
    const auto network = first.network
                             ? first.network
                             : network::network_of(accelerator, catalog.system_of(accelerator.id), nullptr, first.plan.n_accelerators(), catalog);
    if (!network) {
      for (const auto i : members) predictions[i].infeasible = "nothing is known of the network between the accelerators";
      continue;
    }
    const BackendProfile profile = profile_of(first);
    serving::IterationModel iterations(*first.model, model, first.plan, *network, engine_of(first, profile));
    std::optional<serving::IterationModel> prompts;
    if (first.disaggregation) prompts.emplace(*first.model, model, first.disaggregation->prefill_plan, *network, engine_of(first, profile));
    const Models models{iterations, prompts ? &*prompts : nullptr};
    for (const auto i : members) {
      const ServingCase& c = cases[i];
      const EngineSettings engine = engine_of(c, profile);
      switch (c.protocol) {
        case Protocol::closed_loop:
          predictions[i] = of_closed_loop(c, models, engine);
          break;
        case Protocol::offline:
          predictions[i] = of_offline(c, models, engine);
          break;
        case Protocol::batch:
          predictions[i] = of_batch(c, models, engine);
          break;
        case Protocol::open_loop:
          predictions[i] = of_open_loop(c, engine, catalog);
          break;
      }
    }
  }
  return predictions;
}

}  // namespace waferwatt::validation
