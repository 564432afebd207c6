// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/training_scenario.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "waferwatt/training/run.hpp"

namespace waferwatt::scenario {
namespace {

constexpr std::int64_t kManyRanks = 1'000'000;

/// Everything of the catalog that a run needs.
struct Setting {
  const catalog::LanguageModel* model = nullptr;
  const catalog::Accelerator* accelerator = nullptr;
  const catalog::System* system = nullptr;
  const catalog::Fabric* fabric = nullptr;
  const catalog::Grid* grid = nullptr;
};

Setting resolve(const TrainingScenario& s, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  Setting setting;
  setting.model = s.model.resolve(catalog.language_models, diagnostics);
  setting.accelerator = s.accelerator.resolve(catalog.accelerators, diagnostics);
  if (s.system)
    setting.system = s.system->resolve(catalog.systems, diagnostics);
  else if (setting.accelerator)
    setting.system = catalog.system_of(setting.accelerator->id);
  if (s.fabric) setting.fabric = s.fabric->resolve(catalog.fabrics, diagnostics);
  setting.grid = s.grid.resolve(catalog.grids, diagnostics);
  return setting;
}

const Located<std::int64_t>& field_of(const TrainingScenario& s, training::PlanProblem::Field field) {
  using Field = training::PlanProblem::Field;
  switch (field) {
    case Field::data:
      return s.parallel.data;
    case Field::tensor:
      return s.parallel.tensor;
    case Field::pipeline:
      return s.parallel.pipeline;
    case Field::expert:
      return s.parallel.expert;
    case Field::context:
      return s.parallel.context;
    case Field::interleave:
      return s.interleave;
    case Field::partition_group:
      return s.partition_group;
    case Field::global_batch:
      return s.global_batch;
  }
  return s.n_accelerators;
}

/// 2048 as "2,048".
std::string grouped(double value) {
  std::string digits = fmt::format("{:.0f}", value);
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  return digits;
}

/// Three significant digits with the count's unit: "15 T tokens", "950 accelerator-hours".
std::string counted(double value, const char* unit) {
  constexpr std::pair<double, const char*> kScales[] = {{1e12, "T "}, {1e9, "G "}, {1e6, "M "}, {1e3, "k "}};
  for (const auto& [scale, name] : kScales)
    if (value >= scale) return fmt::format("{:.3g} {}{}", value / scale, name, unit);
  return fmt::format("{:.3g} {}", value, unit);
}

std::string gigabytes(DataSize size) { return fmt::format("{:.1f} GB", size.in(giga * byte)); }

/// The parts of an iteration as resources one waits for.
std::vector<Binding> bindings(const training::Step& step, const training::Plan& plan, std::int64_t domain) {
  const auto& b = step.breakdown;
  const auto& p = plan.parallel;
  const auto network = [&](std::int64_t span) { return span > domain ? "scale-out network" : "scale-up network"; };
  std::vector<Binding> found;
  const auto charge = [&](const std::string& resource, Time time) {
    const double share = time / step.iteration_time();
    const auto same = std::ranges::find(found, resource, &Binding::resource);
    if (same != found.end())
      same->share += share;
    else if (share > 0)
      found.push_back({.resource = resource, .share = share});
  };
  charge("compute", b.compute + b.recompute);
  charge("memory bandwidth", b.memory + b.optimizer);
  charge("kernel launches", b.launch);
  charge(network(p.tensor), b.tensor);
  charge(network(p.tensor * p.context), b.context);
  charge(network(p.expert_slices() * p.expert), b.expert);
  charge(network(p.n_accelerators()), b.pipeline);
  charge(network(p.tensor * p.n_replicas()), b.data);
  charge("pipeline bubble", b.bubble);
  std::ranges::stable_sort(found, std::ranges::greater{}, &Binding::share);
  for (auto& binding : found)
    binding.text = fmt::format("{:.0f} % of each iteration ({:.3g} s) waits for {}", 100 * binding.share,
                               binding.share * step.iteration_time().in(second), binding.resource);
  return found;
}

/// Accelerator-hours by use. The total is the sum of the rows, so that they add up exactly.
Table use_ledger(const training::Step& step, const training::RunTotals& totals, const training::Goodput& goodput,
                 double n_accelerators, double& total_hours) {
  Table ledger("ledger", {{"use", Table::Kind::text}, {"accelerator_hours_h"}, {"share"}});
  total_hours = 0;
  const double wall = n_accelerators * totals.duration.in(hour);
  const auto add = [&](const std::string& use, double share) {
    if (share <= 0) return;
    ledger.add({use, share * wall, share});
    total_hours += share * wall;
  };
  const double stepping = totals.n_iterations * step.iteration_time() / totals.duration;
  for (const auto& [name, time] : step.breakdown.parts()) add(name, stepping * (time / step.iteration_time()));
  add("stragglers and power cap", goodput.useful - stepping);
  add("checkpoints", goodput.checkpoint);
  add("work done again", goodput.lost);
  add("detection and restart", goodput.restart);
  add("waiting for spares", goodput.spare);
  return ledger;
}

training::Goodput goodput_of(const TrainingScenario& s, const catalog::LanguageModel& model) {
  if (!s.failures && !s.checkpoints) return {};
  const auto failures = s.failures.value_or(FailureSettings{.relative_rate = 0});
  const auto saving = s.checkpoints.value_or(CheckpointSettings{});
  training::Reliability reliability{.detection = failures.detection,
                                    .restart = failures.restart,
                                    .n_spares = static_cast<double>(failures.n_spares),
                                    .repair = failures.repair};
  for (auto& kind : reliability.failures) kind.per_accelerator_hour *= failures.relative_rate;
  if (failures.relative_rate <= 0) reliability.failures.clear();
  return training::goodput(reliability,
                           {.storage_bandwidth = saving.storage_bandwidth,
                            .asynchronous = saving.asynchronous,
                            .interval = saving.interval.value_or(Time{})},
                           static_cast<double>(s.n_accelerators.value), model.parameters() * 14 * byte);
}

/// Wall time of an iteration over that of equal accelerators at full power.
double slowdown_of(const TrainingScenario& s, const training::Step& step, const cost::OperatorModel& operators) {
  const double n = static_cast<double>(s.n_accelerators.value);
  double slowdown = training::straggler_slowdown(n, s.straggler_spread);
  if (s.power_cap)
    slowdown *= training::capped_slowdown(*s.power_cap, step.energy / (n * step.iteration_time()), operators.idle_power());
  // Only computation slows.
  return 1 + (slowdown - 1) * (step.breakdown.computing() / step.iteration_time());
}

Table breakdown_table(const training::Step& step) {
  Table table("breakdown", {{"part", Table::Kind::text}, {"time_s"}, {"share"}});
  for (const auto& [name, time] : step.breakdown.parts())
    table.add({name, time.in(second), time / step.iteration_time()});
  return table;
}

/// Every pass of every micro-batch on every stage; empty where they are too many to look at.
Table timeline_table(const training::Plan& plan, const training::Passes& passes) {
  constexpr std::size_t kMostRows = 20'000;
  Table table("timeline", {{"stage", Table::Kind::integer},
                           {"chunk", Table::Kind::integer},
                           {"micro_batch", Table::Kind::integer},
                           {"pass", Table::Kind::text},
                           {"start_s"},
                           {"end_s"},
                           {"critical", Table::Kind::integer}});
  const auto line = training::timeline(plan, passes.chunks, passes.send);
  if (line.tasks.size() > kMostRows) return table;
  std::vector<bool> critical(line.tasks.size(), false);
  for (const std::size_t i : line.critical_path()) critical[i] = true;
  for (std::size_t i = 0; i < line.tasks.size(); ++i) {
    const auto& task = line.tasks[i];
    const char* pass = task.pass == training::Pass::forward    ? "forward"
                       : task.pass == training::Pass::backward ? "backward"
                                                               : "backward weight";
    table.add({static_cast<std::int64_t>(task.stage), static_cast<std::int64_t>(task.chunk),
               static_cast<std::int64_t>(task.micro_batch), std::string{pass}, task.start.in(second),
               task.end.in(second), static_cast<std::int64_t>(critical[i] ? 1 : 0)});
  }
  return table;
}

Table memory_table(const catalog::LanguageModel& model, const training::Plan& plan) {
  Table table("memory", {{"stage", Table::Kind::integer},
                         {"weights_byte"},
                         {"gradients_byte"},
                         {"optimizer_byte"},
                         {"activations_byte"},
                         {"reserve_byte"},
                         {"total_byte"}});
  for (std::int64_t stage = 0; stage < plan.parallel.pipeline; ++stage) {
    const auto use = training::stage_memory(model, plan, stage);
    table.add({stage, use.weights.in(byte), use.gradients.in(byte), use.optimizer.in(byte), use.activations.in(byte),
               use.reserve.in(byte), use.total().in(byte)});
  }
  return table;
}

Metric metric(std::string name, double value, std::string unit, double relative_error = 0) {
  Metric m{.name = std::move(name), .value = value, .unit = std::move(unit)};
  if (relative_error > 0) m.low = value * (1 - relative_error), m.high = value * (1 + relative_error);
  return m;
}

training::Surroundings surroundings(const TrainingScenario& s, const Setting& setting) {
  const Date date = s.start.value_or(Date::from_civil(2025, 1, 1));
  training::Surroundings around{.server_share = training::server_share(*setting.accelerator, setting.system),
                                .pue = s.pue,
                                .carbon_intensity = setting.grid->carbon_intensity->at(date)};
  if (s.accelerator_hour_price) {
    around.accelerator_price = *s.accelerator_hour_price;
  } else {
    around.accelerator_price =
        training::owned_accelerator_price(*setting.accelerator, setting.system, date).value_or(MoneyRate{});
    around.energy_price = setting.grid->price->at(date);
  }
  return around;
}

/// The number that the memory does not hold, and what would.
Result infeasible(const Setting& setting, const training::Plan& plan, const training::MemoryUse& memory) {
  Result result;
  const DataSize capacity = *setting.accelerator->memory_capacity;
  result.infeasible = fmt::format(
      "stage {} of {} needs {} on each accelerator (weights {}, gradients {}, optimizer {}, activations {}, reserve "
      "{}), has {}; {}",
      memory.stage, plan.parallel.pipeline, gigabytes(memory.total()), gigabytes(memory.weights),
      gigabytes(memory.gradients), gigabytes(memory.optimizer), gigabytes(memory.activations),
      gigabytes(memory.reserve), gigabytes(capacity), training::way_to_fit(*setting.model, plan, capacity));
  result.headline = fmt::format("{} does not fit on {} {} under this plan: needs {}, has {}", setting.model->name,
                                grouped(static_cast<double>(plan.parallel.n_accelerators())), setting.accelerator->name,
                                gigabytes(memory.total()), gigabytes(capacity));
  result.binds.push_back(
      {"memory capacity", "", 1.0,
       fmt::format("an accelerator needs {} and has {}", gigabytes(memory.total()), gigabytes(capacity))});
  result.metrics.push_back(metric("memory_per_accelerator", memory.total().in(byte), "B"));
  result.tables.push_back(memory_table(*setting.model, plan));
  return result;
}

}  // namespace

training::Plan TrainingScenario::plan() const {
  return {.parallel = {parallel.data.value, parallel.tensor.value, parallel.pipeline.value, parallel.expert.value,
                       parallel.context.value, parallel.expert_tensor},
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
          .deduplicated_dispatch = deduplicated_dispatch,
          .optimizer_bytes = optimizer_bytes,
          .offload_optimizer = offload_optimizer,
          .offload_activations = offload_activations,
          .n_prediction_layers = n_prediction_layers};
}

const io::Record<ParallelDegrees>& ParallelDegrees::record() {
  using P = ParallelDegrees;
  static const auto record =
      io::Record<P>("parallel_degrees",
                    "Degrees of parallelism; data, tensor and pipeline multiply to the number of accelerators.")
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
                     .at_most = kManyRanks});
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
                            "too, 3 weights too (FSDP).",
                     .at_least = 0,
                     .at_most = 3})
          .optional("partition_group", &S::partition_group,
                    {.doc = "Ranks over which ZeRO spreads, each group holding a whole copy (MiCS, HSDP); 0: all.",
                     .at_least = 0,
                     .at_most = kManyRanks})
          .optional("schedule", &S::schedule, {.doc = "Order of the micro-batches' passes on the stages."})
          .optional("interleave", &S::interleave,
                    {.doc = "Groups of layers on a stage of an interleaved schedule.",
                     .at_least = 1,
                     .at_most = 1000})
          .optional("deduplicated_dispatch", &S::deduplicated_dispatch,
                    {.doc = "Tokens cross to another scale-up domain once for all their experts there (DeepEP)."})
          .optional("optimizer_bytes", &S::optimizer_bytes,
                    {.doc = "Bytes of the optimizer's state of a parameter: 12 in fp32, 8 with moments in bf16.",
                     .at_least = 0.0,
                     .at_most = 64.0})
          .optional("offload_optimizer", &S::offload_optimizer,
                    {.doc = "The optimizer's state and work are on the host."})
          .optional("offload_activations", &S::offload_activations,
                    {.doc = "Activations wait in the host's memory, moved beside computation."})
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
                    {.doc = "Of one accelerator; absent: its TDP.", .above = 0 * watt, .at_most = 100000 * watt});
  return record;
}

