// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "validate_sets.hpp"

namespace waferwatt::cli {
namespace {

struct Set {
  std::string_view name;
  int (*run)(const Arguments&);
};
constexpr Set kSets[] = {{"kernels", validate_kernels}, {"network", validate_network}, {"training", validate_training}, {"serving", validate_serving}, {"supply", validate_supply}, {"power", validate_power}, {"world", validate_supply}};

std::vector<std::string> set_names() {
  std::vector<std::string> names;
  for (const auto& set : kSets) names.emplace_back(set.name);
  return names;
}

int validate(const Arguments& arguments) {
  const std::string& name = only_argument(arguments, "SET");
  for (const auto& set : kSets)
    if (set.name == name) return set.run(arguments);
  throw UsageError(fmt::format("unknown set \"{}\"{}", name, core::suggestion(name, set_names(), "sets")));
}

}  // namespace

Command validate_command() {
  return {.name = "validate",
          .arguments = "SET [OPTIONS]",
          .doc = "Compare predictions with measured cases: kernels, network, training, serving, supply, power, world.",
          .examples = "  waferwatt validate kernels\n"
                      "  waferwatt validate kernels --cases h200_sxm_gemm.csv.gz --json\n"
                      "  waferwatt validate training --cases measured.csv\n"
                      "  waferwatt validate supply --json | jq .metrics\n"
                      "  waferwatt validate power\n"
                      "  waferwatt validate world\n",
          .options = {{"--cases", "", "FILE", "Measured cases of your own (default: those shipped).", true},
                      {"--accelerator", "-a", "ID", "Accelerator that was measured (kernels); default: what the file says."},
                      {"--points", "", "FILE", "Write measured and predicted time of every case as CSV (kernels, network, training, serving)."},
                      {"--fit", "", "", "Fit the backends' profiles on half of the configurations (serving)."},
                      {"--backend", "", "NAME", "The only backend to fit (serving; default: all that were measured)."},
                      {"--without", "", "ID", "A language model or accelerator to leave out of the fit; its errors are printed apart (serving --fit).", true},
                      {"--jobs", "-j", "N", "Processor cores to use (supply, world, serving --fit; default: all)."},
                      {"--json", "", "", "Print one JSON object."}},
          .run = validate,
          .choices = set_names};
}

}  // namespace waferwatt::cli
