// SPDX-License-Identifier: Apache-2.0
#pragma once
// Fitted efficiencies of one accelerator's operators.
#include "waferwatt/catalog/accelerator.hpp"

namespace waferwatt::catalog {

enum class OperatorKind { gemm, attention_prefill, attention_decode, moe };

/// t = launch + ((F/(P ec))^p + (B/(W em))^p)^(1/p), fitted to measured times.
struct OperatorFit {
  OperatorKind op = OperatorKind::gemm;
  std::string format;  ///< bf16, fp8, fp8_block, nvfp4
  std::optional<std::string> distribution;  ///< routing of experts: balanced, power_law_1.2
  Time launch_time;
  double compute_efficiency = 1, memory_efficiency = 1, exponent = 1;
  std::int64_t n_points = 0;
  double error_median = 0, error_mean = 0, error_p90 = 0;  ///< held-out |relative error|

  static const io::Record<OperatorFit>& record();
};

struct Calibration {
  std::string id, accelerator;
  std::vector<OperatorFit> fits;
  std::string source, note;
  Quality quality = Quality::derived;

  /// The fit of an operator in a format, the exact distribution first; nothing if there is none.
  const OperatorFit* find(OperatorKind op, std::string_view format, std::string_view distribution = "balanced") const;

  static const io::Record<Calibration>& record();
};

}  // namespace waferwatt::catalog

namespace waferwatt::io {
template <> struct EnumTexts<catalog::OperatorKind> {
  static constexpr std::array values{std::pair{catalog::OperatorKind::gemm, "gemm"},
                                     std::pair{catalog::OperatorKind::attention_prefill, "attention_prefill"},
                                     std::pair{catalog::OperatorKind::attention_decode, "attention_decode"},
                                     std::pair{catalog::OperatorKind::moe, "moe"}};
};
}  // namespace waferwatt::io