void check(const TrainingScenario& s, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  const Setting setting = resolve(s, catalog, diagnostics);
  if (!setting.model || !setting.accelerator) return;
  const auto& [model, accelerator, system, fabric, grid] = setting;
  for (const auto& problem : training::problems(s.plan(), *model, s.n_accelerators.value))
    diagnostics.add(field_of(s, problem.field).problem(problem.message));
  if (!accelerator->peak(s.format.value))
    diagnostics.add(s.format.problem(
        fmt::format("{} does not compute in {}; use bf16", accelerator->name, io::enum_text(s.format.value))));
  std::vector<std::string> stacks;
  for (const auto& stack : training::software_stacks()) stacks.push_back(stack.name);
  if (std::ranges::find(stacks, s.software.value) == stacks.end())
    diagnostics.add(s.software.problem("unknown software \"" + s.software.value + "\"" +
                                       suggestion(s.software.value, stacks, "software")));
  if (!s.tokens && !model->training_tokens)
    diagnostics.add(s.global_batch.problem(
        fmt::format("no published number of training tokens for {}; give \"tokens\"", model->name)));
  if ((!s.fabric || fabric) && !network::network_of(*accelerator, system, fabric, s.n_accelerators.value, catalog))
    diagnostics.add(s.n_accelerators.problem(
        fmt::format("{} has no known network beyond {} accelerators; give \"fabric\"", accelerator->name,
                    network::scale_up_domain(*accelerator, system, catalog))));
  if (!s.accelerator_hour_price && !accelerator->price)
    diagnostics.add(s.n_accelerators.problem(
        fmt::format("the price of {} is not known; give \"accelerator_hour_price\"", accelerator->name)));
}

