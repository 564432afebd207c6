// SPDX-License-Identifier: Apache-2.0
#include "published_kernels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace waferwatt::validation {
namespace {

using catalog::OperatorKind;

double milliseconds(const CsvRow& row, std::string_view column) { return 1e-3 * row.positive(column, "a time"); }
double tflops(const CsvRow& row, std::string_view column) { return 1e12 * row.positive(column, "a rate"); }

/// A row of cuDNN's own benchmarks is two measurements, forward and backward.
void read_cudnn(const CsvRow& row, const Measurement& place, Measurements& out) {
  if (row.text("success") != "True") throw InputError("the run failed");
  if (row.text("backend") != "cudnn") throw InputError(fmt::format("of the library \"{}\"", row.text("backend")));
  Measurement forward = place;
  read_format(row.text("data_type"), forward);
  Measurement backward = forward;
  if (row.has("norm_type")) {
    forward.op = backward.op = OperatorKind::row;
    forward.shape = {row.dimension("N"), row.dimension("C"), 1, 1, 2};
    backward.shape = {row.dimension("N"), row.dimension("C"), 2, 1, 2};  // inputs and gradients are read
  } else {
    const auto length = row.dimension("q_seqlen"), cached = row.dimension("kv_seqlen") - length;
    if (cached != 0) throw InputError("queries and keys of different lengths");
    const auto window = row.text("sliding_window_size").empty() ? 0 : row.dimension("sliding_window_size", 0);
    forward.library = backward.library = "cudnn";
    forward.op = OperatorKind::attention_prefill, backward.op = OperatorKind::attention_backward;
    forward.shape = backward.shape = {row.dimension("batch_size"), length, 0, row.dimension("num_q_heads"), row.dimension("num_kv_heads"),
                                      row.dimension("head_dim_qk"), row.dimension("head_dim_vo"), row.text("attn_mask") == "no_mask" ? 0 : 1,
                                      window, forward.format == "fp8" ? 8 : 16};
  }
  forward.time_s = milliseconds(row, "fwd_time_ms"), backward.time_s = milliseconds(row, "bwd_time_ms");
  out.rows.push_back(std::move(forward)), out.rows.push_back(std::move(backward));
}

/// DeepGEMM's tables: fp8 with scales of 128 numbers; groups are experts with the same number of rows.
void read_deepgemm(const CsvRow& row, const Measurement& place, Measurements& out) {
  Measurement m = place;
  m.library = "deepgemm";
  read_format("fp8_block", m);
  const auto groups = row.dimension("groups"), rows = row.dimension("m_per_group"), n = row.dimension("n"), k = row.dimension("k");
  const bool is_grouped = row.text("section").find("Grouped") != std::string_view::npos;
  m.op = is_grouped ? OperatorKind::grouped_gemm : OperatorKind::gemm;
  m.shape = is_grouped ? std::vector<std::int64_t>{groups, rows, n, k, 0} : std::vector<std::int64_t>{rows, n, k};
  m.time_s = 2.0 * static_cast<double>(groups) * static_cast<double>(rows) * static_cast<double>(n) * static_cast<double>(k) / tflops(row, "tflops");
  out.rows.push_back(std::move(m));
}

/// Rates of FlashAttention's papers: 16,384 tokens, heads of 2,048 numbers together; the work is 4 s^2 d for each head,
/// half of it with a causal mask, 2.5 times for backward.
void read_flash_attention(const CsvRow& row, const Measurement& place, Measurements& out) {
  constexpr std::int64_t kTokens = 16384, kWidth = 2048;
  const auto length = row.dimension("seqlen"), width = row.dimension("head_dim");
  const bool is_causal = row.dimension("causal", 0) != 0, is_backward = row.text("pass") == "bwd";
  if (!is_backward && row.text("pass") != "fwd") throw InputError(fmt::format("pass is \"{}\", fwd or bwd is expected", row.text("pass")));
  if (length > kTokens || width > kWidth) throw InputError(fmt::format("a sequence of {} tokens and heads of {} do not fit the table", length, width));
  Measurement m = place;
  read_format("fp16", m);
  const std::int64_t batch = kTokens / length, heads = kWidth / width;
  m.op = is_backward ? OperatorKind::attention_backward : OperatorKind::attention_prefill;
  m.shape = {batch, length, 0, heads, heads, width, width, is_causal ? 1 : 0, 0, 16};
  const double work = 4.0 * static_cast<double>(batch * heads * width) * static_cast<double>(length) * static_cast<double>(length) *
                      (is_causal ? 0.5 : 1.0) * (is_backward ? 2.5 : 1.0);
  struct Library { std::string_view column, name; };
  for (const Library& library : {Library{"FA3_tflops", "flash_attention_3"}, {"FA2_tflops", "flash_attention_2"},
                                 {"cuDNN_tflops", "cudnn_2024"}, {"Triton_tflops", "triton"}}) {
    if (row.text(library.column).empty()) continue;
    m.library = library.name, m.time_s = work / tflops(row, library.column);
    out.rows.push_back(m);
  }
}

/// The best of many shapes, "maximum achievable matmul" (stas00/ml-engineering): a GEMM each.
void read_best_matmul(const CsvRow& row, const Measurement& place, Measurements& out) {
  Measurement m = place;
  m.library = "best of a sweep";
  read_format(row.text("dtype"), m);
  m.op = OperatorKind::gemm;
  double work = 2;
  for (auto rest = row.text("shape_MxNxK"); !rest.empty();) {
    const auto cross = std::min(rest.find('x'), rest.size());
    std::int64_t value = 0;
    if (std::from_chars(rest.data(), rest.data() + cross, value).ec != std::errc{} || value < 1)
      throw InputError(fmt::format("shape_MxNxK is \"{}\", three whole numbers are expected", row.text("shape_MxNxK")));
    m.shape.push_back(value), work *= static_cast<double>(value);
    rest.remove_prefix(std::min(cross + 1, rest.size()));
  }
  if (m.shape.size() != 3) throw InputError(fmt::format("shape_MxNxK is \"{}\", three whole numbers are expected", row.text("shape_MxNxK")));
  m.time_s = work / tflops(row, "mamf_tflops");
  out.rows.push_back(std::move(m));
}

}  // namespace

const KernelTable* published_kernel_table(const CsvRow& header) {
  static constexpr KernelTable kCudnn{"gpu_name", read_cudnn}, kDeepGemm{"", read_deepgemm}, kFlashAttention{"", read_flash_attention},
      kBestMatmul{"gpu", read_best_matmul};
  const auto all = [&](std::initializer_list<std::string_view> names) { return std::ranges::all_of(names, [&](auto name) { return header.has(name); }); };
  if (all({"cudnn_version", "fwd_time_ms", "gpu_name"})) return &kCudnn;
  if (all({"groups", "m_per_group", "n", "k", "tflops"})) return &kDeepGemm;
  if (all({"pass", "causal", "head_dim", "seqlen"})) return &kFlashAttention;
  if (all({"gpu", "dtype", "mamf_tflops", "shape_MxNxK"})) return &kBestMatmul;
  return nullptr;
}

}  // namespace waferwatt::validation
