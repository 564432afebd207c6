// SPDX-License-Identifier: Apache-2.0
#pragma once
// How public measurements of closed loops were driven and served, where their tables do not say it.
#include "waferwatt/validation/serving_cases.hpp"

namespace waferwatt::validation {

/// InferenceX (github.com/SemiAnalysisAI/InferenceX, benchmarks/) measures three pairs of lengths on servers that its
/// scripts launch. Gives a case of one of its pairs the spread of lengths and the settings of those scripts that delay
/// requests or first tokens.
/// \returns whether the case has one of these pairs
bool take_inference_x_recipe(ServingCase& serving_case);

/// aiconfigurator (github.com/ai-dynamo/aiconfigurator, src/aiconfigurator/generator/) measures other lengths, each one
/// length for all requests, on servers whose token budget it derives from them.
void take_aiconfigurator_recipe(ServingCase& serving_case);

}  // namespace waferwatt::validation
