// SPDX-License-Identifier: Apache-2.0
#include "library_prediction.hpp"

#include <algorithm>

#include "waferwatt/cost/attention_library.hpp"
#include "waferwatt/cost/gemm_library.hpp"
#include "waferwatt/cost/quantised_gemm.hpp"

namespace waferwatt::validation {
namespace {

using catalog::OperatorKind;

double dimension(const Measurement& row, std::string_view column) {
  const auto columns = cost::shape_columns(row.op);
  return static_cast<double>(row.shape[static_cast<std::size_t>(std::ranges::find(columns, column) - columns.begin())]);
}

cost::PrefillAttention attention_of(const Measurement& row, cost::NumberFormat format) {
  return {.n_sequences = dimension(row, "batch"), .new_tokens = dimension(row, "tokens"), .context_tokens = dimension(row, "context"),
          .n_heads = dimension(row, "heads"), .n_kv_heads = dimension(row, "kv_heads"), .qk_dim = dimension(row, "head_dim"),
          .v_dim = dimension(row, "v_dim"), .format = format, .causal = dimension(row, "causal") != 0, .window = dimension(row, "window")};
}

}  // namespace

std::optional<cost::Estimate> library_estimate(const cost::OperatorModel& model, const Measurement& row) {
  if (row.library.empty()) return std::nullopt;
  const auto format = cost::kKernelFormats[*cost::kernel_format(row.format)].arithmetic;
  const auto recipe = row.format == "fp8_block" ? cost::Recipe::block : cost::Recipe::plain;
  const bool is_narrow = row.format == "fp8" || row.format == "fp8_block" || row.format == "nvfp4";
  const auto kernels = cost::gemm_library(row.library);
  if (row.op == OperatorKind::gemm && is_narrow) {
    const cost::Gemm op{dimension(row, "m"), dimension(row, "n"), dimension(row, "k"), format, recipe};
    return kernels ? cost::estimate(model, op, *kernels) : cost::on_quantised_inputs(model, op);
  }
  if (row.op == OperatorKind::grouped_gemm && is_narrow) {
    const cost::GroupedGemm op{dimension(row, "groups"), dimension(row, "rows"), dimension(row, "n"), dimension(row, "k"), format, recipe};
    return kernels ? cost::estimate(model, op, *kernels) : cost::on_quantised_inputs(model, op);
  }
  if (const auto library = cost::attention_library(row.library)) {
    if (row.op == OperatorKind::attention_prefill) return cost::estimate(model, attention_of(row, format), *library);
    if (row.op == OperatorKind::attention_backward) return cost::backward(model, attention_of(row, format), *library);
  }
  return std::nullopt;
}

}  // namespace waferwatt::validation
