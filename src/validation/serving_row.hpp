// SPDX-License-Identifier: Apache-2.0
#pragma once
// What tables of measured serving have in common: precisions, engines, and a case's name.
#include "published_row.hpp"
#include "waferwatt/validation/serving_cases.hpp"

namespace waferwatt::validation {

/// Tokens choose experts unevenly: what is busy in one batch, not what is busiest over a day. 1.01 is the exponent at
/// which kernels of experts are commonly measured.
inline constexpr double kRoutingExponent = 1.01;

struct Precision {
  catalog::NumberFormat format = catalog::NumberFormat::bf16;
  cost::Recipe recipe = cost::Recipe::plain;  ///< int4_weights instead of fp4; block: fp8 with a scale for 128 numbers
};

/// Of the weights; what a model was released in where nothing is said, or where that is narrower.
/// \throws Unusable for a name that is not known
Precision precision_named(const std::string& said, const catalog::LanguageModel& model);

/// Gives a plan the formats of that precision, the backend's KV format and uneven routing.
/// \throws Unusable when the model cannot be split this way
void settle_plan(serving::ReplicaPlan& plan, const ServingCase& c, const Precision& precision);

std::string layout_text(const serving::ReplicaPlan& plan);

/// All but the concurrency and the lengths, as the table has it.
std::string configuration_of(const ServingCase& c, const Precision& precision);

/// The profile that stands for an engine as sources name it ("SGLang 43124cdd"), or as the source is named where it does
/// not. TensorRT-LLM before 0.19, of which either name tells the release, runs engines that TensorRT built.
std::string backend_named(const std::string& engine, const std::string& source = {});

/// Takes tokens a second and, where `power` of the accelerators was measured, energy per token from the whole time of a
/// batch; nothing when it is not the sum of its parts: then answers ended before their length.
void read_whole_time(ServingCase& c, double whole_s, std::optional<double> power_of_tdp);

ServingCases read_published_serving(const std::string& file, const catalog::Catalog& catalog);
/// \param text a table in the columns of splitwise-sim's
ServingCases read_static_batches(const std::string& file, std::string_view text, const catalog::Catalog& catalog);

}  // namespace waferwatt::validation
