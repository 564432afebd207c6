// SPDX-License-Identifier: Apache-2.0
#include "calibration/device/pool.hpp"

#include "calibration/device/check.hpp"

namespace waferwatt::calibration {

Pool::Pool(std::size_t bytes) : bytes_(bytes) { WAFERWATT_CALL(cudaMalloc(reinterpret_cast<void**>(&base_), bytes)); }

Pool::~Pool() { cudaFree(base_); }

void* Pool::take_bytes(std::size_t bytes) {
  const std::size_t rounded = (bytes + 255) / 256 * 256;
  if (rounded > left())
    throw Unsupported("operands need " + std::to_string(rounded >> 20) + " MiB more, the pool has " +
                      std::to_string(left() >> 20));
  void* at = base_ + used_;
  used_ += rounded;
  return at;
}

}  // namespace waferwatt::calibration
