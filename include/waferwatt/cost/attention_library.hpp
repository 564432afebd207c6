// SPDX-License-Identifier: Apache-2.0
#pragma once
// Attention by the kernels of a named library, where calibrations are of TensorRT-LLM's operator.
//
//   t = t0 + s S + F / (P e)      F with the halves of tiles of 128 that a mask leaves idle
//
// S: 1 ns for each block of 128 queries of a head. Bytes do not count: these kernels wait for arithmetic. e grows from heads
// of 64 to heads of 128 numbers with their logarithm, in backward as in forward, and stays beyond. The numbers are fitted to
// the libraries' own tables: cuDNN 9.19 on an H200 (cudnn-frontend), the others on an H100 (FlashAttention-3's paper, 2024).
// docs/models/cost.md has the errors.
#include <optional>
#include <string_view>

#include "waferwatt/cost/operator_model.hpp"

namespace waferwatt::cost {

enum class AttentionLibrary { cudnn, cudnn_2024, flash_attention_2, flash_attention_3, triton };

/// "cudnn", "flash_attention_3", ...; nothing for others.
std::optional<AttentionLibrary> attention_library(std::string_view name);

/// A transfer: the libraries' tables are of one accelerator each.
/// \throws InputError for a pass or format in which the library's times are not known, or that the accelerator lacks
Estimate estimate(const OperatorModel& model, const PrefillAttention& op, AttentionLibrary library);
Estimate backward(const OperatorModel& model, const PrefillAttention& op, AttentionLibrary library);

}  // namespace waferwatt::cost
