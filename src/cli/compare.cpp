// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "waferwatt/cli/command.hpp"
#include "waferwatt/cli/terminal.hpp"
#include "waferwatt/report/results_folder.hpp"

namespace waferwatt::cli {
namespace {

int compare(const Arguments& arguments) {
  if (arguments.positional().size() < 2) throw UsageError("give at least two results folders");
  if (arguments.positional().size() > 26) throw UsageError("at most 26 results folders can be compared");
  const auto comparison = report::compare({arguments.positional().begin(), arguments.positional().end()});
  if (arguments.has("--json"))
    fmt::print("{}", io::to_json(comparison.json()));
  else
    fmt::print("{}", comparison.text(style_of(stdout)));
  if (const auto file = arguments.value("--output")) {
    report::write_comparison(*file, comparison);
    fmt::print(stderr, "Page      {}\n", *file);
  }
  return kOk;
}

}  // namespace

Command compare_command() {
  return {.name = "compare",
          .arguments = "DIR DIR... [OPTIONS]",
          .doc = "Show in which inputs, metrics and charges results folders differ, relative to the first.",
          .examples = "  waferwatt compare results/base results/more-gpus\n"
                      "  waferwatt compare results/base results/more-gpus -o difference.html\n",
          .options = {{"--output", "-o", "FILE", "Write a page with the comparison, too."}, {"--json", "", "", "Print one JSON object."}},
          .run = compare};
}

}  // namespace waferwatt::cli