Result run(const TrainingScenario& s, const catalog::Catalog& catalog, const RunContext& context) {
  Diagnostics diagnostics;
  const Setting setting = resolve(s, catalog, diagnostics);
  diagnostics.throw_if_any();
  const training::Plan plan = s.plan();
  const auto memory = training::peak_memory(*setting.model, plan);
  if (memory.total() > *setting.accelerator->memory_capacity) return infeasible(setting, plan, memory);

  const auto network =
      network::network_of(*setting.accelerator, setting.system, setting.fabric, s.n_accelerators.value, catalog);
  const cost::OperatorModel operators(*setting.accelerator, catalog);
  const training::Machine machine{operators, *network, training::software_stack(s.software.value)};
  const auto step = training::step(*setting.model, plan, machine);
  const Tokens tokens = s.tokens ? *s.tokens : setting.model->training_tokens->value;
  const auto goodput = goodput_of(s, *setting.model);
  auto totals = training::run_totals(step, plan, tokens, surroundings(s, setting));
  training::stretch(totals, goodput, slowdown_of(s, step, operators), surroundings(s, setting));
  context.progress(1, "training run");

  Result result;
  double hours = 0;
  const double n = static_cast<double>(s.n_accelerators.value),
               error = step.error * step.breakdown.computing() / step.iteration_time();
  result.ledger = use_ledger(step, totals, goodput, n, hours);
  result.binds = bindings(step, plan, network->domain_size());
  result.tables = {breakdown_table(step), memory_table(*setting.model, plan),
                   timeline_table(plan, training::passes(*setting.model, plan, machine))};
  result.metrics = {metric("iteration_time", step.iteration_time().in(second), "s", error),
                    metric("mfu", step.mfu, "1", error),
                    metric("training_days", totals.duration.in(day), "day", error),
                    metric("accelerator_hours", hours, "h", error),
                    metric("tokens_per_second", totals.token_rate(tokens).in(token / second), "token/s", error),
                    metric("energy", totals.facility_energy.in(mega * watt_hour), "MWh"),
                    metric("carbon", totals.carbon.in(1000 * kg_co2e), "tCO2e"),
                    metric("cost", totals.cost().in(usd), "USD"),
                    metric("memory_per_accelerator", memory.total().in(byte), "B")};
  if (s.failures || s.checkpoints) {
    result.metrics.push_back(metric("goodput", goodput.useful, "1"));
    result.metrics.push_back(metric("interruptions_per_day", goodput.n_per_day, "1/day"));
    result.metrics.push_back(metric("checkpoint_interval", goodput.interval.in(second), "s"));
  }
  const auto& first = result.binds.front();
  result.headline = fmt::format(
      "{} on {} {} trains {} in {:.3g} days at {:.0f} % MFU, for {}, {:.3g} GWh and {}; {} binds ({:.0f} % of each "
      "iteration)",
      setting.model->name, grouped(n), setting.accelerator->name, counted(tokens.in(token), "tokens"),
      totals.duration.in(day), 100 * step.mfu, counted(hours, "accelerator-hours"),
      totals.facility_energy.in(giga * watt_hour), counted(totals.cost().in(usd), "USD"), first.resource,
      100 * first.share);
  return result;
}

}  // namespace waferwatt::scenario
