// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/scenario/training_scenario.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "training_tables.hpp"
#include "waferwatt/catalog/usable_memory.hpp"
#include "waferwatt/core/number_text.hpp"
#include "waferwatt/core/power_cap.hpp"
#include "waferwatt/network/fabric_design.hpp"
#include "waferwatt/training/memory.hpp"
#include "waferwatt/training/unfolded.hpp"

namespace waferwatt::scenario {
namespace {

/// Everything of the catalog that a run needs.
struct Setting {
  const catalog::LanguageModel* model = nullptr;
  const catalog::Accelerator* accelerator = nullptr;
  const catalog::System* system = nullptr;
  const catalog::Fabric* fabric = nullptr;
  const catalog::Grid* grid = nullptr;
};

std::string formats_of(const catalog::Accelerator& accelerator) {
  std::string text;
  for (const auto& [format, name] : io::EnumTexts<catalog::NumberFormat>::values)
    if (accelerator.peak(format) && format != catalog::NumberFormat::int8) text += fmt::format("{}{}", text.empty() ? "" : ", ", name);
  return text;
}

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

/// Where the field that breaks a rule was written.
Diagnostic diagnostic_of(const TrainingScenario& s, const training::PlanProblem& problem) {
  using Field = training::PlanProblem::Field;
  switch (problem.field) {
    case Field::data:
      return s.parallel.data.problem(problem.message);
    case Field::tensor:
      return s.parallel.tensor.problem(problem.message);
    case Field::pipeline:
      return s.parallel.pipeline.problem(problem.message);
    case Field::expert:
      return s.parallel.expert.problem(problem.message);
    case Field::context:
      return s.parallel.context.problem(problem.message);
    case Field::interleave:
      return s.interleave.problem(problem.message);
    case Field::partition_group:
      return s.partition_group.problem(problem.message);
    case Field::group_reduction:
      return s.group_reduction.problem(problem.message);
    case Field::global_batch:
      return s.global_batch.problem(problem.message);
  }
  return s.n_accelerators.problem(problem.message);
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

core::Capped cap_of(const TrainingScenario& s, const training::Step& step, const cost::OperatorModel& operators) {
  const Power idle = operators.idle_power(), needed = step.energy / (static_cast<double>(s.n_accelerators.value) * step.iteration_time());
  return core::capped({.idle = idle, .core = needed - idle}, s.power_cap->value);
}

/// Of an iteration's time only computation slows.
Slowdown slowdown_of(const TrainingScenario& s, const training::Step& step, const cost::OperatorModel& operators) {
  const double n = static_cast<double>(s.n_accelerators.value), computing = step.breakdown.computing() / step.iteration_time();
  // Unfolded, each accelerator has had a speed of its own.
  const double stragglers = s.unfolded ? 1 : training::straggler_slowdown(n, s.straggler_spread);
  Slowdown found{.time = 1 + (stragglers - 1) * computing, .cause = "stragglers"};
  if (!s.power_cap) return found;
  const core::Capped cap = cap_of(s, step, operators);
  found.time = 1 + (stragglers * cap.slowdown - 1) * computing;
  // Mean power falls to that of the lower clock.
  found.energy = cap.power / (step.energy / (n * step.iteration_time())) * (1 + (cap.slowdown - 1) * computing);
  if (cap.slowdown > 1) found.cause = stragglers > 1 ? "stragglers and power cap" : "power cap";
  return found;
}

/// Why a cap cannot be held; nothing when it can.
std::string unholdable_cap(const TrainingScenario& s, const training::Step& step, const cost::OperatorModel& operators) {
  if (!s.power_cap) return {};
  const core::Capped cap = cap_of(s, step, operators);
  if (cap.power <= s.power_cap->value * (1 + 1e-6)) return {};
  return fmt::format("a power cap of {} cannot be held: at its lowest clock an accelerator draws {}", quantity_text(s.power_cap->value.in(watt), "W"),
                     quantity_text(cap.power.in(watt), "W"));
}

Metric metric(std::string name, double value, std::string unit, double relative_error = 0) {
  Metric m{.name = std::move(name), .value = value, .unit = std::move(unit)};
  if (relative_error > 0) m.low = value * (1 - relative_error), m.high = value * (1 + relative_error);
  return m;
}

training::Surroundings surroundings(const TrainingScenario& s, const Setting& setting) {
  return scenario::surroundings(s, *setting.accelerator, setting.system, *setting.grid);
}

/// The number that the memory does not hold, and what would.
Result infeasible(const Setting& setting, const training::Plan& plan, const training::MemoryUse& memory) {
  Result result;
  const DataSize capacity = catalog::usable_memory(*setting.accelerator);
  std::string parts;
  for (const auto& [name, size] : memory.parts())
    if (size > DataSize{}) parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", name, gigabytes(size));
  result.infeasible =
      fmt::format("stage {} of {} needs {} on each accelerator ({}), has {}; {}", memory.stage, plan.parallel.pipeline,
                  gigabytes(memory.total()), parts, gigabytes(capacity), training::way_to_fit(*setting.model, plan, capacity));
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

training::Surroundings surroundings(const TrainingScenario& s, const catalog::Accelerator& accelerator, const catalog::System* system,
                                    const catalog::Grid& grid) {
  const Date date = s.start.value_or(Date::from_civil(2025, 1, 1));
  training::Surroundings around{.server_share = training::server_share(accelerator, system),
                                .pue = s.pue,
                                .carbon_intensity = grid.carbon_intensity->at(date)};
  if (s.accelerator_hour_price) {
    around.accelerator_price = *s.accelerator_hour_price;
  } else {
    around.accelerator_price = training::owned_accelerator_price(accelerator, system, date).value_or(MoneyRate{});
    around.energy_price = grid.price->at(date);
  }
  return around;
}

void check(const TrainingScenario& s, const catalog::Catalog& catalog, Diagnostics& diagnostics) {
  const Setting setting = resolve(s, catalog, diagnostics);
  if (!setting.model || !setting.accelerator) return;
  const auto& [model, accelerator, system, fabric, grid] = setting;
  if (model->linear_attention || model->sparse_attention)
    diagnostics.add(s.n_accelerators.problem(fmt::format("{} has {} attention, whose training is not modelled", model->name,
                                                         model->linear_attention ? "linear" : "sparse")));
  for (const auto& problem : training::problems(s.plan(*accelerator, catalog), *model, s.n_accelerators.value))
    diagnostics.add(diagnostic_of(s, problem));
  for (std::size_t i = 0; i < s.phases.size(); ++i)
    for (const auto& problem : training::problems(s.plan(s.phases[i], *accelerator, catalog), *model, s.n_accelerators.value))
      diagnostics.add(s.global_batch.problem(fmt::format("phase {}: {}", i + 1, problem.message)));
  if (s.unfolded && s.unfolded->contention && !s.fabric)
    diagnostics.add(s.n_accelerators.problem("contention needs a \"fabric\" whose switches it runs on"));
  if (s.interleave.value > 1 && s.schedule != training::Schedule::interleaved)
    diagnostics.add(s.interleave.problem(fmt::format("groups of layers need the schedule \"interleaved\", but it is \"{}\"", io::enum_text(s.schedule))));
  if (s.partition_group.value > 0 && s.zero_stage == 0)
    diagnostics.add(s.partition_group.problem("zero stage 0 spreads nothing over a group; use 1 to 3, or 0 here"));
  if (s.power_cap && s.power_cap->value > *accelerator->tdp)
    diagnostics.add(s.power_cap->problem(fmt::format("{} is above the {} that {} draws at most", quantity_text(s.power_cap->value.in(watt), "W"),
                                                         quantity_text(accelerator->tdp->in(watt), "W"), accelerator->name)));
  if (!accelerator->peak(s.format.value))
    diagnostics.add(s.format.problem(
        fmt::format("{} does not compute in {}; it does in {}", accelerator->name, io::enum_text(s.format.value),
                    formats_of(*accelerator))));
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

namespace {

/// A part of the run: its plan, how long an iteration takes, and what it adds up to.
struct Part {
  training::Plan plan;
  Tokens tokens;
  training::Step step;
  training::RunTotals totals;
  Slowdown slowdown = {};
};

/// The phases in their order, and the rest of the tokens under the scenario's own plan.
std::vector<Part> parts_of(const TrainingScenario& s, const Setting& setting, const catalog::Catalog& catalog, Tokens tokens) {
  std::vector<Part> parts;
  for (const auto& phase : s.phases) {
    const Tokens here = std::min(phase.tokens, tokens);
    parts.push_back({.plan = s.plan(phase, *setting.accelerator, catalog), .tokens = here, .step = {}, .totals = {}});
    tokens -= here;
  }
  if (tokens > Tokens{} || parts.empty()) parts.push_back({.plan = s.plan(*setting.accelerator, catalog), .tokens = tokens, .step = {}, .totals = {}});
  return parts;
}

std::unique_ptr<network::Topology> topology_of(const TrainingScenario& s, const Setting& setting, const catalog::Catalog& catalog) {
  network::FabricDesign design{.n_accelerators = s.n_accelerators.value, .oversubscription = s.unfolded->oversubscription};
  const network::FabricParts parts{
      .scale_up = setting.system && setting.system->fabric ? catalog.fabrics.find(*setting.system->fabric) : nullptr,
      .scale_out = setting.fabric};
  auto topology = network::make_topology(design, parts);
  for (const auto& name : s.unfolded->failed_links)
    for (const auto link : topology->links_named(name)) topology->set_failed(link, true);
  return topology;
}

/// The unfolded step in place of the folded one, and what it says of replicas and traffic.
void unfold(const TrainingScenario& s, const Setting& setting, const catalog::Catalog& catalog, const training::Machine& machine,
            std::uint64_t seed, Part& part, Result& result) {
  const auto topology = s.unfolded->contention ? topology_of(s, setting, catalog) : nullptr;
  const auto unfolded = training::unfolded_step(*setting.model, part.plan, machine, s.straggler_spread,
                                                RandomStream(seed, "stragglers"), topology.get());
  part.step = unfolded.step;
  Table table("unfolded", {{"what", Table::Kind::text}, {"value"}, {"unit", Table::Kind::text}});
  const auto add = [&](const char* what, double value, const char* unit) { table.add({std::string{what}, value, std::string{unit}}); };
  add("fastest replica's pipeline", unfolded.fastest.in(second), "s");
  add("mean replica's pipeline", unfolded.mean.in(second), "s");
  add("slowest replica's pipeline", unfolded.slowest.in(second), "s");
  const auto& c = unfolded.contention;
  for (const auto& [what, factor] : {std::pair{"tensor traffic stretched", c.tensor}, {"context traffic stretched", c.context},
                                     {"expert traffic stretched", c.expert}, {"data-parallel traffic stretched", c.data},
                                     {"pipeline traffic stretched", c.pipeline}})
    add(what, factor, "1");
  result.tables.push_back(std::move(table));
}

Table phase_table(const std::vector<Part>& parts) {
  Table table("phases", {{"phase", Table::Kind::integer}, {"tokens"}, {"global_batch", Table::Kind::integer},
                         {"sequence_length", Table::Kind::integer}, {"iterations"}, {"iteration_time_s"}, {"mfu"}, {"duration_day"}});
  std::int64_t number = 0;
  for (const auto& part : parts)
    table.add({++number, part.tokens.in(token), part.plan.global_batch, part.plan.sequence_length, part.totals.n_iterations,
               part.slowdown.time * part.step.iteration_time().in(second), part.step.mfu / part.slowdown.time, part.totals.duration.in(day)});
  return table;
}

std::vector<Metric> metrics_of(const TrainingScenario& s, const Part& main, const training::RunTotals& totals,
                               const training::Goodput& goodput, Tokens tokens, double hours, const training::MemoryUse& memory) {
  const double error = main.step.error * (main.step.breakdown.computing() / main.step.iteration_time()), slow = main.slowdown.time;
  std::vector<Metric> metrics = {metric("iteration_time", slow * main.step.iteration_time().in(second), "s", error),
                                 metric("mfu", main.step.mfu / slow, "1", error),
                                 metric("hfu", main.step.hfu / slow, "1", error),
                                 metric("training_days", totals.duration.in(day), "day", error),
                                 metric("accelerator_hours", hours, "h", error),
                                 metric("tokens_per_second", totals.token_rate(tokens).in(token / second), "token/s", error),
                                 metric("accelerator_power", (totals.accelerator_energy / totals.accelerator_time).in(watt), "W"),
                                 metric("energy", totals.facility_energy.in(mega * watt_hour), "MWh"),
                                 metric("carbon", totals.carbon.in(1000 * kg_co2e), "tCO2e"),
                                 metric("cost", totals.cost().in(usd), "USD"),
                                 metric("memory_per_accelerator", memory.total().in(byte), "B")};
  if (memory.host > DataSize{}) metrics.push_back(metric("host_memory_per_accelerator", memory.host.in(byte), "B"));
  if (s.failures || s.checkpoints) {
    metrics.push_back(metric("goodput", goodput.useful, "1"));
    metrics.push_back(metric("interruptions_per_day", goodput.n_per_day, "1/day"));
    metrics.push_back(metric("checkpoint_interval", goodput.interval.in(second), "s"));
  }
  return metrics;
}

}  // namespace

Result run(const TrainingScenario& s, const catalog::Catalog& catalog, const RunContext& context) {
  Diagnostics diagnostics;
  const Setting setting = resolve(s, catalog, diagnostics);
  diagnostics.throw_if_any();
  const Tokens tokens = s.tokens ? *s.tokens : setting.model->training_tokens->value;
  auto parts = parts_of(s, setting, catalog, tokens);
  Part& main = *std::ranges::max_element(parts, {}, &Part::tokens);  // what is told of an iteration is told of the longest phase's
  training::MemoryUse memory;
  for (const auto& part : parts) {
    const auto use = training::peak_memory(*setting.model, part.plan);
    if (use.total() > catalog::usable_memory(*setting.accelerator)) return infeasible(setting, part.plan, use);
    if (use.total() > memory.total()) memory = use;
  }
  const auto network =
      network::network_of(*setting.accelerator, setting.system, setting.fabric, s.n_accelerators.value, catalog);
  const cost::OperatorModel operators(*setting.accelerator, catalog);
  const training::Machine machine{operators, *network, training::software_stack(s.software.value)};

  Result result;
  const auto goodput = goodput_of(s, *setting.model);
  training::RunTotals totals;
  training::Breakdown whole;
  for (auto& part : parts) {
    part.step = training::step(*setting.model, part.plan, machine);
    if (s.unfolded && &part == &main) unfold(s, setting, catalog, machine, context.seed, part, result);
    part.totals = training::run_totals(part.step, part.plan, part.tokens, surroundings(s, setting));
    auto breakdown = part.step.breakdown;
    breakdown.scale(part.totals.n_iterations), whole += breakdown;
    if (auto why = unholdable_cap(s, part.step, operators); !why.empty()) {
      result.infeasible = result.headline = std::move(why);
      return result;
    }
    part.slowdown = slowdown_of(s, part.step, operators);
    part.totals.accelerator_energy *= part.slowdown.energy;
    training::stretch(part.totals, goodput, part.slowdown.time, surroundings(s, setting));
    totals += part.totals;
  }
  context.progress(1, "training run");

  const double n = static_cast<double>(s.n_accelerators.value);
  double hours = 0;
  result.ledger = use_ledger(whole, totals, goodput, n, hours);
  result.binds = bindings(main.step, main.plan, *network, main.slowdown);
  const auto passes = training::passes(*setting.model, main.plan, machine);
  result.tables.insert(result.tables.begin(), {breakdown_table(main.step, main.slowdown), memory_table(*setting.model, main.plan), slack_table(main.plan, passes)});
  if (parts.size() > 1) result.tables.push_back(phase_table(parts));
  if (auto trace = timeline_trace(main.plan, passes); trace.n_rows() > 0) result.tables.push_back(std::move(trace));
  result.metrics = metrics_of(s, main, totals, goodput, tokens, hours, memory);
  const auto& first = result.binds.front();
  result.headline = fmt::format(
      "{} on {} {} trains {} in {:.3g} days at {:.0f} % MFU{}, for {}, {} and {}; {} binds ({:.0f} % of each "
      "iteration)",
      setting.model->name, grouped(n), setting.accelerator->name, counted(tokens.in(token), "tokens"),
      totals.duration.in(day), 100 * main.step.mfu / main.slowdown.time,
      s.failures ? fmt::format(" and {:.0f} % goodput", 100 * goodput.useful) : "", counted(hours, "accelerator-hours"),
      quantity_text(totals.facility_energy.in(watt_hour), "Wh"), counted(totals.cost().in(usd), "USD"), first.resource,
      100 * first.share);
  return result;
}

}  // namespace waferwatt::scenario
