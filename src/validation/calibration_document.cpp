// SPDX-License-Identifier: Apache-2.0
#include "calibration_document.hpp"

#include <fmt/format.h>

#include <cmath>

namespace waferwatt::validation {
namespace {

using catalog::OperatorKind;
using io::Value;

std::string text_at(const Value& object, std::string_view key) {
  const Value* value = object.find(key);
  const auto* text = value ? value->get_if<std::string>() : nullptr;
  return text ? *text : "";
}

/// The shape of a point; a dimension that is absent is a reason to skip it.
struct Shape {
  const Value& value;

  std::int64_t operator()(std::string_view key, double least = 1) const {
    const Value* found = value.find(key);
    if (!found || !found->is_number()) throw InputError(fmt::format("shape lacks the number \"{}\"", key));
    const double number = found->number();
    constexpr double kMost = 1e15;
    if (!(number >= least) || number > kMost || number != std::floor(number))
      throw InputError(fmt::format("shape has {} = {}, a whole number of at least {} is expected", key, number, least));
    return static_cast<std::int64_t>(number);
  }
};

std::string kernel_format_of(const std::string& dtype) {
  if (dtype == "fp8_e4m3") return "fp8";
  if (dtype == "fp8_block128") return "fp8_block";
  if (dtype == "none" || dtype == "fp16" || dtype == "bfloat16") return "bf16";
  return dtype;
}

void read_operator(const std::string& op, const Shape& at, Measurement& m) {
  if (op == "gemm") {
    m.op = OperatorKind::gemm, m.shape = {at("m"), at("n"), at("k")};
    if (const auto layout = text_at(at.value, "layout"); !layout.empty() && layout != "TN")
      throw InputError("layout " + layout + " is not told apart by the model");
  } else if (op == "grouped_gemm") {
    const auto routing = text_at(at.value, "routing");
    if (!routing.empty() && routing != "balanced" && routing != "zipf_1.2") throw InputError("routing " + routing + " of a grouped GEMM has no model");
    if (at("experts") > kMostExperts) throw InputError(fmt::format("{} experts; more than {} have no model", at("experts"), kMostExperts));
    m.op = OperatorKind::grouped_gemm, m.shape = {at("experts"), at("rows_per_expert"), at("n"), at("k"), routing == "zipf_1.2" ? 120 : 0};
  } else if (op == "attention_prefill" || op == "attention_backward") {
    m.op = op == "attention_prefill" ? OperatorKind::attention_prefill : OperatorKind::attention_backward;
    m.shape = {at("batch"), at("length"), 0, at("q_heads"), at("kv_heads"), at("head_qk"), at("head_v"),
               text_at(at.value, "mask") == "causal" ? 1 : 0, 0, m.format == "fp8" ? 8 : 16};
  } else if (op == "attention_decode") {
    m.op = OperatorKind::attention_decode, m.shape = {at("batch"), at("kv_length"), at("q_heads"), at("kv_heads"), at("head"), 0};
  } else if (op == "stream") {
    m.op = OperatorKind::stream, m.shape = {at("bytes") * (at("reads", 0) + at("writes", 0))};
  } else if (op == "memcpy" && text_at(at.value, "direction") == "d2d") {
    m.op = OperatorKind::stream, m.shape = {2 * at("bytes")};
  } else if (op == "reduce_add") {
    m.op = OperatorKind::stream, m.shape = {at("elements") * 6};
  } else if (op == "rms_norm" || op == "layer_norm" || op == "softmax") {
    m.op = OperatorKind::row, m.shape = {at("rows"), at("columns"), 1, 1, 2};
  } else if (op == "argmax") {
    m.op = OperatorKind::row, m.shape = {at("rows"), at("columns"), 1, 0, 2};
  } else if (op == "gather_rows" || op == "scatter_rows") {
    m.op = OperatorKind::gather, m.shape = {at("rows"), at("row_bytes")};
  } else if (op == "adamw") {
    m.op = OperatorKind::optimizer, m.shape = {at("parameters"), static_cast<std::int64_t>(cost::Optimizer::adamw)};
  } else if (op == "quantise") {
    m.op = OperatorKind::quantise, m.shape = {at("rows"), at("columns")};
  } else {
    throw InputError("operator \"" + op + "\" has no fit");
  }
}

double number_at(const Value* object, std::string_view key) {
  const Value* value = object ? object->find(key) : nullptr;
  return value && value->is_number() ? value->number() : 0;
}

/// Peaks of the card as its file derives them from multiprocessors and the highest clock.
struct Peaks {
  const Value *spec, *gpu;

