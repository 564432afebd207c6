// SPDX-License-Identifier: Apache-2.0
#pragma once
// Predicted against measured times of operators.
#include "waferwatt/validation/measurement_file.hpp"

namespace waferwatt::validation {

/// One measured time and its prediction.
struct KernelCase {
  std::string group;  ///< "nvidia-h200-sxm gemm bf16"
  double measured_s = 0, predicted_s = 0;
  std::string id;
};

/// How often measured times lie within the errors that estimates of one provenance state.
struct BandCoverage {
  std::int64_t n = 0;
  double within_median = 0, within_p90 = 0;  ///< shares; a half and nine tenths are promised
};

struct KernelReport {
  std::int64_t n_cases = 0;
  std::vector<Skipped> skipped;
  catalog::ErrorSummary all;
  std::map<std::string, catalog::ErrorSummary> groups;
  std::map<std::string, BandCoverage> bands;  ///< by provenance: "measured", "fitted", ...; empty for errors that ship
  std::vector<KernelCase> cases;  ///< empty for errors that ship with calibrations
  std::string note;

  io::Value json() const;  ///< {"set": "kernels", "n_cases", "n_skipped", "skipped", "metrics", "groups", "bands", "note"}
};

/// Predicts every row with the catalog's calibrations. Rows that cannot be right or cannot be simulated are
/// skipped with the reason.
KernelReport validate_kernels(const catalog::Catalog& catalog, const Measurements& measurements);

/// The held-out errors that the calibrations carry; those without residual grids are skipped, as their
/// errors are of the formula alone.
KernelReport shipped_kernel_errors(const catalog::Catalog& catalog);

}  // namespace waferwatt::validation
