// SPDX-License-Identifier: Apache-2.0
#include "calibrate_words.hpp"

#include <fmt/format.h>

#include "waferwatt/validation/software_fit.hpp"

namespace waferwatt::cli {

int calibrate_software(const Arguments& arguments) {
  const auto& words = arguments.positional();
  if (words.size() < 2) throw UsageError("the stack to fit is missing: waferwatt calibrate software STACK [NUMBER...] [--cases FILE]");
  const auto& start = training::software_stack(words[1]);
  const std::vector<std::string> names(words.begin() + 2, words.end());
  const auto files = arguments.values("--cases");
  const auto& catalog = *shared_catalog();
  std::vector<validation::TrainingCase> cases;
  validation::TrainingCases all;
  if (files.empty()) all = validation::shipped_training_cases(catalog);
  for (const auto& file : files) all.add(validation::read_training_cases(file, catalog));
  for (auto& c : all.cases)
    if (c.software == start.name || arguments.has("--all")) cases.push_back(std::move(c));
  const auto fit = validation::fit_software(cases, catalog, start, names);
  fmt::print("{}: {} cases fitted, {} held out; mean absolute log error {:.2f} % -> {:.2f} % fitted, {:.2f} % -> {:.2f} % held out\n",
             start.name, fit.n_fitted, fit.n_held_out, fit.fitted_before, fit.fitted_after, fit.held_out_before, fit.held_out_after);
  for (const auto& number : training::software_numbers()) {
    const double before = number.get(start), after = number.get(fit.software);
    fmt::print("  {:<22} {:>8.3g}{}\n", number.name, after, after != before ? fmt::format("   was {:.3g}", before) : "");
  }
  return kOk;
}

}  // namespace waferwatt::cli
