// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/validation/serving_cases.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "serving_names.hpp"
#include "serving_recipes.hpp"
#include "serving_row.hpp"
#include "serving_shipped.hpp"
#include "table_row.hpp"
#include "text_file.hpp"
#include "waferwatt/validation/measurement_file.hpp"

namespace waferwatt::validation {
namespace {

const catalog::LanguageModel& model_of(const TableRow& row, const catalog::Catalog& catalog) {
  const std::string path = row.text("model_path");
  if (const auto* model = find_language_model(path, catalog)) return *model;
  throw Unusable(fmt::format("the catalog has no language model \"{}\"", path));
}

const catalog::Accelerator& accelerator_of(const TableRow& row, const catalog::Catalog& catalog) {
  const auto id = accelerator_of_name(row.text("system"), catalog);
  if (!id) throw Unusable(fmt::format("the catalog has no accelerator \"{}\"", row.text("system")));
  return catalog.accelerators.at(*id);
}

/// Of the weights: the first column that says it.
Precision precision_of(const TableRow& row, const catalog::LanguageModel& model) {
  for (const char* column : {"precision", "moe_quant_mode", "gemm_quant_mode"})
    if (const std::string said = row.text(column); !said.empty()) return precision_named(said, model);
  return precision_named("", model);
}

/// The split of one worker; `prefix` is "" or "prefill_" or "decode_".
serving::ReplicaPlan plan_of(const TableRow& row, const std::string& prefix, const catalog::LanguageModel& model) {
  const auto size = [&](const char* name) { return std::max<std::int64_t>(1, row.whole(prefix + name, 1)); };
  serving::ReplicaPlan plan;
  plan.tensor_parallel = size("tp_size"), plan.pipeline_parallel = size("pp_size"), plan.data_parallel = size("attention_dp_size");
  std::int64_t expert = size("moe_ep_size"), slices = size("moe_tp_size");
  // Tables that name one size n for attention and for experts multiply it with itself: n x n ranks of attention
  // (or of data-parallel attention) and n slices of each n-th of the experts are n accelerators.
  const bool all_squared = slices > 1 && slices == expert && plan.n_ranks() == slices * expert;
  const bool attention_squared = plan.data_parallel > 1 && plan.data_parallel == plan.tensor_parallel && expert == plan.n_ranks();
  if (model.moe && (all_squared || attention_squared)) {
    const std::int64_t n = all_squared ? expert : plan.data_parallel;
    (plan.data_parallel > 1 ? plan.data_parallel : plan.tensor_parallel) = expert = n;
    (plan.data_parallel > 1 ? plan.tensor_parallel : plan.data_parallel) = 1;
    slices = 1;
  }
  plan.expert_parallel = expert > 1;
  plan.expert_tensor_parallel = plan.expert_parallel ? std::max<std::int64_t>(1, plan.n_ranks() / expert) : 1;
  return plan;
}

/// `concurrency` counts the whole deployment, `batch_size` one data-parallel rank of it.
void spread_over_replicas(ServingCase& c, const TableRow& row) {
  const std::int64_t of_replica = row.whole("batch_size", 0) * std::max<std::int64_t>(1, row.whole("attention_dp_size", 1));
  if (of_replica < 1 || c.load.concurrency % of_replica != 0) return;
  c.n_replicas = c.load.concurrency / of_replica;
}

ServingCase case_of(const TableRow& row, const catalog::Catalog& catalog) {
  ServingCase c;
  c.id = row.text("id"), c.backend = row.text("backend"), c.system = row.text("system");
  c.backend_version = row.text("backend_version"), c.measured_on = row.text("measured_on");
  c.load = {.concurrency = row.required("concurrency"), .input_tokens = row.required("isl"), .output_tokens = row.required("osl")};
  const auto milliseconds = [&](const char* column) {
    const auto value = row.number(column);
    return value ? std::optional{*value / 1e3} : std::nullopt;
  };
  c.ttft_s = milliseconds("measured_ttft_ms"), c.tpot_s = milliseconds("measured_tpot_ms");
  c.tokens_per_s = row.number("measured_tokens_per_s"), c.joule_per_token = row.number("measured_joule_per_token");
  c.model = &model_of(row, catalog);
  c.accelerator = &accelerator_of(row, catalog);
  if (!c.ttft_s && !c.tpot_s && !c.tokens_per_s && !c.joule_per_token) throw Unusable("nothing was measured");
  const bool is_disaggregated = row.text("mode") == "disagg";
  if (!is_disaggregated) spread_over_replicas(c, row);
  if (is_disaggregated)
    c.disaggregation = {.n_prefill = row.required("prefill_num_workers"), .n_decode = row.required("decode_num_workers")};
  c.is_known_backend = serving::find_backend(c.backend) != nullptr;
  const Precision precision = precision_of(row, *c.model);
  const auto sound_plan = [&](const std::string& prefix) {
    auto plan = plan_of(row, prefix, *c.model);
    settle_plan(plan, c, precision);
    return plan;
  };
  c.plan = sound_plan(is_disaggregated ? "decode_" : "");
  if (is_disaggregated) c.disaggregation->prefill_plan = sound_plan("prefill_");
  c.configuration = configuration_of(c, precision);
  if (!take_inference_x_recipe(c)) take_aiconfigurator_recipe(c);
  return c;
}

ServingCases cases_of(const std::string& file, std::string_view text, const catalog::Catalog& catalog) {
  ServingCases out;
  out.skipped = for_each_row(file, text, {"id", "model_path", "system", "concurrency", "isl", "osl"},
                             [&](const TableRow& row) { out.cases.push_back(case_of(row, catalog)); });
  return out;
}

}  // namespace

void ServingCases::add(ServingCases other) {
  std::ranges::move(other.cases, std::back_inserter(cases));
  std::ranges::move(other.skipped, std::back_inserter(skipped));
}

ServingCases read_serving_cases(const std::string& file, const catalog::Catalog& catalog) {
  if (file.ends_with(".json")) return read_published_serving(file, catalog);
  const std::string text = text_of_file(file);
  const std::string_view header = std::string_view(text).substr(0, text.find('\n'));
  if (header.find("prompt_size") != header.npos) return read_static_batches(file, text, catalog);
  return cases_of(file, text, catalog);
}

ServingCases shipped_serving_cases(const catalog::Catalog& catalog) { return cases_of("shipped cases", kShippedServing, catalog); }

}  // namespace waferwatt::validation
