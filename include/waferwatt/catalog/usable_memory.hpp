// SPDX-License-Identifier: Apache-2.0
#pragma once
// What programs may use of an accelerator's memory.
#include "waferwatt/catalog/accelerator.hpp"

namespace waferwatt::catalog {

/// Whether the memory is DRAM beside the chip, not SRAM on it.
inline bool has_dram(const Accelerator& accelerator) {
  return !accelerator.sram_capacity || accelerator.sram_capacity->value != accelerator.memory_capacity.value;
}

/// Vendors' gigabytes of DRAM are 2^30 bytes, of which a little is kept: of "80 GB" A100 and H100, "141 GB" H200 and
/// "180 GB" B200 programs see 1.068 times as many bytes. Memory on the chip is what it is said to be.
inline DataSize usable_memory(const Accelerator& accelerator) {
  constexpr double kSeen = 1.068;
  return (has_dram(accelerator) ? kSeen : 1.0) * *accelerator.memory_capacity;
}

}  // namespace waferwatt::catalog
