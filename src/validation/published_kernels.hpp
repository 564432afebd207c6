// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tables of operators as their authors publish them, told by their columns.
#include "csv_row.hpp"

namespace waferwatt::validation {

/// A kind of published table.
struct KernelTable {
  std::string_view accelerator_column;  ///< where rows name their accelerator; empty: the file's name does
  /// Adds the measurements of a row; `place` has its accelerator, file and line. \throws InputError for one that cannot be used
  void (*read)(const CsvRow& row, const Measurement& place, Measurements& out);
};

/// The kind of table whose columns these are, or nothing.
const KernelTable* published_kernel_table(const CsvRow& header);

}  // namespace waferwatt::validation
