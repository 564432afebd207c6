// SPDX-License-Identifier: Apache-2.0
#pragma once
// Members of a row of published iterations, and what they mean.
#include <stdexcept>

#include "waferwatt/validation/training_cases.hpp"

namespace waferwatt::validation {

using io::Value;

/// A row that cannot be simulated, and why.
class Unusable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

bool contains(const std::string& text, std::string_view part);
std::string lower(std::string text);

/// Nothing where it is absent or null.
const Value* member(const Value& object, std::string_view key);
std::string text_of(const Value& object, std::string_view key);
std::optional<double> number_of(const Value& object, std::string_view key);
std::int64_t whole(const Value& object, std::string_view key, std::int64_t otherwise);
std::int64_t required(const Value& object, std::string_view what, std::string_view key);
bool is_true(const Value& object, std::string_view key);

/// A GPT of the Megatron family: two matrices of 4 h, tied embeddings.
catalog::LanguageModel gpt_model(std::int64_t layers, std::int64_t hidden, std::int64_t heads, std::int64_t vocabulary);
catalog::LanguageModel model_of(const Value& row);

catalog::Accelerator accelerator_of(const Value& hardware, const catalog::Catalog&);
network::TwoLevelNetwork network_of(const Value& hardware, const catalog::Accelerator&, const catalog::Catalog&, std::int64_t n);

/// Name of a software stack, and whether the source is one of those it was fitted to.
struct KnownSoftware {
  std::string name;
  bool is_known = true;
};
KnownSoftware software_of(const std::string& source, const catalog::Accelerator&, const catalog::LanguageModel&);
training::Plan plan_of(const Value& row, const catalog::LanguageModel&, std::int64_t n, const std::string& software);
/// Also from rates of tokens, samples or model FLOP/s.
Time measured_time(const Value& row, const TrainingCase&);

/// Adds the case, or the reason why not.
void add_row(TrainingCases&, const Value& row, const std::string& id, const catalog::Catalog&);

}  // namespace waferwatt::validation
