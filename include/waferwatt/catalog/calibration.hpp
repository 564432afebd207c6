// SPDX-License-Identifier: Apache-2.0
#pragma once
// Fitted efficiencies of one accelerator's operators.
#include "waferwatt/catalog/accelerator.hpp"

namespace waferwatt::catalog {

enum class OperatorKind {
  gemm,
  grouped_gemm,
  attention_prefill,
  attention_backward,
  attention_decode,
  moe,
  stream,
  row,
  gather,
  optimizer,
  quantise
};

/// t = launch + serial S + ((F/(P ec))^p + (B/(W em))^p)^(1/p).
struct FormulaBranch {
  Time launch_time;
  double compute_efficiency = 1, memory_efficiency = 1, exponent = 1;
  double serial_factor = 0;

  static const io::Record<FormulaBranch>& record();
};

/// Relative errors of predicted against measured times.
struct ErrorSummary {
  std::string regime;  ///< "launch", "memory", "compute"
  std::int64_t n = 0;
  double median = 0, mean = 0, p90 = 0;  ///< of |predicted / measured - 1|
  double bias = 0;                       ///< mean of predicted / measured - 1

  static const io::Record<ErrorSummary>& record();
};

/// Whole numbers, in JSON one text with blanks between them: a tenth of the size of a list.
struct IntegerColumn {
  std::vector<std::int64_t> numbers;
};

/// Measured points that correct the formula: columns of shapes and log(measured / formula).
struct ResidualGrid {
  std::map<std::string, IntegerColumn> shape;  ///< a column per dimension; one number stands for all points
  IntegerColumn log_residual_e4;               ///< in 1e-4

  std::size_t n_points() const { return log_residual_e4.numbers.size(); }
  /// A column in full. \throws InputError when the grid lacks it
  std::vector<std::int64_t> column(std::string_view name) const;

  static const io::Record<ResidualGrid>& record();
};

/// One operator in one number format, fitted to measured times.
struct OperatorFit {
  OperatorKind op = OperatorKind::gemm;
  std::string format;  ///< name of a kernel format (cost/operators.hpp): bf16, fp8, fp8_block, nvfp4, ...
  std::optional<std::string> distribution;  ///< routing of experts: balanced, power_law_1.2; absent: all
  std::optional<std::string> load;          ///< "sustained": at the accelerator's power limit; absent: short bursts
  Time launch_time;
  double compute_efficiency = 1, memory_efficiency = 1, exponent = 1;
  double serial_factor = 0;  ///< of the time in which neither arithmetic nor memory is kept busy (cost/operators.hpp)
  std::optional<FormulaBranch> other_branch;  ///< the time is the smaller of both branches
  std::int64_t n_points = 0;
  double error_median = 0, error_mean = 0, error_p90 = 0;  ///< held-out |relative error|, with residuals if there are
  std::optional<double> error_bias, formula_error_median;  ///< formula alone: without residuals
  std::vector<ErrorSummary> regimes;
  std::optional<ErrorSummary> extrapolation;  ///< largest tenth of the work, predicted from the rest
  std::map<std::string, std::vector<std::int64_t>> domain;  ///< [smallest, largest] measured of each dimension
  std::optional<ResidualGrid> grid;

  static const io::Record<OperatorFit>& record();
};

/// Power drawn while operators run: idle + (limit - idle) min(1, a F/(P t) + b B/(W t)), P the bf16 rate.
struct PowerFit {
  double idle_fraction = 0.12;  ///< of TDP
  double compute_share = 1.4, memory_share = 0.9;
  std::int64_t n_points = 0;
  double error_median = 0, error_mean = 0, error_p90 = 0;

  static const io::Record<PowerFit>& record();
};

/// Who measured: others, who published it, or `waferwatt-calibrate` on such an accelerator.
enum class Origin { published, measured };

struct Calibration {
  std::string id, accelerator;
  Origin origin = Origin::published;
  std::vector<OperatorFit> fits;
  std::optional<PowerFit> power;
  std::string source, note;
  std::optional<std::string> command;  ///< that made this file
  Quality quality = Quality::derived;

  /// The fit of an operator in a format, the exact distribution first; nothing if there is none.
  const OperatorFit* find(OperatorKind op, std::string_view format, std::string_view distribution = "balanced",
                          bool sustained = false) const;

  static const io::Record<Calibration>& record();
};

}  // namespace waferwatt::catalog

namespace waferwatt::io {
template <> struct Codec<catalog::IntegerColumn> {
  static void read(const Value& value, const std::string& path, ReadContext& context, catalog::IntegerColumn& out,
                   const Limits<std::monostate>&);
  static Value write(const catalog::IntegerColumn& column);
  static TypeDescription describe();
};

template <> struct EnumTexts<catalog::Origin> {
  static constexpr std::array values{std::pair{catalog::Origin::published, "published"}, std::pair{catalog::Origin::measured, "measured"}};
};

template <> struct EnumTexts<catalog::OperatorKind> {
  static constexpr std::array values{std::pair{catalog::OperatorKind::gemm, "gemm"},
                                     std::pair{catalog::OperatorKind::grouped_gemm, "grouped_gemm"},
                                     std::pair{catalog::OperatorKind::attention_prefill, "attention_prefill"},
                                     std::pair{catalog::OperatorKind::attention_backward, "attention_backward"},
                                     std::pair{catalog::OperatorKind::attention_decode, "attention_decode"},
                                     std::pair{catalog::OperatorKind::moe, "moe"},
                                     std::pair{catalog::OperatorKind::stream, "stream"},
                                     std::pair{catalog::OperatorKind::row, "row"},
                                     std::pair{catalog::OperatorKind::gather, "gather"},
                                     std::pair{catalog::OperatorKind::optimizer, "optimizer"},
                                     std::pair{catalog::OperatorKind::quantise, "quantise"}};
};
}  // namespace waferwatt::io
