// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cost/attention_library.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace waferwatt::cost {
namespace {

constexpr double kLaunch = 5e-6;  // seconds
constexpr double kTile = 128;     // queries and keys
constexpr double kNarrowHead = 64, kWideHead = 128;
/// Tables left out are met within 4 % in the median, other widths of heads within 13 to 23 %; on other accelerators nobody looked.
constexpr double kError = 0.15, kErrorP90 = 0.40;

/// What a pass reaches of the peak with heads of 128, and its time for each nanosecond of S.
struct Pass {
  double efficiency = 0, serial = 0;
};
struct Kernels {
  std::string_view name;
  double narrow;  ///< what heads of 64 reach of what heads of 128 do
  Pass forward, backward, forward_fp8, backward_fp8;  ///< no efficiency: not known
};
constexpr std::array<Kernels, 5> kLibraries{{
    {"cudnn", 0.83, {0.714, 28.6}, {0.602, 35}, {0.544, 24.5}, {0.346, 54}},
    {"cudnn_2024", 0.76, {0.563, 11.1}, {0.547, 44}, {}, {}},
    {"flash_attention_2", 1.0, {0.34, 13.1}, {0.334, 54}, {}, {}},
    {"flash_attention_3", 0.80, {0.661, 20.2}, {0.597, 46}, {}, {}},
    {"triton", 1.11, {0.391, 14.4}, {}, {}, {}},
}};

const Kernels& kernels(AttentionLibrary library) { return kLibraries[static_cast<std::size_t>(library)]; }

/// Pairs of a query and a key that tiles compute over those that count: half of the tiles on the diagonal is idle, and
/// with a window half of those on its other edge.
double idle_pairs(const PrefillAttention& op) {
  if (!op.causal) return 1;
  const double s = op.new_tokens, all = op.context_tokens + s;
  const bool has_edge = op.window > 0 && op.window < all;
  const double pairs = has_edge ? op.window * s : s * (op.context_tokens + s / 2);
  return 1 + (has_edge ? 1 : 0.5) * kTile * s / pairs;
}

Estimate of_pass(const OperatorModel& model, const PrefillAttention& op, const Kernels& library, const Pass& pass, const Demand& demand) {
  if (pass.efficiency == 0) throw InputError(fmt::format("times of {} are not known in {} for this pass", library.name, io::enum_text(op.format)));
  const auto& accelerator = model.accelerator();
  const auto peak = accelerator.peak(op.format);
  if (!peak) throw InputError(fmt::format("{} does not compute in {}", accelerator.name, io::enum_text(op.format)));
  const double octaves = std::clamp(std::log2((op.qk_dim + op.v_dim) / 2 / kNarrowHead), 0.0, std::log2(kWideHead / kNarrowHead));
  const double efficiency = pass.efficiency * std::pow(library.narrow, 1 - octaves);
  const Time work = idle_pairs(op) * demand.work / (efficiency * *peak), blocks = pass.serial * demand.serial, launch = kLaunch * second;
  return {.time = launch + blocks + work, .work = demand.work, .traffic = demand.traffic,
          .bound = work > launch + blocks ? Bound::compute : Bound::launch, .provenance = Provenance::transferred,
          .error = kError, .error_p90 = kErrorP90};
}

}  // namespace

std::optional<AttentionLibrary> attention_library(std::string_view name) {
  for (std::size_t i = 0; i < kLibraries.size(); ++i)
    if (kLibraries[i].name == name) return static_cast<AttentionLibrary>(i);
  return std::nullopt;
}

Estimate estimate(const OperatorModel& model, const PrefillAttention& op, AttentionLibrary library) {
  const auto& known = kernels(library);
  return of_pass(model, op, known, op.format == NumberFormat::fp8 ? known.forward_fp8 : known.forward, demand(op));
}

Estimate backward(const OperatorModel& model, const PrefillAttention& op, AttentionLibrary library) {
  const auto& known = kernels(library);
  return of_pass(model, op, known, op.format == NumberFormat::fp8 ? known.backward_fp8 : known.backward, backward_demand(op));
}

}  // namespace waferwatt::cost
