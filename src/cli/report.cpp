// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "waferwatt/cli/command.hpp"
#include "waferwatt/report/results_folder.hpp"

namespace waferwatt::cli {
namespace {

int report(const Arguments& arguments) {
  const std::filesystem::path folder = only_argument(arguments, "DIR");
  const std::filesystem::path file = arguments.value("--output").value_or((folder / "report.html").string());
  report::write_report(file, folder);
  fmt::print("Report    {}\n", file.string());
  return kOk;
}

}  // namespace

Command report_command() {
  return {.name = "report",
          .arguments = "DIR [OPTIONS]",
          .doc = "Write report.html of a results folder again: one page that opens without a network.",
          .examples = "  waferwatt report results/compute-famine\n"
                      "  waferwatt report results/compute-famine -o famine.html\n",
          .options = {{"--output", "-o", "FILE", "File to write (default: DIR/report.html)."}},
          .run = report};
}

}  // namespace waferwatt::cli
