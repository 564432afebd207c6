// SPDX-License-Identifier: Apache-2.0
#include "waferwatt/cost/gemm_library.hpp"

#include <fmt/format.h>

#include <array>

namespace waferwatt::cost {
namespace {

/// Dense products, fitted, are met within 9 % in the median and 23 % in the 90th percentile, grouped ones within 8 and 13; on
/// other accelerators nobody looked.
constexpr double kError = 0.15, kErrorP90 = 0.40;

struct Kernels {
  std::string_view name;
  FormulaCoefficients coefficients;
};
constexpr std::array<Kernels, 1> kLibraries{{{"deepgemm", {.launch_s = 2.5e-6, .compute_efficiency = 0.668, .memory_efficiency = 1.0, .exponent = 1.38}}}};

Estimate by_law(const OperatorModel& model, const Demand& demand, GemmLibrary library) {
  const auto& kernels = kLibraries[static_cast<std::size_t>(library)];
  const auto& format = kKernelFormats[demand.format];
  if (format.name != "fp8_block") throw InputError(fmt::format("times of {} are known in fp8 with block scales only", kernels.name));
  const auto& accelerator = model.accelerator();
  const auto peak = accelerator.peak(format.arithmetic);
  if (!peak) throw InputError(fmt::format("{} does not compute in {}", accelerator.name, io::enum_text(format.arithmetic)));
  const Load load{(demand.work / *peak).in(second), (demand.traffic / *accelerator.memory_bandwidth).in(second), 0};
  const double time_s = kernels.coefficients.time(load);
  return {.time = time_s * second, .work = demand.work, .traffic = demand.traffic, .bound = bound_of(kernels.coefficients, load, time_s),
          .provenance = Provenance::transferred, .error = kError, .error_p90 = kErrorP90};
}

}  // namespace

std::optional<GemmLibrary> gemm_library(std::string_view name) {
  for (std::size_t i = 0; i < kLibraries.size(); ++i)
    if (kLibraries[i].name == name) return static_cast<GemmLibrary>(i);
  return std::nullopt;
}

Estimate estimate(const OperatorModel& model, const Gemm& op, GemmLibrary library) { return by_law(model, demand(op), library); }
Estimate estimate(const OperatorModel& model, const GroupedGemm& op, GemmLibrary library) { return by_law(model, demand(op), library); }

}  // namespace waferwatt::cost
