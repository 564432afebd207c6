// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "waferwatt/cli/command.hpp"
#include "waferwatt/report/comparison.hpp"

namespace waferwatt::cli {
namespace {

int compare(const Arguments& arguments) {
  if (arguments.positional().size() < 2) throw UsageError("give at least two results folders");
  if (arguments.positional().size() > 26) throw UsageError("at most 26 results folders can be compared");
  fmt::print("{}", report::compare({arguments.positional().begin(), arguments.positional().end()}).text());
  return kOk;
}

}  // namespace

Command compare_command() {
  return {.name = "compare",
          .arguments = "DIR DIR...",
          .doc = "Show the metrics in which results folders differ, relative to the first.",
          .examples = "  waferwatt compare results/base results/more-gpus\n",
          .options = {},
          .run = compare};
}

}  // namespace waferwatt::cli
