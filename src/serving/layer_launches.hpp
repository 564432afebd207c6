// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "waferwatt/catalog/language_model.hpp"

namespace waferwatt::serving {

/// Kernels that engines launch for a layer without a graph, in the mean over the layers, against those of a plain one:
/// grouped-query attention and one feed-forward part. Counted from the operators of a layer.
double layer_launches(const catalog::LanguageModel& model);

}  // namespace waferwatt::serving
