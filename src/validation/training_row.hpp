// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a row of published iterations means: its software, plan and time.
#include "published_row.hpp"
#include "waferwatt/validation/training_cases.hpp"

namespace waferwatt::validation {

/// Name of a software stack, and whether the source is one of those it was fitted to.
struct KnownSoftware {
  std::string name;
  bool is_known = true;
};
KnownSoftware software_of(const std::string& source, const catalog::Accelerator&, const catalog::LanguageModel&);
training::Plan plan_of(const Value& row, const catalog::LanguageModel&, Bandwidth host_bandwidth, std::int64_t n, const std::string& software);
/// Also from rates of tokens, samples or model FLOP/s.
Time measured_time(const Value& row, const TrainingCase&);

/// Adds the case, or the reason why not.
void add_row(TrainingCases&, const Value& row, const std::string& id, const catalog::Catalog&);

}  // namespace waferwatt::validation
