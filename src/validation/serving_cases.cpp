// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/validation/serving_cases.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "serving_names.hpp"
#include "serving_shipped.hpp"
#include "text_file.hpp"
#include "waferwatt/validation/measurement_file.hpp"

namespace waferwatt::validation {
namespace {

/// Load generators draw lengths from 80 to 100 % of the nominal ones (InferenceX's, from which most public
/// measurements of this form are); files do not say it.
constexpr double kSpread = 0.2;

/// Tokens choose experts unevenly: what is busy in one batch, not what is busiest over a day. 1.01 is the exponent at
/// which kernels of experts are commonly measured.
constexpr double kRoutingExponent = 1.01;

using catalog::NumberFormat;

class Unusable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Cells of one line by the name of their column.
class Row {
 public:
  Row(const std::vector<std::string>& columns, std::vector<std::string_view> cells) : columns_(columns), cells_(std::move(cells)) {}

  std::string text(std::string_view column) const {
    const auto at = std::ranges::find(columns_, column);
    const auto index = static_cast<std::size_t>(at - columns_.begin());
    return at == columns_.end() || index >= cells_.size() ? std::string{} : std::string{cells_[index]};
  }
  /// Nothing for an empty cell. \throws InputError for what is no number, or is negative
  std::optional<double> number(std::string_view column) const {
    const std::string cell = text(column);
    if (cell.empty()) return std::nullopt;
    double value = 0;
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (error != std::errc{} || end != cell.data() + cell.size())
      throw InputError(fmt::format("{}: expected a number, got \"{}\"", column, cell));
    if (value < 0) throw InputError(fmt::format("{}: {} is negative", column, cell));
    return value;
  }
  std::int64_t whole(std::string_view column, std::int64_t otherwise) const {
    const auto value = number(column);
    return value ? static_cast<std::int64_t>(*value) : otherwise;
  }
  std::int64_t required(std::string_view column) const {
    const auto value = number(column);
    if (!value || *value < 1) throw Unusable(fmt::format("{} is not given", column));
    return static_cast<std::int64_t>(*value);
  }

