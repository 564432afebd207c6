// SPDX-License-Identifier: Apache-2.0
#pragma once
// Collectives of NCCL over the GPUs of one machine.
#include "calibration/measurement.hpp"

namespace waferwatt::calibration {

/// Every collective on 2, 4, ... of the visible GPUs; empty on one: nothing is communicated there.
/// `gpus` and `message_bytes` (NCCL's convention: the whole buffer of a rank) are the shape.
std::vector<Measurement> collective_points(int visible_gpus, double deadline_s);

}  // namespace waferwatt::calibration
