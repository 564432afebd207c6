// SPDX-License-Identifier: Apache-2.0
#pragma once
// Curves of models/collectives from measured tables.
#include "waferwatt/validation/kernels.hpp"

namespace waferwatt::validation {

struct CollectiveFit {
  std::vector<catalog::CollectiveCalibration> calibrations;  ///< one for each accelerator in the files, by id
  std::vector<Skipped> skipped;
  std::int64_t n_rows = 0;
};

/// One curve for each operation, library, number of accelerators and of nodes: the median time of each size; of
/// tables with many sizes, medians in bins of equal width in the logarithm. Rows that cannot be right are left
/// out with the reason: besides what cannot be read, times four times away from the median of their own size,
/// and curves of fewer than two sizes.
///
/// Held out: alternate sizes, each half told by the other's curve; of exchanges of tokens one quarter of the
/// configurations (hidden size, experts a token, experts) after the other, told by the other three.
/// \param source id of the measurements, where the file's kind does not say another
/// \throws InputError for files that cannot be read or whose columns are of no known table
CollectiveFit fit_collectives(const catalog::Catalog& catalog, const std::vector<std::string>& files, const std::string& source);

/// The file of models/collectives.
std::string collective_text(const catalog::CollectiveCalibration& calibration);

}  // namespace waferwatt::validation
