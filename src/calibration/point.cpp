// SPDX-License-Identifier: Apache-2.0
#include "calibration/point.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace waferwatt::calibration {
namespace {

double real(std::int64_t value) { return static_cast<double>(value); }

double element_bytes(const Point& point) { return point.format == "bf16" ? 2.0 : 1.0; }

double gemm_bytes(const Point& p) {
  const double w = element_bytes(p), m = real(p.at("m")), n = real(p.at("n")), k = real(p.at("k"));
  double scales = 0;
  if (p.format == "fp8_block128") scales = 4 * (m * k / 128 + n * k / 128 / 128);
  return w * (m * k + n * k) + (p.format == "int8" ? 4 : 2) * m * n + scales;
}

double grouped_bytes(const Point& p) {
  const auto rows = expert_rows(p);
  const double used = real(std::count_if(rows.begin(), rows.end(), [](int r) { return r > 0; }));
  const double all = real(std::accumulate(rows.begin(), rows.end(), std::int64_t{0}));
  return 2 * (used * real(p.at("n")) * real(p.at("k")) + all * (real(p.at("k")) + real(p.at("n"))));
}

/// Pairs of query and key of one head.
double pairs(const Point& p) {
  const double s = real(p.at("length"));
  return p.label("mask") == "causal" ? s * (s + 1) / 2 : s * s;
}

double attention_bytes(const Point& p, bool backward) {
  const double s = real(p.at("batch") * p.at("length")), q = real(p.at("q_heads")), kv = real(p.at("kv_heads"));
  const double d = real(p.at("head_qk")), dv = real(p.at("head_v"));
  const double forward = 2 * s * (q * d + kv * (d + dv) + q * dv);
  // Backward reads q, k, v, o, do and float statistics, writes dq, dk, dv.
  return backward ? forward + 2 * s * (q * dv + q * d + kv * (d + dv)) + 4 * s * q : forward;
}

double decode_bytes(const Point& p) {
  const double kv = 2 * real(p.at("batch") * p.at("kv_length") * p.at("kv_heads") * p.at("head")) * 2;
  return kv + 2 * 2 * real(p.at("batch") * p.at("q_heads") * p.at("head"));
}

}  // namespace

std::int64_t Point::at(std::string_view dimension) const {
  for (const auto& [name, value] : shape)
    if (name == dimension) return value;
  throw std::out_of_range(op + " has no dimension " + std::string{dimension});
}

std::string Point::label(std::string_view name) const {
  for (const auto& [key, value] : labels)
    if (key == name) return value;
  return "";
}

std::string Point::name() const {
  std::string text = op + ' ' + format;
  for (const auto& [key, value] : shape) text += ' ' + key + '=' + std::to_string(value);
  for (const auto& [key, value] : labels) text += ' ' + key + '=' + value;
  if (!cold) text += " warm";
  return text;
}

std::vector<int> expert_rows(const Point& point) {
  const auto experts = static_cast<std::size_t>(point.at("experts"));
  const auto total = point.at("experts") * point.at("rows_per_expert");
  const std::string routing = point.label("routing");
  std::vector<double> weight(experts, 1.0);
  if (routing.starts_with("zipf_")) {
    const double s = std::stod(routing.substr(5));
    for (std::size_t i = 0; i < experts; ++i) weight[i] = std::pow(real(static_cast<std::int64_t>(i) + 1), -s);
  } else if (routing == "one_hot") {
    std::fill(weight.begin(), weight.end(), 1.0 / std::max(1.0, real(static_cast<std::int64_t>(experts)) - 1.0));
    weight[0] = 1.0;
  }
  const double sum = std::accumulate(weight.begin(), weight.end(), 0.0);
  std::vector<int> rows(experts);
  std::int64_t given = 0;
  double until = 0;
  for (std::size_t i = 0; i < experts; ++i) {  // rounding the running sum keeps the total exact
    until += weight[i];
    const auto upto = i + 1 == experts ? total : std::llround(real(total) * until / sum);
    rows[i] = static_cast<int>(upto - given);
    given = upto;
  }
  return rows;
}

double work(const Point& p) {
  if (p.op == "gemm") return 2 * real(p.at("m")) * real(p.at("n")) * real(p.at("k"));
  if (p.op == "grouped_gemm")
    return 2 * real(p.at("experts") * p.at("rows_per_expert")) * real(p.at("n")) * real(p.at("k"));
  if (p.op == "attention_prefill" || p.op == "attention_backward") {
    const double heads = real(p.at("batch") * p.at("q_heads")), sizes = real(p.at("head_qk") + p.at("head_v"));
    return (p.op == "attention_backward" ? 2.5 : 1.0) * 2 * heads * pairs(p) * sizes;
  }
  if (p.op == "attention_decode")
    return 4 * real(p.at("batch") * p.at("q_heads") * p.at("head")) * real(p.at("kv_length"));
  return 0;
}

double bytes(const Point& p) {
  if (p.op == "gemm") return gemm_bytes(p);
  if (p.op == "grouped_gemm") return grouped_bytes(p);
  if (p.op == "attention_prefill") return attention_bytes(p, false);
  if (p.op == "attention_backward") return attention_bytes(p, true);
  if (p.op == "attention_decode") return decode_bytes(p);
  if (p.op == "stream") return real(p.at("bytes")) * real(p.at("reads") + p.at("writes"));
  if (p.op == "rms_norm" || p.op == "softmax") return 4 * real(p.at("rows") * p.at("columns"));
  if (p.op == "argmax") return 2 * real(p.at("rows") * p.at("columns"));
  if (p.op == "gather_rows" || p.op == "scatter_rows") return real(p.at("rows")) * (2 * real(p.at("row_bytes")) + 4);
  if (p.op == "adamw") return 30 * real(p.at("parameters"));
  if (p.op == "reduce_add") return 6 * real(p.at("elements"));
  if (p.op == "quantise") return 3 * real(p.at("rows") * p.at("columns"));
  if (p.op == "memcpy")
    return real(p.at("bytes")) * (p.label("direction") == "h2d_d2h" || p.label("direction") == "d2d" ? 2 : 1);
  return 0;
}

}  // namespace waferwatt::calibration