  /// \throws InputError for a rate above the peak at the clock that was measured with it
  void check(const Value& point, const Measurement& m) const {
    const double flops = number_at(&point, "flops"), clock = number_at(&point, "sm_mhz"), most = number_at(gpu, "clock_max_mhz");
    const double peak = number_at(spec, m.format == "bf16" ? "bf16_flops" : m.format == "int8" ? "int8_flops" : "fp8_flops");
    if (flops <= 0 || clock <= 0 || most <= 0 || peak <= 0) return;
    const double rate = flops / m.time_s, allowed = peak * clock / most;
    if (rate > kClockMargin * allowed)
      throw InputError(fmt::format("{:.4g} TFLOP/s are above the peak of {:.4g} at the measured clock of {:.0f} MHz", rate / 1e12, allowed / 1e12, clock));
  }
  static constexpr double kClockMargin = 1.05;
};

const Value::List& list_at(const Value& object, std::string_view key) {
  static const Value::List kNone;
  const Value* value = object.find(key);
  const auto* list = value ? value->get_if<Value::List>() : nullptr;
  return list ? *list : kNone;
}

bool is(const Value& object, std::string_view key, bool wanted) {
  const Value* value = object.find(key);
  const auto* flag = value ? value->get_if<bool>() : nullptr;
  return flag && *flag == wanted;
}

/// What the program that measured it says cannot be, or is of a card that was held back.
void check_flags(const Value& point) {
  for (const auto& flag : list_at(point, "flags"))
    if (const auto* text = flag.get_if<std::string>();
        text && (*text == "above_peak" || *text == "above_bandwidth" || *text == "thermal" || *text == "hw_slowdown"))
      throw InputError("flagged " + *text);
}

/// Operators and formats whose results were wrong: what they did in that time is not the operator.
std::vector<const Value*> failed_checks(const Value& document) {
  std::vector<const Value*> failed;
  for (const auto& check : list_at(document, "checks"))
    if (is(check, "pass", false) && !check.find("unsupported")) failed.push_back(&check);
  return failed;
}

void check_results(const std::vector<const Value*>& failed, const Value& point) {
  for (const Value* check : failed) {
    const std::string of = text_at(*check, "op");  // "gemm TN", "attention_prefill causal"
    if (of.substr(0, of.find(' ')) == text_at(point, "op") && text_at(*check, "dtype") == text_at(point, "dtype"))
      throw InputError(fmt::format("the results of {} {} were wrong", of, text_at(*check, "dtype")));
  }
}

Measurement read_point(const Value& point) {
  if (const auto reason = text_at(point, "unsupported"); !reason.empty()) throw InputError("not measured: " + reason);
  Measurement m;
  const Value* shape = point.find("shape");
  if (!shape) throw InputError("no shape");
  m.format = kernel_format_of(text_at(point, "dtype"));
  if (!cost::kernel_format(m.format)) throw InputError(fmt::format("number format \"{}\" has no model", text_at(point, "dtype")));
  read_operator(text_at(point, "op"), Shape{*shape}, m);
  if (m.op == OperatorKind::gemm || m.op == OperatorKind::grouped_gemm) m.library = kCublasLt;
  const Value* us = point.find("us");
  const Value* median = us ? us->find("median") : nullptr;
  if (!median || !median->is_number() || !(median->number() > 0)) throw InputError("us.median must be a time above 0");
  m.time_s = median->number() * 1e-6;
  m.is_sustained = text_at(point, "mode") == "sustained";
  if (text_at(point, "cache") == "warm") throw InputError("operands were in the cache");
  if (const Value* watts = point.find("power_w"); watts && watts->is_number()) m.watts = watts->number();
  return m;
}

}  // namespace

void read_calibration_document(const std::string& path, std::string_view text, const catalog::Catalog& catalog,
                               const std::optional<std::string>& asked, Measurements& out) {
  Diagnostics diagnostics;
  const Value document = io::parse_json(path, text, diagnostics);
  diagnostics.throw_if_any();
  const std::string schema = text_at(document, "schema");
  if (schema != "gpu-calibration/1")
    throw InputError(fmt::format("{}: schema is \"{}\", \"gpu-calibration/1\" is expected", path, schema));
  const Value* gpu = document.find("gpu");
  const std::string name = gpu ? text_at(*gpu, "name") : "";
  const auto named = accelerator_of_name(name, catalog);
  if (named && asked && *named != *asked)
    throw InputError(fmt::format("{}: was measured on {} ({}), not on {}", path, name, *named, *asked));
  if (!named && !asked) throw InputError(fmt::format("{}: gpu \"{}\" is no accelerator of the catalog; give --accelerator ID", path, name));
  const Peaks peaks{document.find("spec"), gpu};
  if (gpu && is(*gpu, "mig", true)) throw InputError(path + ": was measured on a part of the card (MIG), whose rates are not the accelerator's");
  const auto& list = list_at(document, "points");
  if (list.empty()) throw InputError(path + ": has no points");
  out.is_of_calibrate = true;
  for (const auto& gate : list_at(document, "gates"))
    if (is(gate, "pass", false)) out.doubts.push_back(fmt::format("{}: a gate failed when it was measured: {}", path, text_at(gate, "name")));
  const auto failed = failed_checks(document);
  for (const auto& point : list) {
    const auto file = static_cast<std::uint32_t>(out.files.size() - 1);
    const auto line = static_cast<std::uint32_t>(point.place().line);
    try {
      Measurement m = read_point(point);
      check_flags(point);
      check_results(failed, point);
      peaks.check(point, m);
      m.accelerator = asked ? *asked : *named, m.file = file, m.line = line;
      out.rows.push_back(std::move(m));
    } catch (const InputError& error) {
      out.skipped.push_back({fmt::format("{}:{}", out.files[file], line), error.diagnostics().front().message});
    }
  }
}

}  // namespace waferwatt::validation
