// SPDX-License-Identifier: Apache-2.0
#include "serving_row.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <regex>

namespace waferwatt::validation {
namespace {

using catalog::NumberFormat;

/// Looked for in this order: names that hold others come first. Engines of 2022 and 2023 launch every kernel; what NVIDIA
/// submits to MLPerf runs engines that TensorRT built.
constexpr std::pair<std::string_view, std::string_view> kEngines[] = {
    {"gptsession", "trtllm-session"}, {"tensorrt-llm static", "trtllm-session"}, {"tensorrt-llm", "trtllm"}, {"trtllm", "trtllm"}, {"nvidia", "trtllm-engine"},
    {"vllm v0.2", "eager"},           {"vllm (2023", "eager"},                   {"vllm", "vllm"},           {"sglang", "sglang"}, {"deepseek profile", "sglang"},
    {"distserve", "eager"},           {"deepspeed", "eager"},                    {"accelerate", "eager"}};

std::string_view recipe_text(cost::Recipe recipe) {
  return recipe == cost::Recipe::int4_weights ? "integers" : recipe == cost::Recipe::block ? "blocks" : "";
}

}  // namespace

std::string layout_text(const serving::ReplicaPlan& p) {
  return fmt::format("tp{} pp{} dp{} ep{} slices{}", p.tensor_parallel, p.pipeline_parallel, p.data_parallel, p.expert_parallel, p.expert_tensor_parallel);
}

Precision precision_named(const std::string& said, const catalog::LanguageModel& model) {
  const std::string name = lower(said);
  Precision p{model.weight_format};
  if (name.starts_with("int4")) p.recipe = cost::Recipe::int4_weights;
  if (name.starts_with("fp8") && contains(name, "block")) p.recipe = cost::Recipe::block;
  if (name.starts_with("fp8") || name.starts_with("int8"))
    p.format = NumberFormat::fp8;
  else if (name.starts_with("fp4") || name.starts_with("nvfp4") || name.starts_with("mxfp4") || name.starts_with("int4"))
    p.format = NumberFormat::fp4;
  else if (name.starts_with("bf16") || name.starts_with("fp16") || name.starts_with("bfloat16") || name.starts_with("float16"))
    p.format = NumberFormat::bf16;
  else if (!name.empty())
    throw Unusable(fmt::format("precision \"{}\" is not known", said));
  if (catalog::size_of(model.weight_format) < catalog::size_of(p.format)) p.format = model.weight_format;
  return p;
}

void settle_plan(serving::ReplicaPlan& plan, const ServingCase& c, const Precision& precision) {
  const auto* backend = serving::find_backend(c.backend);
  serving::set_checkpoint_formats(plan, *c.model, *c.accelerator, precision.format, precision.recipe);
  if (c.model->moe) plan.routing = {.kind = cost::Routing::Kind::power_law, .exponent = kRoutingExponent};
  if (backend && precision.format != NumberFormat::bf16) plan.kv_format = backend->kv_format;
  if (const auto reason = serving::unsound_split(*c.model, plan); !reason.empty()) throw Unusable(reason);
}

std::string configuration_of(const ServingCase& c, const Precision& precision) {
  std::string out = fmt::format("{} {} {} {} {} {}", c.backend, c.model->id, c.accelerator->id, io::enum_text(precision.format),
                                recipe_text(precision.recipe), layout_text(c.plan));
  if (const auto& workers = c.disaggregation) {
    const auto& q = workers->prefill_plan;
    out += fmt::format(" behind {} x tp{} dp{} ep{} slices{} to {}", workers->n_prefill, q.tensor_parallel, q.data_parallel, q.expert_parallel,
                       q.expert_tensor_parallel, workers->n_decode);
  }
  return out;
}

std::string backend_named(const std::string& engine, const std::string& source) {
  constexpr int kFirstOnPytorch = 19;
  const std::string name = lower(engine.empty() ? source : engine);
  const auto at = std::ranges::find_if(kEngines, [&](const auto& pair) { return contains(name, pair.first); });
  if (at == std::end(kEngines)) return name;
  static const std::regex release("tensorrt-llm v?0\\.([0-9]+)");
  std::smatch found;
  const std::string said = name + " " + lower(source);
  if (at->second == "trtllm" && std::regex_search(said, found, release) && std::stoi(found[1]) < kFirstOnPytorch) return "trtllm-engine";
  return std::string{at->second};
}

void read_whole_time(ServingCase& c, double whole_s, std::optional<double> power_of_tdp) {
  constexpr double kAgrees = 0.1;
  const double steps = static_cast<double>(c.load.output_tokens - 1);
  const double parts_s = c.ttft_s.value_or(0) + steps * c.tpot_s.value_or(0);
  if (whole_s <= 0 || std::abs(whole_s / parts_s - 1) > kAgrees) return;
  const double n_output = static_cast<double>(c.load.concurrency * c.load.output_tokens);
  c.tokens_per_s = n_output / whole_s;
  if (power_of_tdp)
    c.joule_per_token = *power_of_tdp * c.accelerator->tdp->in(watt) * static_cast<double>(c.plan.n_accelerators()) * whole_s / n_output;
}

}  // namespace waferwatt::validation