 private:
  const std::vector<std::string>& columns_;
  std::vector<std::string_view> cells_;
};

const catalog::LanguageModel& model_of(const Row& row, const catalog::Catalog& catalog) {
  const std::string path = row.text("model_path");
  if (const auto* model = find_language_model(path, catalog)) return *model;
  throw Unusable(fmt::format("the catalog has no language model \"{}\"", path));
}

const catalog::Accelerator& accelerator_of(const Row& row, const catalog::Catalog& catalog) {
  const auto id = accelerator_of_name(row.text("system"), catalog);
  if (!id) throw Unusable(fmt::format("the catalog has no accelerator \"{}\"", row.text("system")));
  return catalog.accelerators.at(*id);
}

/// Precision of the weights; what a model was released in where nothing is said, or where that is narrower.
NumberFormat precision_of(const Row& row, const catalog::LanguageModel& model, bool& integers) {
  std::string said = row.text("precision");
  if (said.empty()) said = row.text("moe_quant_mode");
  if (said.empty()) said = row.text("gemm_quant_mode");
  integers = said.starts_with("int4");
  NumberFormat format = model.weight_format;
  if (said.starts_with("fp8") || said.starts_with("int8"))
    format = NumberFormat::fp8;
  else if (said.starts_with("fp4") || said.starts_with("nvfp4") || said.starts_with("mxfp4") || integers)
    format = NumberFormat::fp4;
  else if (said.starts_with("bf16") || said.starts_with("fp16"))
    format = NumberFormat::bf16;
  else if (!said.empty())
    throw Unusable(fmt::format("precision \"{}\" is not known", said));
  return catalog::size_of(model.weight_format) < catalog::size_of(format) ? model.weight_format : format;
}

/// The split of one worker; `prefix` is "" or "prefill_" or "decode_".
serving::ReplicaPlan plan_of(const Row& row, const std::string& prefix, const catalog::LanguageModel& model) {
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

ServingCase case_of(const Row& row, const catalog::Catalog& catalog) {
  ServingCase c;
  c.id = row.text("id"), c.backend = row.text("backend"), c.system = row.text("system");
  c.load = {.concurrency = row.required("concurrency"), .input_tokens = row.required("isl"), .output_tokens = row.required("osl"), .spread = kSpread};
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
  if (is_disaggregated)
    c.disaggregation = {.n_prefill = row.required("prefill_num_workers"), .n_decode = row.required("decode_num_workers")};
  const auto* backend = serving::find_backend(c.backend);
  c.is_known_backend = backend != nullptr;
  bool integers = false;
  const NumberFormat precision = precision_of(row, *c.model, integers);
  const auto sound_plan = [&](const std::string& prefix) {
    auto plan = plan_of(row, prefix, *c.model);
    serving::set_checkpoint_formats(plan, *c.model, *c.accelerator, precision, integers);
    if (c.model->moe) plan.routing = {.kind = cost::Routing::Kind::power_law, .exponent = kRoutingExponent};
    if (backend && precision != NumberFormat::bf16) plan.kv_format = backend->kv_format;
    if (const auto reason = serving::unsound_split(*c.model, plan); !reason.empty()) throw Unusable(reason);
    return plan;
  };
  c.plan = sound_plan(is_disaggregated ? "decode_" : "");
  if (is_disaggregated) c.disaggregation->prefill_plan = sound_plan("prefill_");
  c.configuration = fmt::format("{} {} {} {} {} tp{} pp{} dp{} ep{} slices{}", c.backend, c.model->id, c.accelerator->id, io::enum_text(precision),
                                integers ? "integers" : "", c.plan.tensor_parallel, c.plan.pipeline_parallel, c.plan.data_parallel,
                                c.plan.expert_parallel, c.plan.expert_tensor_parallel);
  if (const auto& workers = c.disaggregation) {
    const auto& q = workers->prefill_plan;
    c.configuration += fmt::format(" behind {} x tp{} dp{} ep{} slices{} to {}", workers->n_prefill, q.tensor_parallel, q.data_parallel,
                                   q.expert_parallel, q.expert_tensor_parallel, workers->n_decode);
  }
  return c;
}

}  // namespace

namespace {

ServingCases cases_of(const std::string& file, std::string_view text, const catalog::Catalog& catalog) {
  ServingCases out;
  core::Diagnostics diagnostics;
  std::vector<std::string> columns;
  int line = 0;
  for (std::size_t start = 0; start < text.size();) {
    const auto end = std::min(text.find('\n', start), text.size());
    const auto row_cells = cells(text.substr(start, end - start));
    start = end + 1, ++line;
    if (line == 1) {
      for (const auto cell : row_cells) columns.emplace_back(cell);
      for (const char* needed : {"id", "model_path", "system", "concurrency", "isl", "osl"})
        if (std::ranges::find(columns, needed) == columns.end())
          diagnostics.add({.file = file, .line = 1, .column = 1, .message = fmt::format("column \"{}\" is missing", needed)});
      diagnostics.throw_if_any();
      continue;
    }
    if (row_cells.size() == 1 && row_cells[0].empty()) continue;
    const Row row(columns, row_cells);
    try {
      if (row_cells.size() > columns.size()) throw InputError(fmt::format("{} cells in {} columns", row_cells.size(), columns.size()));
      out.cases.push_back(case_of(row, catalog));
    } catch (const Unusable& reason) {
      out.skipped.push_back({row.text("id"), reason.what()});
    } catch (const InputError& error) {
      diagnostics.add({.file = file, .line = line, .column = 1, .message = error.diagnostics().front().message});
    }
  }
  if (line == 0) diagnostics.add({.file = file, .line = 1, .column = 1, .message = "the file is empty"});
  diagnostics.throw_if_any();
  return out;
}

}  // namespace

ServingCases read_serving_cases(const std::string& file, const catalog::Catalog& catalog) { return cases_of(file, text_of_file(file), catalog); }

ServingCases shipped_serving_cases(const catalog::Catalog& catalog) { return cases_of("shipped cases", kShippedServing, catalog); }

}  // namespace waferwatt::validation
