// SPDX-License-Identifier: Apache-2.0
#pragma once
// Members of a row of published results, of training or of serving, and the model and hardware that it names.
#include <optional>
#include <stdexcept>
#include <string>

#include "waferwatt/catalog/catalog.hpp"
#include "waferwatt/io/value.hpp"
#include "waferwatt/network/collectives.hpp"

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
/// Empty where it is absent or no text.
std::string text_of(const Value& object, std::string_view key);
std::optional<double> number_of(const Value& object, std::string_view key);
std::int64_t whole(const Value& object, std::string_view key, std::int64_t otherwise);
/// \throws Unusable "`what` is not given"
std::int64_t required(const Value& object, std::string_view what, std::string_view key);
/// True as a truth value, or as a text that says so.
bool is_true(const Value& object, std::string_view key);

/// A GPT of the Megatron family: two matrices of 4 h, tied embeddings.
catalog::LanguageModel gpt_model(std::int64_t layers, std::int64_t hidden, std::int64_t heads, std::int64_t vocabulary);
/// \throws Unusable when a size that matters is not given
catalog::LanguageModel model_of(const Value& row);

/// The catalog's by its usual names, else as far as the row describes it.
/// \throws Unusable when neither does
catalog::Accelerator accelerator_of(const Value& hardware, const catalog::Catalog&);
/// \param n accelerators that must be joined
/// \throws Unusable when nothing is known of the network inside a node, or beyond one where it is needed
network::TwoLevelNetwork network_of(const Value& hardware, const catalog::Accelerator&, const catalog::Catalog&, std::int64_t n);

}  // namespace waferwatt::validation
