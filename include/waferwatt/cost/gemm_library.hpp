// SPDX-License-Identifier: Apache-2.0
#pragma once
// GEMMs by the kernels of a named library, where calibrations are of TensorRT-LLM's operator.
//
//   t = t0 + ((F / (P ec))^p + (B / (W em))^p)^(1/p)      F, B: operators.hpp; inputs are in the narrow format already
//
// The four numbers of DeepGEMM are fitted to the 18 dense products of its table of March 2025 (H800, fp8 with scales of 128
// numbers); its 10 grouped products, masked and contiguous, are predicted from them. docs/models/cost.md has the errors.
#include <optional>
#include <string_view>

#include "waferwatt/cost/operator_model.hpp"

namespace waferwatt::cost {

enum class GemmLibrary { deepgemm };

/// "deepgemm"; nothing for others.
std::optional<GemmLibrary> gemm_library(std::string_view name);

/// A transfer: the library's table is of one accelerator. \throws InputError for formats other than block-scaled fp8, or one
/// that the accelerator lacks
Estimate estimate(const OperatorModel& model, const Gemm& op, GemmLibrary library);
Estimate estimate(const OperatorModel& model, const GroupedGemm& op, GemmLibrary library);

}  // namespace waferwatt::cost
