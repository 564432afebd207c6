// SPDX-License-Identifier: Apache-2.0
// A row's software, plan and measured time.
#include "training_row.hpp"

#include <algorithm>
#include <cmath>
#include <regex>

#include <fmt/format.h>

#include "waferwatt/training/memory.hpp"

namespace waferwatt::validation {
namespace {

using training::Recompute;
using training::Schedule;

catalog::NumberFormat format_of(const std::string& dtype) {
  const std::string name = lower(dtype);
  if (contains(name, "fp4")) return catalog::NumberFormat::fp4;
  if (contains(name, "fp8")) return catalog::NumberFormat::fp8;
  return catalog::NumberFormat::bf16;
}

/// Flags of the recipe that a source names.
struct Flags {
  const Value* flags;
  explicit Flags(const Value& plan) : flags(member(plan, "recipe_flags")) {}
  std::string text(std::string_view key) const { return flags ? lower(text_of(*flags, key)) : std::string{}; }
  bool is(std::string_view key) const { return flags && is_true(*flags, key); }
  bool is_not(std::string_view key) const { return contains(text(key), "false"); }
  std::optional<double> number(std::string_view key) const {
    const std::string said = text(key);
    if (said.empty() || !std::isdigit(static_cast<unsigned char>(said[0]))) return std::nullopt;
    return std::stod(said);
  }
};

Recompute recompute_of(const Value& plan, const Flags& flags) {
  const std::string said = lower(text_of(plan, "recompute"));
  if (contains(said, "full")) return Recompute::full;
  if (contains(said, "selective") || contains(said, "minimal")) return Recompute::selective;
  if (contains(flags.text("recompute_granularity"), "full") && !flags.number("recompute_num_layers")) return Recompute::full;
  const std::string modules = flags.text("recompute_modules");
  if (contains(modules, "mla_up_proj") || contains(modules, "act") || contains(modules, "mlp")) return Recompute::selective;
  return Recompute::none;
}

/// Zero stage: a number, "distributed optimizer" (1), FSDP's FULL_SHARD (3) and SHARD_GRAD_OP (2).
std::int64_t zero_of(const Value& plan, const Flags& flags) {
  if (flags.is("use_megatron_fsdp")) return 3;
  const std::string fsdp = text_of(plan, "fsdp");
  if (contains(fsdp, "SHARD_GRAD_OP")) return 2;
  if (contains(fsdp, "FULL_SHARD") || number_of(plan, "fsdp").value_or(0) > 1) return 3;
  if (const auto stage = number_of(plan, "zero")) return std::clamp<std::int64_t>(static_cast<std::int64_t>(*stage), 0, 3);
  const std::string said = lower(text_of(plan, "zero"));
  for (const char stage : {'3', '2', '1'})
    if (contains(said, std::string("zero-") + stage) || contains(said, std::string("zero") + stage)) return stage - '0';
  return contains(said, "distributed") ? 1 : 0;
}

/// Of tensor-parallel traffic, what runs beside products where these are not cut into pieces (tp_comm_overlap): of the gathers and
/// scatters both ways, the backward pass's scatters, beside the products for gradients of weights (Megatron-Core's
/// linear_with_grad_accumulation_and_async_allreduce).
double overlapped_without_pieces(catalog::NumberFormat format) {
  const DataSize gather = catalog::size_of(format), scatter = 2 * byte;
  return scatter / (2 * (gather + scatter));
}

void read_overlap(const Value& plan_value, const Flags& flags, training::Plan& plan) {
  if (flags.is_not("tp_comm_overlap")) plan.overlap.tensor = overlapped_without_pieces(plan.format);
  plan.overlapped_dispatch = flags.is("overlap_moe_expert_parallel_comm");
  const std::string said = lower(text_of(plan_value, "overlap"));
  if (contains(said, "none")) plan.overlap = {.tensor = 0.0, .expert = 0.0, .context = 0.0, .data = 0.0};
}

/// DeepSpeed keeps gradients in 16 bits, and their fp32 sum too where a row says that they are added up in fp32; ZeRO-1 and 2
/// make an fp32 copy of a rank's part for the optimizer, and go through two buckets of 5e8 numbers, the defaults of its
/// configuration. Its pipeline holds outputs, and talks in groups of its own: replicas, stages, neighbours.
void read_states(const Value& plan_value, const std::string& software, training::Plan& plan) {
  if (software.starts_with("megatron-bridge")) plan.gradient_bytes = 2;
  if (software != "megatron-deepspeed") return;
  plan.gradient_bytes = contains(lower(text_of(plan_value, "dtype")), "fp32 grad") ? 6 : 2;
  plan.engine.keeps_outputs = true, plan.engine.n_communicators = 3;
  if (plan.zero_stage > 0) plan.optimizer_bytes = 16, plan.engine.buckets = 2 * 5e8 * 2 * byte;
}

/// Activations of so many layers go to the host: time is as if those of all went over a link that much faster.
void read_offload(const Flags& flags, const catalog::LanguageModel& model, training::Plan& plan) {
  if (!flags.is("cpu_offloading")) return;
  plan.offload_activations = true;
  const double layers = static_cast<double>(model.n_layers.value);
  plan.host_bandwidth *= layers / std::clamp(flags.number("cpu_offloading_num_layers").value_or(layers), 1.0, layers);
}

void read_graphs(const Flags& flags, training::Plan& plan) {
  if (flags.text("cuda_graph_impl").empty() || contains(flags.text("cuda_graph_impl"), "none")) {
    if (contains(flags.text("cuda_graph_scope"), "full_iteration")) plan.capture = training::GraphCapture::whole;
    return;
  }
  plan.capture = contains(flags.text("cuda_graph_scope"), "full_iteration") || contains(flags.text("cuda_graph_impl"), "local")
                     ? training::GraphCapture::whole
                     : training::GraphCapture::attention;
}

}  // namespace

KnownSoftware software_of(const std::string& source, const catalog::Accelerator& accelerator, const catalog::LanguageModel& model) {
  static constexpr std::pair<std::string_view, std::string_view> kStacks[] = {
      {"sc21", "megatron-2021"},        {"korthikanti", "megatron-2022"},   {"smith et al", "megatron-2021"},
      {"bigscience", "megatron-deepspeed"}, {"llm-foundry", "llm-foundry"}, {"megatron-bridge", "megatron-bridge"},
      {"mlperf", "nemo-mlperf"},        {"nemo", "megatron-bridge"},        {"maxtext", "maxtext"},
      {"palm", "maxtext"},              {"deepspeed", "megatron-deepspeed"}, {"fsdp", "llm-foundry"},
      {"torchtitan", "llm-foundry"},    {"llama 3", "megatron-core"}};
  const std::string name = lower(source);
  const auto at = std::ranges::find_if(kStacks, [&](const auto& pair) { return contains(name, pair.first); });
  KnownSoftware found{at != std::end(kStacks) ? std::string{at->second} : training::software_stacks().front().name, at != std::end(kStacks)};
  if (found.name == "llm-foundry" && accelerator.peak_fp8) found.name = "llm-foundry-hopper";
  if (found.name != "megatron-bridge" || !model.moe) return found;
  // "performance summary 26.04.01": the year and month of a release.
  found.name = "megatron-bridge-moe";
  std::smatch release;
  if (std::regex_search(source, release, std::regex("summary ([0-9]{2}\\.[0-9]{2})")) && release[1] >= std::string("26.06"))
    found.name = "megatron-bridge-moe-2606";
  return found;
}

training::Plan plan_of(const Value& row, const catalog::LanguageModel& model, Bandwidth host_bandwidth, std::int64_t n,
                       const std::string& software) {
  const Value* given = member(row, "plan");
  if (!given) throw Unusable("the plan is not given");
  const Value& v = *given;
  if (contains(lower(text_of(v, "task")), "lora")) throw Unusable("only adapters are trained");
  const Flags flags(v);
  training::Plan plan{.host_bandwidth = host_bandwidth};
  auto& p = plan.parallel;
  const auto degree = [&](const char* key) { return std::max<std::int64_t>(1, whole(v, key, 1)); };
  p.tensor = number_of(v, "tp") ? degree("tp") : degree("mp"), p.pipeline = degree("pp"), p.context = degree("cp");
  p.expert = degree("ep");
  if (model.moe) p.expert_tensor = std::max<std::int64_t>(1, whole(v, "etp", 1));
  p.data = std::max<std::int64_t>(1, n / (p.tensor * p.pipeline * p.context));
  plan.sequence_length = required(v, "the sequence length", "seq");
  plan.global_batch = required(v, "the global batch", "gbs");
  const std::int64_t per_rank = std::max<std::int64_t>(1, plan.global_batch / p.data);
  const auto steps = number_of(v, "grad_accum");
  plan.micro_batch = whole(v, "mbs", steps && *steps > 0 ? std::max<std::int64_t>(1, per_rank / static_cast<std::int64_t>(*steps)) : 1);
  // Some count the micro-batch of all tensor-parallel ranks' chips together; none can hold more than a rank has.
  plan.micro_batch = std::clamp<std::int64_t>(plan.micro_batch, 1, per_rank);
  const std::int64_t virtual_stages = whole(v, "vp", 1);
  if (virtual_stages > 1 && p.pipeline > 1) plan.schedule = Schedule::interleaved, plan.interleave = virtual_stages;
  const std::string schedule = lower(text_of(v, "schedule"));
  if (contains(schedule, "gpipe")) plan.schedule = Schedule::gpipe;
  if (contains(schedule, "dualpipe")) plan.schedule = Schedule::dual_pipe;
  if (contains(schedule, "zb") || contains(schedule, "zero bubble")) plan.schedule = Schedule::zero_bubble_h1;
  plan.recompute = recompute_of(v, flags);
  plan.zero_stage = zero_of(v, flags);
  plan.format = format_of(text_of(v, "dtype"));
  plan.fused_attention = !software.starts_with("megatron-20") && software != "megatron-deepspeed";
  plan.sequence_parallel = member(v, "sequence_parallel") ? is_true(v, "sequence_parallel") : plan.fused_attention && p.tensor > 1;
  plan.deduplicated_dispatch = contains(flags.text("moe_token_dispatcher_type"), "flex") ||
                               contains(flags.text("moe_flex_dispatcher_backend"), "ep") ||
                               contains(text_of(v, "kernels"), "DeepEP");
  if (const Value* mtp = member(*member(row, "model"), "mtp")) plan.n_prediction_layers = is_true(*member(row, "model"), "mtp") ? 1 : static_cast<std::int64_t>(mtp->is_number() ? mtp->number() : 0);
  read_overlap(v, flags, plan);
  read_graphs(flags, plan);
  read_states(v, software, plan);
  read_offload(flags, model, plan);
  const std::int64_t group = number_of(v, "fsdp") ? whole(v, "fsdp", 0) : whole(v, "fsdp_group", 0);
  if (plan.zero_stage == 3 && group > 1 && p.n_replicas() % group == 0) plan.partition_group = group;
  return plan;
}

Time measured_time(const Value& row, const TrainingCase& c) {
  const Value* measured = member(row, "measured");
  if (!measured) throw Unusable("nothing was measured");
  const auto given = [&](const char* key) { return number_of(*measured, key); };
  for (const char* key : {"iteration_time_s", "step_time_s", "step_time_s_derived", "iteration_time_s_derived"})
    if (const auto seconds = given(key); seconds && *seconds > 0) return *seconds * second;
  if (const auto ms = given("iteration_time_ms"); ms && *ms > 0) return *ms * milli * second;
  const double n = static_cast<double>(c.n_accelerators), tokens = c.plan.tokens_per_iteration();
  if (const auto rate = given("tokens_per_s"); rate && *rate > 0) return tokens / *rate * second;
  if (const auto rate = given("tokens_per_s_per_gpu"); rate && *rate > 0) return tokens / (n * *rate) * second;
  if (const auto rate = given("samples_per_s"); rate && *rate > 0) return static_cast<double>(c.plan.global_batch) / *rate * second;
  // Model FLOP/s count causal attention whole, as Megatron's and MaxText's formulas do.
  const double work = 6 * c.model.parameters(true) +
                      12 * static_cast<double>(c.model.n_layers.value * c.model.n_heads.value * c.model.head_size() * c.plan.sequence_length);
  for (const char* key : {"model_tflops_per_gpu", "tflops_per_gpu", "tflops_per_chip"})
    if (const auto rate = given(key); rate && *rate > 0) return tokens * work / (n * *rate * 1e12) * second;
  if (const auto rate = given("tflops_per_gpu_hw"); rate && *rate > 0)
    return tokens * work * (c.plan.recompute == Recompute::full ? 4.0 / 3 : 1) / (n * *rate * 1e12) * second;
  if (const auto mfu = given("mfu_pct"); mfu && *mfu > 0)
    return tokens * work / (n * *mfu / 100 * c.accelerator.peak_bf16.value.in(flop / second)) * second;
  throw Unusable("no time of an iteration");
}

namespace {

void fit_batch(TrainingCase& c) {
  auto& plan = c.plan;
  // An uneven last batch is as long as a full one on most ranks.
  const std::int64_t step = plan.micro_batch * plan.parallel.data;
  if (plan.global_batch % step != 0) plan.global_batch = std::max(step, (plan.global_batch + step / 2) / step * step);
  if (plan.schedule == Schedule::dual_pipe && plan.n_micro_batches() % 2 != 0) plan.global_batch += step;
  if (plan.schedule != Schedule::interleaved) return;
  if (plan.n_chunks() * plan.parallel.pipeline > c.model.n_layers.value + 2 || plan.n_micro_batches() % plan.parallel.pipeline != 0)
    plan.schedule = Schedule::one_forward_one_backward, plan.interleave = 1;
}

TrainingCase case_of(const Value& row, const std::string& id, const catalog::Catalog& catalog) {
  const Value* hardware = member(row, "hardware");
  if (!hardware) throw Unusable("the hardware is not given");
  const std::int64_t n = required(*hardware, "the number of accelerators", "n_gpus");
  const auto accelerator = accelerator_of(*hardware, catalog);
  auto model = model_of(row);
  // Rows give sizes; what else a model's experts do the catalog knows by its name.
  if (const auto* known = catalog.language_models.find(lower(model.name)); known && known->moe && model.moe)
    model.moe->expert_biases = known->moe->expert_biases, model.moe->clamped_gate = known->moe->clamped_gate;
  const auto software = software_of(text_of(row, "source"), accelerator, model);
  TrainingCase c{.id = id,
                 .group = software.name + " " + accelerator.id,
                 .software = software.name,
                 .software_is_known = software.is_known,
                 .is_partial = text_of(row, "replayable") == "partial",
                 .model = model,
                 .accelerator = accelerator,
                 .network = network_of(*hardware, accelerator, catalog, n),
                 .n_accelerators = n,
                 .plan = plan_of(row, model, training::host_bandwidth(accelerator, catalog), n, software.name)};
  if (c.is_partial) c.group += " (partial)";
  fit_batch(c);
  if (!accelerator.peak(c.plan.format)) throw Unusable(accelerator.name + " does not compute in the plan's format");
  for (const auto& problem : training::problems(c.plan, c.model, n)) throw Unusable(problem.message);
  c.measured = measured_time(row, c);
  if (const auto used = number_of(*member(row, "measured"), "max_mem_GB_nvidia_smi")) c.measured_memory = *used * giga * byte;
  return c;
}

}  // namespace

void add_row(TrainingCases& found, const Value& row, const std::string& id, const catalog::Catalog& catalog) {
  const std::string replayable = text_of(row, "replayable");
  if (replayable == "n/a" || replayable == "no") {
    found.skipped.push_back({id, replayable == "n/a" ? "not an iteration time" : "marked as not replayable"});
    return;
  }
  try {
    found.cases.push_back(case_of(row, id, catalog));
  } catch (const Unusable& problem) {
    found.skipped.push_back({id, problem.what()});
  }
}

}  // namespace waferwatt::validation
